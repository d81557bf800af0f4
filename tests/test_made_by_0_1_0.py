"""What qbuild 0.1.0 wrote is read as it was then.

The files in `data/made_by_0_1_0` are not made again: `make.py` next to them ran with that version.
"""

from __future__ import annotations

import json
import shutil
import socket
import tarfile
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import offered
import pyarrow.parquet as pq
import pytest
from command_line import run_command

MADE = Path(__file__).parent / "data/made_by_0_1_0"
ARTIFACTS = sorted(path.relative_to(MADE).as_posix() for path in MADE.rglob("*.parquet"))
EXPORTS = sorted(path.parent.relative_to(MADE).as_posix() for path in MADE.rglob("qbuild.json"))
# 0.1.0 took its rows, which have no sample_id, for repeats of one another, and so found it bad
SCORES = "predictions.parquet"
DEPICTED = ("gpt-extend", "work/depictions.parquet", "--model", "mock-model", "--ledger", "ledger",
            "--prompts", "prompts")  # fmt: skip
PAIRS = ("work/pairs.parquet", "--backend", "vqa2", "--media-root", "scores=pictures")
EVERY_SPLIT = ("--split", "all")  # 0.1.0 trained on rows of every split


@pytest.fixture
def made(tmp_path, monkeypatch) -> Path:
    """A copy of the files, as the current folder."""
    place = tmp_path / "made"
    shutil.copytree(MADE, place)
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def qbuild(made, monkeypatch, capsys):
    """Runs `qbuild ARGUMENTS` in this process, in the folder of the files."""
    return partial(run_command, monkeypatch, capsys)


@pytest.fixture
def expected(made, tmp_path, monkeypatch) -> dict[str, Any]:
    """What the checkpoints gave then, after they are unpacked and their backend is offered."""
    torch = pytest.importorskip("torch", reason="needs the model backends' torch")
    pytest.importorskip("transformers", reason="needs the model backends' transformers")
    pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")
    torch.set_num_threads(1)
    with tarfile.open(made / "models.tar.xz") as packed:
        packed.extractall(made, filter="data")
    project = tomllib.loads((MADE.parents[2] / "backends/pyproject.toml").read_text())
    target = project["project"]["entry-points"]["qbuild.backends"]["vqa2"]
    (tmp_path / "offer").mkdir()
    offered.offer(tmp_path / "offer", monkeypatch, "vqa2", "", target=target)
    return json.loads((made / "expected.json").read_text())


def assert_same_rows(qbuild, one: str, other: str) -> None:
    done = qbuild("diff", one, other, "--json")
    assert (done.code, done.json["same_rows"]) == (0, True), done.err or done.out


def assert_same_pairs(one: str, other: str) -> None:
    """The same pairs; those of a person's own conversation are extended ones since."""
    old, new = (pq.read_table(name).to_pylist() for name in (one, other))
    for row in old:
        if "vqa2/conversation" in str(row["provenance"]["prompt"]):
            row["task"] = "extended"
    for row in (*old, *new):
        del row["sample_id"]  # a hash of the task, too
    assert new == old


def settings(expected, **changed: Any) -> list[str]:
    """The settings of the training then, as command-line arguments."""
    chosen = expected["settings"] | changed
    return ["--seed", str(expected["seed"])] + [
        f"--set={name}={json.dumps(value)}" for name, value in chosen.items()
    ]


def losses(folder: str) -> list[float]:
    lines = Path(folder, "losses.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_the_files_hold_what_is_tested_here():
    kinds = {"rating", "level", "instruction", "stall", "depiction", "prediction", "metric"}
    described = (pq.read_schema(MADE / name).metadata[b"qbuild"] for name in ARTIFACTS)
    assert {json.loads(text)["schema"]["name"] for text in described} >= {*kinds, "rejected"}
    assert EXPORTS == ["work/llava", "work/q-align"]


@pytest.mark.parametrize("name", ARTIFACTS)
def test_an_artifact_is_shown(qbuild, name):
    done = qbuild("show", name, "--json")
    assert done.code == 0, done.err
    assert done.json["summary"]["rows"] == pq.read_metadata(name).num_rows > 0
    assert done.json["summary"]["complete"]


@pytest.mark.parametrize("name", [*(n for n in ARTIFACTS if n != SCORES), *EXPORTS])
def test_an_output_is_valid(qbuild, name):
    done = qbuild("validate", name)
    assert done.code == 0, done.err or done.out


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_shown(qbuild, name):
    done = qbuild("show", name, "--json")
    assert done.code == 0, done.err
    assert len(done.json["files"]) > 0


def test_only_steps_whose_rows_have_changed_since_would_run(qbuild):
    done = qbuild("run", "pipeline.yaml", "--workdir", "work", "--dry-run", "--json")
    assert done.code == 0, done.err
    would = {step["id"]: step["reasons"] for step in done.json["steps"] if not step["stands"]}
    reasons = {name: {reason["kind"] for reason in found} for name, found in would.items()}
    changed = {"streaming": {"option changed"}, "pairs": {"upstream"}}
    changed |= {name: {"stage changed"} for name in ("some", "metrics")}
    new = {"stage changed", "option changed"}
    extended = {"by-rules": new, "by-model": {*new, "prompt changed"}, "causal": new}
    assert reasons == {**changed, **extended, "llava": {"upstream"}, "q-align": {"upstream"}}
    assert would["streaming"][0]["detail"] == "word_case: capitalised → lower"
    prompts = {found["detail"] for found in would["by-model"] if found["kind"] == "prompt changed"}
    assert prompts == {"q-instruct/what-how", "vqa2/in-context"}
    assert len(done.json["steps"]) == 16


def test_pairs_are_up_to_date_with_the_options_of_0_1_0(qbuild):
    text = Path("pipeline.yaml").read_text()
    text = text.replace("{form: vqa2, seed: 7}", "{form: vqa2, seed: 7, preset: paper}")
    stage = "stage: streaming-qa, inputs: [stalls, stall-levels]"
    text = text.replace(stage, stage + ", options: {preset: paper}")
    Path("pipeline.yaml").write_text(text)
    done = qbuild("run", "pipeline.yaml", "--workdir", "work", "--dry-run", "--json")
    assert done.code == 0, done.err
    would = {step["id"]: step["reasons"] for step in done.json["steps"] if not step["stands"]}
    assert "streaming" not in would
    assert {reason["kind"] for reason in would["pairs"]} == {"upstream"}  # a newer `sample`


def test_a_pair_is_traced_to_its_rating(qbuild):
    (first, *_) = pq.read_table("work/pairs.parquet").to_pylist()
    done = qbuild("why", first["sample_id"], "--workdir", "work")
    assert done.code == 0, done.err
    assert "in scores.csv" in done.out


def test_the_ledger_answers_without_a_server(qbuild):
    done = qbuild(*DEPICTED, "--provider", "replay", "-o", "again.parquet", "--json")
    assert done.code == 0, done.err
    assert (done.json["run"]["sent"], done.json["run"]["from_ledger"]) == (0, 8)
    assert_same_pairs("work/by-model.parquet", "again.parquet")


def test_the_ledger_answers_before_a_server_is_asked(qbuild, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        asked = ("--provider", "openai", "--base-url", address, "--attempts", "1")
        limits = ("--time-limit", "2", "-o", "again.parquet", "--json")
        done = qbuild(*DEPICTED, *asked, *limits)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody called
            server.accept()
    assert done.code == 0, done.err
    assert done.json["run"]["sent"] == 0
    assert_same_pairs("work/by-model.parquet", "again.parquet")


def test_the_ledger_is_written_as_an_artifact(qbuild):
    done = qbuild("responses", "ledger", "-o", "responses.parquet", "--json")
    assert (done.code, done.json["rows"]) == (0, 8), done.err
    assert set(pq.read_table("responses.parquet")["state"].to_pylist()) == {"ok"}


def test_an_export_of_q_align_comes_back_as_its_rows(qbuild):
    done = qbuild("import-qa", "work/q-align", "-o", "again.parquet")
    assert done.code == 0, done.err
    assert_same_rows(qbuild, "work/pairs.parquet", "again.parquet")


def test_an_export_of_llava_comes_back_as_the_rows_of_its_inputs(qbuild):
    done = qbuild("import-qa", "work/llava", "-o", "again.parquet")
    assert done.code == 0, done.err
    sources = ("pairs", "streaming", "by-rules")
    given = [row for name in sources for row in pq.read_table(f"work/{name}.parquet").to_pylist()]
    again = pq.read_table("again.parquet").to_pylist()
    by_id = {row["sample_id"]: row for row in again}
    assert by_id == {row["sample_id"]: row for row in given}
    assert len(again) == len(given)


def test_predictions_are_compared_with_levels(qbuild):
    given = ("predictions.parquet", "work/levels.parquet", "--bootstrap", "20")
    done = qbuild("evaluate", *given, "-o", "figures.parquet", "--max-reject-share", "0.2")
    assert done.code == 0, done.err


def test_media_that_the_checkpoint_was_trained_on_are_rejected(qbuild, expected):
    given = ("predictions.parquet", "work/levels.parquet", "--trained-on", "checkpoint")
    done = qbuild("evaluate", *given, "-o", "figures.parquet", "--max-reject-share", "0.2")
    assert done.code == 1
    assert "scores:a.png: the model was trained on it" in done.err


def test_a_checkpoint_is_shown_and_valid(qbuild, expected):
    assert qbuild("show", "checkpoint/trained_on.parquet").code == 0
    done = qbuild("validate", "checkpoint")
    assert done.code == 0, done.err or done.out


def test_a_checkpoint_gives_the_same_scores(qbuild, expected):
    given = ("work/ratings.parquet", "clips", "--media-root", "scores=pictures", "--batch", "2")
    model = ("--backend", "vqa2", "--model", "checkpoint", "--device", "cpu")
    words = ("--words", "vqa2-capitalised")  # the default of 0.1.0
    done = qbuild("score", *given, *model, *words, "-o", "scores.parquet")
    assert done.code == 0, done.err
    rows = pq.read_table("scores.parquet").to_pylist()
    found = {row["media_id"]: row["score"] for row in rows}
    assert found == pytest.approx(expected["scores"], abs=1e-6)


def test_training_begins_from_a_checkpoint(qbuild, expected):
    changed = settings(expected, base="checkpoint", plan="ugc-scorer", max_steps=1)
    done = qbuild("train", *PAIRS, *EVERY_SPLIT, "-o", "further", *changed)
    assert done.code == 0, done.err
    assert losses("further") == pytest.approx([expected["further_loss"]], rel=1e-5)


def test_an_interrupted_training_resumes(qbuild, expected):
    done = qbuild("train", *PAIRS, *EVERY_SPLIT, "-o", "cut-off", *settings(expected))
    assert done.code == 0, done.err
    assert "resuming from step 2" in done.err
    assert losses("cut-off")[:2] == losses("checkpoint")[:2]
    assert losses("cut-off") == pytest.approx(losses("checkpoint"), rel=1e-5)


def test_a_training_that_has_ended_is_not_run_again(qbuild, expected):
    weights = Path("checkpoint/model.safetensors")
    before = weights.stat().st_mtime_ns
    done = qbuild("train", *PAIRS, *EVERY_SPLIT, "-o", "checkpoint", *settings(expected))
    assert done.code == 0, done.err
    assert weights.stat().st_mtime_ns == before
