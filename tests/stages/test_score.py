"""Scores of files and artifacts: a row or a typed rejection per medium, from any backend."""

from __future__ import annotations

import shutil
from functools import partial
from hashlib import sha256

import offered
import pytest
from clips import make_clip
from images import image_folder
from offered import constant
from running import rejected_of, rows_of, run_stage
from tables import rating_table, write_artifact
from throwaway import SPOTS

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.stage import Runtime
from qbuild.core.errors import (
    InputError,
    MissingPartError,
    StageError,
    TooManyRejectedError,
    UsageError,
)
from qbuild.core.pipeline.load import load_pipeline
from qbuild.core.pipeline.run import run as run_pipeline
from qbuild.stages.score import STAGE, render


@pytest.fixture
def offer(tmp_path, monkeypatch):
    """Puts a distribution on the path that offers one backend."""
    return partial(offered.offer, tmp_path, monkeypatch, "constant")


def score(inputs, output, **given):
    return run_stage(STAGE, inputs, output, **{"backend": "fake", "share": 1.0, **given})


@pytest.fixture
def folder(tmp_path):
    place = image_folder(tmp_path / "set", count=2)
    make_clip(place / "a.mp4")
    return place


def test_a_folder_and_a_file_become_scores_with_their_logits_and_hashes(folder, tmp_path):
    clip = make_clip(tmp_path / "other.mp4", frames=5)
    result = score((folder, clip), tmp_path / "s.parquet")
    rows = rows_of(tmp_path / "s.parquet")
    assert [row["path"] for row in rows] == ["a.mp4", "p0.png", "p1.png", "other.mp4"]
    for row, place in zip(rows, [*(folder / row["path"] for row in rows[:3]), clip], strict=True):
        assert row["sha256"] == sha256(place.read_bytes()).hexdigest()
        assert 0 <= row["score"] <= 1
        assert row["words"][0] == "bad"
        assert len(row["logits"]) == 5
        assert (row["backend"], row["model"], row["temperature"]) == ("fake", "fake", 1.0)
        assert row["sample_id"] is None
    assert result.report["media"] == 4


def test_the_report_shows_both_scales_and_stores_no_time(folder, tmp_path):
    result = score(folder, tmp_path / "s.parquet")
    best = rows_of(tmp_path / "s.parquet")[0]["score"]
    lines = render(result.report).splitlines()
    assert lines[0] == f"{best:.4f}  {1 + 4 * best:.3f} of 5  a.mp4"
    assert lines[3].startswith("3 media scored by fake: ")
    assert result.report["run"]["seconds"] > 0
    assert "run" not in Artifact.open(tmp_path / "s.parquet").description.report


def test_only_the_first_scores_are_printed(tmp_path):
    result = score(image_folder(tmp_path / "in", count=12), tmp_path / "s.parquet")
    lines = render(result.report).splitlines()
    assert lines[10] == "… 2 more"
    assert len(lines) == 12


@pytest.mark.parametrize("how", [{"batch_rows": 1}, {"batch_rows": 7}, {"batch": 1, "readers": 1}])
def test_the_bytes_do_not_depend_on_batches(folder, tmp_path, how):
    score(folder, tmp_path / "one.parquet")
    score(folder, tmp_path / "two.parquet", **how)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.parquet", "two.parquet"))
    assert one == two


def test_rows_of_an_artifact_are_scored_below_the_media_root(folder, tmp_path):
    paths = ["p0.png", "a.mp4", "gone.mp4"]
    table = rating_table(3, datasets=1, path=paths, media_id=[f"set0:{p}" for p in paths])
    artifact = write_artifact(tmp_path / "r.parquet", table)
    score(artifact, tmp_path / "s.parquet", media_roots=(f"set0={folder}",))
    rows = rows_of(tmp_path / "s.parquet")
    assert [row["media_id"] for row in rows] == ["set0:p0.png", "set0:a.mp4"]
    (rejected,) = rejected_of(tmp_path / "s.parquet")
    assert (rejected["reason"], rejected["row"]) == ("missing-file", 3)


def test_media_made_by_a_stage_are_found_next_to_their_artifact(tmp_path):
    from qbuild.stages.corrupt import STAGE as CORRUPT

    assert SPOTS.media
    images = image_folder(tmp_path / "in", count=2)
    made = tmp_path / "made"
    run_stage(CORRUPT, images, made)
    score(made, tmp_path / "s.parquet")
    assert len(rows_of(tmp_path / "s.parquet")) == 2


def test_what_cannot_be_read_is_rejected_with_its_type_and_the_rest_is_scored(folder, tmp_path):
    (folder / "empty.png").touch()
    (folder / "out.png").symlink_to(tmp_path)
    score(folder, tmp_path / "s.parquet")
    rejected = rejected_of(tmp_path / "s.parquet")
    assert {row["value"]: row["reason"] for row in rejected} == {
        "empty.png": "empty-file",
        "out.png": "outside-root",
    }
    assert [row["path"] for row in rows_of(tmp_path / "s.parquet")] == ["a.mp4", "p0.png", "p1.png"]


def test_a_duplicate_medium_is_scored_once(folder, tmp_path):
    result = score((folder, folder / "a.mp4"), tmp_path / "s.parquet", dataset="set")
    assert result.rows == 3
    table = rating_table(
        4, datasets=1, path=["a.mp4"] * 4, media_id=["set:a.mp4"] * 4, dataset=["set"] * 4
    )
    artifact = write_artifact(tmp_path / "r.parquet", table)
    result = score(artifact, tmp_path / "t.parquet", media_roots=(f"set={folder}",))
    assert (result.rows, result.report["collapsed"]) == (1, 3)


def test_a_limit_takes_the_first_media(folder, tmp_path):
    assert score(folder, tmp_path / "s.parquet", limit=2).rows == 2


def test_too_many_rejections_fail_the_run(folder, tmp_path):
    (folder / "empty.png").touch()
    with pytest.raises(TooManyRejectedError, match="empty-file"):
        score(folder, tmp_path / "s.parquet", share=0.05)
    assert not (tmp_path / "s.parquet").exists()


def test_a_folder_without_media_is_an_error(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="holds no image or video"):
        score(tmp_path / "in", tmp_path / "s.parquet")


def test_an_unknown_dataset_needs_a_root(tmp_path):
    artifact = write_artifact(tmp_path / "r.parquet", rating_table(1))
    with pytest.raises(UsageError, match="set0"):
        score(artifact, tmp_path / "s.parquet")


def test_a_backend_that_is_absent_ends_with_5(folder, tmp_path):
    with pytest.raises(MissingPartError, match="Did you mean fake") as caught:
        score(folder, tmp_path / "s.parquet", backend="fakee")
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("replies", "how"),
    [
        ("lambda asked: list(asked)[1:]", "fewer"),
        ("lambda asked: [one for one in asked for _ in range(2)]", "more"),
    ],
)
def test_too_many_or_too_few_replies_are_an_error(offer, folder, tmp_path, replies, how):
    offer(constant(replies=replies))
    with pytest.raises(StageError, match=f"gave {how} replies than questions"):
        score(folder, tmp_path / "s.parquet", backend="constant")


RECIPE = """
steps:
  - id: scores
    stage: score
    inputs: [set/a.mp4]
    options: {backend: constant, model: MODEL}
"""


def test_a_moved_checkpoint_is_up_to_date_and_a_changed_one_runs(offer, folder, tmp_path):
    offer(constant())
    (tmp_path / "here").mkdir()
    weights = tmp_path / "here/weights"
    weights.write_text("1")

    def reasons(place) -> list[str]:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(RECIPE.replace("MODEL", str(place)))
        pipeline = load_pipeline(recipe, {"score": STAGE}, {"score": STAGE}.__getitem__)
        ((verdict, _),) = run_pipeline(pipeline, tmp_path / "work", Runtime())
        return [str(reason) for reason in verdict.reasons]

    assert folder.is_dir()
    assert reasons(weights) == ["missing: scores.parquet"]
    assert reasons(weights) == []
    weights.write_text("2")
    assert reasons(weights) == ["prompt changed: model"]
    moved = shutil.move(weights, tmp_path / "weights")
    assert reasons(moved) == []


def test_only_media_of_the_split_are_scored(folder, tmp_path):
    rows = rating_table(
        2, path=["p0.png", "p1.png"], media_id=["set:p0.png", "set:p1.png"], split=["train", "test"]
    )
    ratings = write_artifact(tmp_path / "ratings.parquet", rows)
    given = {"media_roots": (str(folder),), "split": "test"}
    done = score([ratings], tmp_path / "s.parquet", **given)
    assert [row["path"] for row in rows_of(tmp_path / "s.parquet")] == ["p1.png"]
    assert done.report["left_out"] == {"train": 1}
    assert "1 row of other splits left out: train (1 row)" in render(done.report)


def test_a_split_of_files_which_have_none_is_an_error(folder, tmp_path):
    with pytest.raises(UsageError, match=r"--split test: .*expected one of none \(3 rows\)"):
        score([folder], tmp_path / "s.parquet", split="test")
