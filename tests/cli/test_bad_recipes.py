"""Pipelines that are no graph, options that cannot be, parts that are not installed."""

from __future__ import annotations

import pytest
from refusal import Place

INGEST = "  - {id: r, stage: ingest-ratings, inputs: [toy.csv]}\n"


@pytest.fixture
def place(tmp_path, qbuild_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Place(tmp_path, qbuild_cli)
    found.ratings()
    return found


def step(text: str) -> str:
    return f"steps:\n  - {{{text}}}\n"


LEVELS = "id: a, stage: mos-to-levels, inputs: [toy.csv], options"
BACK = "  - {id: b, stage: mos-to-levels, inputs: [a]}\n"
NO_GRAPH = [
    (step("id: a, stage: mos-to-levels, inputs: [a]"), "has a cycle: a → a"),
    (step("id: a, stage: mos-to-levels, inputs: [b]") + BACK, "has a cycle: (a → b → a|b → a → b)"),
    (step("id: a, stage: mos-to-level, inputs: [toy.csv]"), "unknown stage 'mos-to-level'"),
    (step(f"{LEVELS}: {{wrds: itu}}"), "unknown option 'wrds'"),
    (step(f"{LEVELS}: {{words: klingon}}"), "option words: the value 'klingon' cannot be used"),
    (step(f"{LEVELS}: {{range: '5:1'}}"), "option range: LOW must be less .*given '5:1'"),
    (step(f"{LEVELS}: {{licence: x}}"), "option licence: the value 'x' cannot be used"),
    (step(f"{LEVELS}: [1]"), r"options \[1\]"),
    (step("id: a, stage: demo-media, options: {size: big}"), "option size: the value 'big'"),
    (step("id: a, stage: demo-media, options: {strengths: 99}"), "option strengths: the value 99"),
    ("steps:\n" + INGEST * 2, "two steps write one artifact: r"),
    (step("id: a.parquet, stage: demo-media"), "id 'a.parquet'"),
    (step("id: a, id: b, stage: demo-media"), "key 'id' stands twice"),
    (step("id: a, stage: ingest-ratings, inputs: []"), "0 inputs"),
    ("steps:\n\t- {id: a}\n", r"is no YAML \(.*'\\t' that cannot start .* line 2"),
    ("steps: [\n", "is no YAML"),
    ("[" * 3000, "is no YAML"),
    ("steps: 2024-99-99\n", "is no YAML"),
    ("steps: !!int x\n", "is no YAML"),
    ("!!python/object/apply:os.system ['true']", "is no YAML"),
    ("", "is no mapping"),
    ("- a\n", "is no mapping"),
    ("steps: []", "has no steps"),
    ("steps: [5]", "is 5"),
    ("steps: [{id: [1]}]", r"id \[1\]"),
    ("stepz: [a]\nsteps:\n" + INGEST, "unknown key 'stepz'"),
    ("roots: [a]\nsteps:\n" + INGEST, r"roots \['a'\]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what"), NO_GRAPH)
def test_a_pipeline_that_is_no_graph(place, text, what):
    place.write("p.yaml", text)
    told = place.refuses("run", "p.yaml", code=4, kind="pipeline", what=what, where="p.yaml")
    assert told.text.startswith("error: p.yaml: ")
    assert place.run("graph", "p.yaml").code == place.run("status", "p.yaml").code == 4


def test_near_names_and_every_problem_at_once(place):
    place.write(
        "p.yaml", step(f"{LEVELS}: {{wrds: itu, range: x}}") + "  - {id: b, stage: exprt}\n"
    )
    text = place.run("run", "p.yaml").err
    assert text.count("\n") == 3
    assert "p.yaml: step a: unknown option 'wrds'. Did you mean words?" in text
    assert "p.yaml: step b: unknown stage 'exprt'. Did you mean export?" in text


def test_an_input_that_does_not_exist_is_told_before_any_step_runs(place):
    place.write("p.yaml", "steps:\n" + INGEST + "  - {id: l, stage: mos-to-levels, inputs: [rr]}\n")
    for flags in ((), ("--dry-run",)):
        place.refuses(
            "run", "p.yaml", "--workdir", "w", *flags, code=1, kind="input",
            what="input 'rr' is neither a step nor a file", where="p.yaml: step l",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("folder.yaml", "is a folder"),
        ("none.yaml", "no such file"),
        ("latin.yaml", "byte 0xff at offset 2 is not UTF-8"),
    ],
)
@pytest.mark.parametrize("command", ["run", "graph", "status"])
def test_a_pipeline_path_that_holds_none(place, command, name, what):
    (place.folder / "folder.yaml").mkdir()
    place.write("latin.yaml", b"a:\xff")
    place.refuses(command, name, code=1, kind="input", what=what, where=name)


def test_a_step_that_is_refused_leaves_the_artifacts_before_it(place):
    place.write("p.yaml", "steps:\n" + INGEST + "  - {id: x, stage: export, inputs: [r]}\n")
    done = place.run("run", "p.yaml", "--workdir", "w")
    assert done.code == 3
    assert done.err.startswith("error: step x: w/r.parquet: an artifact of schema rating; expected")
    assert {path.name for path in (place.folder / "w").iterdir()} == {
        "r.parquet",
        "qbuild-runs.jsonl",
    }


@pytest.mark.parametrize(
    ("workdir", "what"),
    [("toy.csv", "toy.csv is no folder"), ("toy.csv/w", "is no folder"), ("/proc/none", "No such")],
)
def test_a_workdir_that_cannot_be(place, workdir, what):
    place.write("p.yaml", "steps:\n" + INGEST)
    place.refuses(
        "run", "p.yaml", "--workdir", workdir, code=1, kind="disk", what=what, where=workdir
    )


STAGE = ("mos-to-levels", "toy.csv", "-o", "new.parquet")
RUN = ("run", "demo", "--workdir", "w")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((*STAGE, "--workers", "0"), "the value 0 cannot be used"),
        ((*STAGE, "--batch-rows", "0"), "the value 0 cannot be used"),
        ((*STAGE, "--limit", "0"), "--limit"),
        ((*STAGE, "--max-reject-share", "2"), "the value 2.0 cannot be used"),
        ((*STAGE, "--max-reject-share", "nan"), "the value nan cannot be used"),
        ((*STAGE, "--workers", "two"), "--workers"),
        ((*STAGE, "--media-root", "none"), "no such folder: 'none'"),
        ((*STAGE, "--media-root", "toy="), "no such folder: ''"),
        ((*STAGE, "--words", "klingon"), "--words.*'klingon'.*'vqa2', 'itu'"),
        ((*STAGE, "--layout", "tabel"), "no layout is named 'tabel'"),
        ((*STAGE, "--rang", "1:2"), "--rang .*--range"),
        (STAGE[:2], "Missing option '--output'"),
        (("mos-to-level", "x"), "'mos-to-level'. Did you mean mos-to-levels"),
        (("export", "toy.csv", "-o", "new", "--format", "llva"), "--format.*'llva'"),
        ((*RUN, "--workers", "0"), "--workers"),
        ((*RUN, "--batch-rows", "0"), "--batch-rows"),
        ((*RUN, "--max-reject-share", "2"), "--max-reject-share"),
        ((*RUN, "--media-root", "none"), "no such folder: 'none'"),
        ((*RUN, "--force", "picture"), "has no step 'picture'"),
    ],
)
def test_an_option_that_cannot_be(place, arguments, what):
    place.refuses(*arguments, code=2, kind="usage", what=what)


def test_an_unknown_layout_and_an_unknown_step_list_the_near_ones(place):
    assert "Did you mean table?" in place.run(*STAGE, "--layout", "tabel").err
    assert "Did you mean pictures?" in place.run(*RUN, "--force", "picture").err


def test_a_missing_optional_part_ends_with_code_5(place, monkeypatch):
    from qbuild.stages import demo_media

    found = demo_media.find_spec
    monkeypatch.setattr(demo_media, "find_spec", lambda n: None if n == "skimage" else found(n))
    told = place.refuses(
        "demo-media", "-o", "demo", code=5, kind="missing-part", where="demo-media",
        what="scikit-image is not installed", leaves=("demo/.qbuild-output",),
    )  # fmt: skip
    assert "pip install" in told.error["todo"]


def test_an_unknown_backend_ends_with_code_5_and_lists_the_near_ones(place, monkeypatch):
    from qbuild.backends.registry import load_backend

    monkeypatch.setattr("qbuild.core.inspect.summary.view", lambda *_: load_backend("fakke"))
    told = place.refuses(
        "show", "toy.csv", code=5, kind="missing-part", what="is not installed", where="fakke"
    )
    assert "Did you mean fake?" in told.error["todo"]


def test_what_nobody_foresaw_is_told_without_a_traceback(place, monkeypatch):
    def broken(*_):
        raise KeyError("a fault of ours")

    monkeypatch.setattr("qbuild.core.inspect.summary.view", broken)
    told = place.refuses("show", "toy.csv", code=1, kind="unforeseen", what="KeyError: 'a fault of")
    assert "--debug" in told.error["todo"]


def test_memory_that_ran_out_is_told_as_such(place, monkeypatch):
    def hungry(*_):
        raise MemoryError

    monkeypatch.setattr("qbuild.core.inspect.summary.view", hungry)
    place.refuses("show", "toy.csv", code=1, kind="unforeseen", what="^out of memory$")
