"""Invalid pipelines, invalid options, packages that are not installed."""

from __future__ import annotations

import pytest
from failing import Workspace

INGEST = "  - {id: r, stage: ingest-ratings, inputs: [toy.csv]}\n"


@pytest.fixture
def workspace(tmp_path, qbuild_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Workspace(tmp_path, qbuild_cli)
    found.ratings()
    return found


def step(text: str) -> str:
    return f"steps:\n  - {{{text}}}\n"


LEVELS = "id: a, stage: mos-to-levels, inputs: [toy.csv], options"
BACK = "  - {id: b, stage: mos-to-levels, inputs: [a]}\n"
INVALID = [
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
    (step("id: a, id: b, stage: demo-media"), "duplicate key 'id'"),
    (step("id: a, stage: ingest-ratings, inputs: []"), "0 inputs"),
    ("steps:\n\t- {id: a}\n", r"is not valid YAML \(.*'\\t' that cannot start .* line 2"),
    ("steps: [\n", "is not valid YAML"),
    ("[" * 3000, "is not valid YAML"),
    ("steps: 2024-99-99\n", "is not valid YAML"),
    ("steps: !!int x\n", "is not valid YAML"),
    ("!!python/object/apply:os.system ['true']", "is not valid YAML"),
    ("", "is not a mapping"),
    ("- a\n", "is not a mapping"),
    ("steps: []", "has no steps"),
    ("steps: [5]", "is 5"),
    ("steps: [{id: [1]}]", r"id \[1\]"),
    ("stepz: [a]\nsteps:\n" + INGEST, "unknown key 'stepz'"),
    ("roots: [a]\nsteps:\n" + INGEST, r"roots \['a'\]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what"), INVALID)
def test_an_invalid_pipeline(workspace, text, what):
    workspace.write("p.yaml", text)
    failure = workspace.fails("run", "p.yaml", code=4, kind="pipeline", what=what, where="p.yaml")
    assert failure.text.startswith("error: p.yaml: ")
    assert workspace.run("graph", "p.yaml").code == workspace.run("status", "p.yaml").code == 4


def test_all_problems_are_reported_at_once_with_near_names(workspace):
    workspace.write(
        "p.yaml", step(f"{LEVELS}: {{wrds: itu, range: x}}") + "  - {id: b, stage: exprt}\n"
    )
    text = workspace.run("run", "p.yaml").err
    assert text.count("\n") == 3
    assert "p.yaml: step a: unknown option 'wrds'. Did you mean words?" in text
    assert "p.yaml: step b: unknown stage 'exprt'. Did you mean export?" in text


def test_a_missing_input_is_reported_before_any_step_runs(workspace):
    workspace.write(
        "p.yaml", "steps:\n" + INGEST + "  - {id: l, stage: mos-to-levels, inputs: [rr]}\n"
    )
    for flags in ((), ("--dry-run",)):
        workspace.fails(
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
def test_a_path_without_a_pipeline(workspace, command, name, what):
    (workspace.folder / "folder.yaml").mkdir()
    workspace.write("latin.yaml", b"a:\xff")
    workspace.fails(command, name, code=1, kind="input", what=what, where=name)


def test_a_step_that_fails_leaves_the_artifacts_of_earlier_steps(workspace):
    workspace.write("p.yaml", "steps:\n" + INGEST + "  - {id: x, stage: export, inputs: [r]}\n")
    done = workspace.run("run", "p.yaml", "--workdir", "w")
    assert done.code == 3
    assert done.err.startswith("error: step x: w/r.parquet: an artifact of schema rating; expected")
    assert {path.name for path in (workspace.folder / "w").iterdir()} == {
        "r.parquet",
        "qbuild-runs.jsonl",
    }


@pytest.mark.parametrize(
    ("workdir", "what"),
    [
        ("toy.csv", "toy.csv is not a folder"),
        ("toy.csv/w", "is not a folder"),
        ("/proc/none", "No such"),
    ],
)
def test_an_invalid_workdir(workspace, workdir, what):
    workspace.write("p.yaml", "steps:\n" + INGEST)
    workspace.fails(
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
def test_an_invalid_option(workspace, arguments, what):
    workspace.fails(*arguments, code=2, kind="usage", what=what)


def test_an_unknown_layout_or_step_lists_near_names(workspace):
    assert "Did you mean table?" in workspace.run(*STAGE, "--layout", "tabel").err
    assert "Did you mean pictures?" in workspace.run(*RUN, "--force", "picture").err


def test_a_missing_optional_package_ends_with_code_5(workspace, monkeypatch):
    from qbuild.stages import demo_media

    found = demo_media.find_spec
    monkeypatch.setattr(demo_media, "find_spec", lambda n: None if n == "skimage" else found(n))
    failure = workspace.fails(
        "demo-media", "-o", "demo", code=5, kind="missing-part", where="demo-media",
        what="scikit-image is not installed", leaves=("demo/.qbuild-output",),
    )  # fmt: skip
    assert "pip install" in failure.error["todo"]


def test_an_unknown_backend_ends_with_code_5_and_lists_near_names(workspace, monkeypatch):
    from qbuild.backends.registry import load_backend

    monkeypatch.setattr("qbuild.core.inspect.summary.summarise", lambda *_: load_backend("fakke"))
    failure = workspace.fails(
        "show", "toy.csv", code=5, kind="missing-part", what="is not installed", where="fakke"
    )
    assert "Did you mean fake?" in failure.error["todo"]


def test_an_unexpected_error_is_reported_without_a_traceback(workspace, monkeypatch):
    def broken(*_):
        raise KeyError("a bug")

    monkeypatch.setattr("qbuild.core.inspect.summary.summarise", broken)
    failure = workspace.fails("show", "toy.csv", code=1, kind="unforeseen", what="KeyError: 'a bug")
    assert "--debug" in failure.error["todo"]


def test_running_out_of_memory_is_reported(workspace, monkeypatch):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr("qbuild.core.inspect.summary.summarise", exhausted)
    workspace.fails("show", "toy.csv", code=1, kind="unforeseen", what="^out of memory$")
