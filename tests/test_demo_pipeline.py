"""The demo: from an empty folder to training files, the same each time, synthetic throughout."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from running import file_hashes, rows_of

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.runlog import NAME as RUN_LOG
from qbuild.core.engine.stage import Runtime
from qbuild.core.pipeline.load import Pipeline, load_pipeline
from qbuild.core.pipeline.run import plan, run
from qbuild.core.resources import data_file
from qbuild.quality.published_text import LEVEL_WORDS
from qbuild.stages import STAGES, get_stage

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = ("pairs-q-align", "pairs-q-sit", "pairs-vqa2")
EXPORTS = ("train-q-align", "train-llava")


@pytest.fixture(scope="module")
def demo() -> Pipeline:
    return load_pipeline(data_file("pipelines", "demo.yaml"), STAGES, get_stage)


@pytest.fixture(scope="module")
def work(demo, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "work"
    done = run(demo, folder, Runtime())
    assert [verdict.reasons[0].kind for verdict, _ in done] == ["missing"] * len(demo.steps)
    return folder


@pytest.fixture(scope="module")
def records(work) -> list[dict]:
    files = [path for name in EXPORTS for path in sorted((work / name).glob(f"{name[6:]}*.json"))]
    return [record for path in files for record in json.loads(path.read_text(encoding="utf-8"))]


def rows(work: Path, name: str) -> list[dict]:
    return rows_of(work / f"{name}.parquet")


def test_every_step_writes_its_rows(work, demo):
    for step in demo.steps:
        if step.stage.writes is not None:
            assert Artifact.open(step.output(work)).rows == 128
        else:
            described = json.loads((step.output(work) / "qbuild.json").read_text())
            assert described["rows"] == 128 * len(step.inputs)
            assert described["rejected"]["rows"] == 0


def test_a_second_run_runs_nothing_and_changes_nothing(work, demo):
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*")}
    assert [verdict.reasons for verdict in plan(demo, work)] == [()] * len(demo.steps)
    assert all(result is None for _, result in run(demo, work, Runtime()))
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*")} == before


def test_another_folder_two_workers_and_small_batches_give_the_same_bytes(work, demo, tmp_path):
    elsewhere = tmp_path / "some" / "other place"
    run(demo, elsewhere, Runtime(workers=2, batch_rows=7))
    assert file_hashes(elsewhere) == file_hashes(work)


def test_a_missing_image_makes_only_its_step_run_again(work, demo, tmp_path):
    copy = shutil.copytree(work, tmp_path / "work")
    next((copy / "pictures/media").iterdir()).unlink()
    done = run(demo, copy, Runtime())
    assert [verdict.step.id for verdict, _ in done if verdict.runs] == ["pictures"]
    assert file_hashes(copy) == file_hashes(work)


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_names_an_image_that_exists(work, name):
    media = [medium for row in rows(work, name) for medium in row["media"]]
    assert len({medium["path"] for medium in media}) == 128
    assert all((work / "pictures/media" / medium["path"]).is_file() for medium in media)


def test_every_exported_record_names_an_image_that_exists(work, records):
    assert len(records) == 384
    assert all((work / "pictures/media" / record["image"]).is_file() for record in records)


def test_no_photograph_is_both_trained_and_tested_on(work):
    for export in EXPORTS:
        scenes = {}
        for split in ("train", "test"):
            path = work / export / f"{export[6:]}-{split}.json"
            images = [record["image"] for record in json.loads(path.read_text(encoding="utf-8"))]
            scenes[split] = {image.split("-")[0] for image in images}
        assert scenes["train"].isdisjoint(scenes["test"])
        assert len(scenes["train"] | scenes["test"]) == 7


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_is_marked_synthetic(work, name):
    for row in rows(work, name):
        assert row["provenance"]["origin"] == "synthetic"
        assert row["provenance"]["annotator"] is None
        assert row["media"][0]["media_id"].startswith("synthetic-demo:")
        assert row["provenance"]["parents"][0].startswith("synthetic-demo:")


@pytest.mark.parametrize("name", ["levels-itu", "levels-vqa2"])
def test_every_level_is_marked_synthetic(work, name):
    assert all(row["source"].startswith("synthetic:") for row in rows(work, name))


def test_every_exported_record_is_marked_synthetic(records):
    assert all("synthetic" in json.dumps(record) for record in records)


@pytest.mark.parametrize(("name", "words"), [("levels-itu", "itu"), ("levels-vqa2", "vqa2")])
def test_all_five_words_occur_and_fall_with_the_strength(work, name, words):
    by_word: dict[str, list[int]] = {}
    for row in rows(work, name):
        by_word.setdefault(row["word"], []).append(int(row["path"].split("-")[-3]))
    assert by_word.keys() == set(LEVEL_WORDS[words])
    means = [sum(by_word[word]) / len(by_word[word]) for word in LEVEL_WORDS[words]]
    assert means == sorted(means, reverse=True)


def test_the_outputs_hold_no_path_and_no_time(work):
    for path in work.rglob("*"):
        if path.is_file() and path.name != RUN_LOG:
            assert str(work).encode() not in path.read_bytes(), path


def test_an_answer_uses_the_words_of_the_pairs_form(work):
    for name, words in zip(PAIRS, ("itu", "itu", "vqa2"), strict=True):
        answers = {row["turns"][-1]["parts"][0]["text"] for row in rows(work, name)}
        assert answers == {
            f"The quality of the image is {word.lower()}." for word in LEVEL_WORDS[words]
        }
