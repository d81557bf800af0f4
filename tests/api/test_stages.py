"""Stages run as functions: arguments, results, errors and warnings."""

from __future__ import annotations

import asyncio
import sys
import warnings
from pathlib import Path

import pytest

import qbuild
from qbuild.cli.main import main
from qbuild.core.errors import InputError, SchemaError, TooManyRejectedError, UsageError

SCORES = "image,mos\n" + "".join(f"{number}.jpg,{number / 2}\n" for number in range(120))


@pytest.fixture
def scores(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(SCORES)
    return path


@pytest.fixture
def levels(scores, tmp_path):
    return qbuild.mos_to_levels(scores, tmp_path / "levels.parquet", words="itu")


def test_paths_are_taken_as_text_or_path_and_give_the_same_rows(scores, tmp_path):
    one = qbuild.mos_to_levels(str(scores), str(tmp_path / "one.parquet"))
    two = qbuild.mos_to_levels([scores], tmp_path / "two.parquet")
    assert one.path.read_bytes() == two.path.read_bytes()
    assert isinstance(one.path, Path)


def test_an_artifact_is_a_valid_input_of_the_next_stage(levels, tmp_path):
    pairs = qbuild.scoring_qa(levels, tmp_path / "pairs.parquet", form="q-align")
    made = qbuild.export(pairs, tmp_path / "train", format="q-align")
    assert len(pairs) == 120
    assert [file.name for file in made.files] == ["q-align.json"]
    assert made.files[0].is_file()


def test_the_same_bytes_come_out_as_on_the_command_line(levels, scores, tmp_path, monkeypatch):
    command = ["qbuild", "mos-to-levels", scores, "-o", tmp_path / "cli.parquet", "--words", "itu"]
    monkeypatch.setattr(sys, "argv", list(map(str, command)))
    with pytest.raises(SystemExit, match="0"):
        main()
    assert (tmp_path / "cli.parquet").read_bytes() == levels.path.read_bytes()


def test_read_ratings_is_the_stage_ingest_ratings(scores, tmp_path):
    ratings = qbuild.read_ratings(scores, tmp_path / "ratings.parquet")
    assert ratings.description["stage"]["name"] == "ingest-ratings"


def test_a_stage_without_inputs_takes_only_its_output(tmp_path):
    pytest.importorskip("skimage")
    made = qbuild.demo_media(tmp_path / "demo", limit=2, size=32)
    assert len(made) == 2


def test_run_stage_takes_the_name_of_the_command_or_of_the_function(scores, tmp_path):
    for name in ("ingest-ratings", "ingest_ratings"):
        assert len(qbuild.run_stage(name, scores, tmp_path / "ratings.parquet", limit=3)) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wrods": "itu"}, "mos-to-levels: has no option 'wrods'. Did you mean words"),
        ({"words": "french"}, "words: the value 'french' cannot be used"),
        ({"limit": 0}, "limit: is 0; expected at least 1 row"),
        ({"workers": 0}, "workers: the value 0 cannot be used"),
        ({"media_roots": "missing"}, "no such folder: 'missing'"),
    ],
)
def test_options_that_are_not_valid_raise_before_anything_runs(options, message, scores, tmp_path):
    with pytest.raises(UsageError) as caught:
        qbuild.mos_to_levels(scores, tmp_path / "levels.parquet", **options)
    assert message in str(caught.value)
    assert not (tmp_path / "levels.parquet").exists()


def test_errors_are_those_of_the_command(scores, levels, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        qbuild.mos_to_levels(tmp_path / "none.csv", tmp_path / "out.parquet")
    with pytest.raises(SchemaError):
        qbuild.scoring_qa(
            qbuild.read_ratings(scores, tmp_path / "r.parquet"), tmp_path / "p.parquet"
        )
    bad = tmp_path / "bad.csv"
    bad.write_text(SCORES + "".join(f"bad-{number}.jpg,?\n" for number in range(20)))
    before = levels.path.read_bytes()
    with pytest.raises(TooManyRejectedError):
        qbuild.mos_to_levels(bad, levels.path)
    assert levels.path.read_bytes() == before


def test_an_unknown_stage_lists_the_near_ones(tmp_path):
    with pytest.raises(UsageError, match="Did you mean mos-to-levels"):
        qbuild.run_stage("mos-to-level", "x.csv", tmp_path / "x.parquet")


def test_the_warnings_of_a_stage_are_raised_as_warnings_at_the_caller(tmp_path):
    few = tmp_path / "few.csv"
    few.write_text("image,mos\na.jpg,1\nb.jpg,2\nc.jpg,5\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        qbuild.mos_to_levels(few, tmp_path / "levels.parquet")
    assert [warning.filename for warning in caught] == [__file__]
    assert "only 3 rows" in str(caught[0].message)


def test_the_old_name_of_an_option_works_with_a_warning(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("session,video,start,duration\n")
    with (
        pytest.warns(FutureWarning, match="thin was renamed to every_nth_frame"),
        pytest.raises(SchemaError),
    ):
        qbuild.streaming_qa(log, tmp_path / "pairs.parquet", thin=2)


def test_a_stage_that_runs_an_event_loop_works_inside_one(tmp_path):
    notes = tmp_path / "notes.csv"
    notes.write_text("video,text\na.mp4,The video is sharp but flickers at the beginning.\n")
    depictions = qbuild.ingest_depictions(notes, tmp_path / "depictions.parquet")

    async def cell():
        return qbuild.gpt_extend(depictions, tmp_path / "pairs.parquet", provider="rules")

    assert len(asyncio.run(cell())) > 0


def test_a_plan_is_made_without_an_output(tmp_path, monkeypatch):
    notes = tmp_path / "notes.csv"
    notes.write_text("video,text\na.mp4,The video is sharp but flickers at the beginning.\n")
    depictions = qbuild.ingest_depictions(notes, tmp_path / "depictions.parquet")
    planned = qbuild.plan_stage(
        "gpt-extend", depictions, tmp_path / "p.parquet", provider="openai", model="gpt-4o-mini"
    )
    assert planned["plan"]
    assert not (tmp_path / "p.parquet").exists()
    with pytest.raises(UsageError, match="sends nothing that could be planned"):
        qbuild.plan_stage("mos-to-levels", notes, tmp_path / "p.parquet")
