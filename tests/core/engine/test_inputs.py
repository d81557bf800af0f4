"""A stage may read several artifacts of its schema, and side inputs."""

from __future__ import annotations

import os

import pytest
import stalled
import tables
from running import run_stage

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine import inputs as sources
from qbuild.core.engine.inputs import describe_input, open_inputs
from qbuild.core.engine.stage import Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError
from qbuild.stages import get_stage


@pytest.fixture
def sessions(tmp_path):
    given = [
        stalled.session(f"{at}.mp4", [(at + 1.0, 0.5)], rating={"mos": float(at)})
        for at in range(8)
    ]
    table = stalled.rows(*given)
    return tables.write_artifact(tmp_path / "stalls.parquet", table, "stall", "stalling")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_artifact_that_holds_all_columns_is_read_as_the_schema_asked_for(
    tmp_path, sessions, workers
):
    output = tmp_path / f"levels-{workers}.parquet"
    run_stage(get_stage("mos-to-levels"), sessions, output, workers=workers)
    made = Artifact.open(output)
    assert made.schema.name == "level"
    assert made.table().column("level").to_pylist() == [1, 1, 2, 3, 3, 4, 5, 5]
    assert made.description.inputs[0].schema_name == "stall"


def test_a_session_without_a_score_is_named_when_levels_are_cut(tmp_path):
    table = stalled.rows(stalled.session("a.mp4"), stalled.session("b.mp4", rating={"mos": 1.0}))
    path = tables.write_artifact(tmp_path / "stalls.parquet", table, "stall", "stalling")
    stage = get_stage("mos-to-levels")
    with pytest.raises(InputError, match=r"set:a\.mp4: has no score"):
        run_stage(stage, path, tmp_path / "levels.parquet")


def beside_stage():
    def prepare(inputs, options):
        return [row for part in inputs.side_inputs("level") for row in part.to_pylist()]

    def transform(batch, state, options):
        return Output(rows=batch.rows, tally=Tally(side=len(state)))

    return Stage(
        "side", 1, Options, Reads("rating", side_inputs=("level",)), "rating",
        prepare=prepare, transform=transform,
        finish=lambda _state, tally, _options: {"side": tally["side"]},
    )  # fmt: skip


def test_side_inputs_are_read_separately_and_enter_the_recipe(tmp_path):
    ratings = tables.write_artifact(tmp_path / "r.parquet", tables.rating_table(20))
    levels = tmp_path / "l.parquet"
    run_stage(get_stage("mos-to-levels"), ratings, levels)
    result = run_stage(beside_stage(), (levels, ratings), tmp_path / "o.parquet")
    assert (result.rows, result.report["side"]) == (20, 20)
    assert [given.name for given in result.description.inputs] == ["l.parquet", "r.parquet"]


def test_hidden_files_of_a_folder_do_not_change_its_hash(tmp_path):
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    before = describe_input(folder)
    (folder / ".DS_Store").write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("x")
    assert describe_input(folder) == before
    (folder / "b.txt").write_text("b")
    assert describe_input(folder) != before


def test_a_file_that_cannot_be_hashed_leaves_the_folder_an_input(tmp_path, monkeypatch):
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    whole = describe_input(folder)

    def unreadable(path):
        raise PermissionError(13, "no", str(path))

    monkeypatch.setattr(sources, "hash_file", unreadable)
    assert describe_input(folder).hash != whole.hash


def test_a_pipe_is_rejected_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a file or a folder"):
        open_inputs([tmp_path / "pipe"], Reads(schema=None))
