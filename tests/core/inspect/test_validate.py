"""qbuild/core/inspect/validate.py: each kind of damage is found."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pairs import medium, pair
from predicted import ids, predictions
from running import run_stage
from tables import rating_table, write_artifact
from toys import TOYS

from qbuild.core.artifact.content_hash import ROW_GROUP_ROWS
from qbuild.core.artifact.reader import KEY, Artifact, rejected_path
from qbuild.core.inspect.validate import validate
from qbuild.core.media_roots import MediaRoots
from qbuild.core.schema import load_schema

NOWHERE = MediaRoots({})


def problems(path: Path, roots: MediaRoots = NOWHERE) -> list[tuple[str, str, str]]:
    return [(p.kind, p.where, p.what) for p in validate(path, roots).problems]


def rewrite(path: Path, table: pa.Table, group: int = ROW_GROUP_ROWS, **changed) -> Path:
    """The artifact with other rows or row groups under its old description, some of it changed."""
    described = json.loads(pq.read_metadata(path).metadata[KEY]) | changed
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table, row_group_size=group)
        writer.add_key_value_metadata({KEY: json.dumps(described).encode()})
    return path


def ran(tmp_path: Path, name: str, inputs, output: str, **options) -> Path:
    run_stage(TOYS[name], inputs, tmp_path / output, share=0.9, **options)
    return tmp_path / output


@pytest.fixture
def good(tmp_path):
    return write_artifact(tmp_path / "good.parquet", rating_table(10))


@pytest.fixture
def scores(tmp_path):
    (tmp_path / "scores.txt").write_text("10 -20 30")
    return tmp_path / "scores.txt"


def test_a_sound_artifact_has_no_problem(good):
    found = validate(good, NOWHERE)
    assert (found.total, found.exit_code, found.rows) == (0, 0, 10)


def test_several_row_groups_are_sound(tmp_path):
    path = write_artifact(tmp_path / "big.parquet", rating_table(ROW_GROUP_ROWS + 1))
    assert problems(path) == []


def test_a_changed_value_breaks_the_content_hash(good):
    rewrite(good, rating_table(10, seed=1))
    assert problems(good) == [
        ("damage", "content hash", "the rows differ from those that were written")
    ]
    assert validate(good, NOWHERE).exit_code == 1


def test_every_row_that_breaks_the_schema_is_counted_and_the_first_twenty_reported(tmp_path):
    table = rating_table(50, mos_std=[-1.0] * 50)
    found = validate(write_artifact(tmp_path / "x.parquet", table), NOWHERE)
    assert (found.total, len(found.problems), found.exit_code) == (50, 20, 3)
    assert found.problems[0].where == "row 1, column mos_std"


def test_rows_are_counted_over_all_row_groups(tmp_path):
    count = ROW_GROUP_ROWS + 2
    table = rating_table(count, mos_std=[1.0] * (count - 1) + [-1.0])
    found = problems(write_artifact(tmp_path / "x.parquet", table))
    assert found[0][1] == f"row {count}, column mos_std"


def test_row_groups_of_another_size_are_damage(tmp_path):
    path = write_artifact(tmp_path / "x.parquet", rating_table(10))
    rewrite(path, rating_table(10), group=4)
    wheres = [where for _, where, _ in problems(path)]
    assert wheres[:2] == ["row group 1", "row group 2"]


def test_rows_that_the_description_does_not_count_are_damage(good):
    rewrite(good, rating_table(9))
    assert ("damage", "rows", "9 rows; its description states 10") in problems(good)


def test_a_missing_column_is_a_schema_problem(good):
    rewrite(good, rating_table(10).drop_columns(["mos"]))
    assert validate(good, NOWHERE).exit_code == 3


def test_an_id_that_names_several_rows_is_damage(tmp_path):
    table = pa.concat_tables([rating_table(3), rating_table(1)])
    path = write_artifact(tmp_path / "x.parquet", table)
    assert problems(path) == [
        ("damage", "media_id", "set0:clips/000000.mp4 identifies several rows")
    ]


def test_rows_without_an_id_do_not_share_one(tmp_path):
    path = predictions(tmp_path / "scores.parquet", ids(3), [0.1, 0.2, 0.3])
    assert problems(path) == []


def test_an_id_twice_is_damage_among_rows_without_one(tmp_path):
    samples = [None, "a" * 32, None, "a" * 32]
    path = predictions(tmp_path / "x.parquet", ids(4), [0.1] * 4, sample_id=samples)
    assert problems(path) == [("damage", "sample_id", f"{'a' * 32} identifies several rows")]


def test_an_id_that_is_not_its_dataset_and_path_is_damage(tmp_path):
    table = rating_table(2, 1, dataset=["a:b%", "set0"], media_id=["a%3Ab%25:x", "set0:y"],
                         path=["x", "z"])  # fmt: skip
    path = write_artifact(tmp_path / "x.parquet", table)
    assert problems(path) == [("damage", "media_id", "'set0:y' is not dataset 'set0' and path 'z'")]


def test_an_incomplete_artifact_is_damage(good):
    rewrite(good, rating_table(10), complete=False, pending=3)
    assert ("damage", "description", "incomplete: 3 rows pending") in problems(good)


def test_a_description_that_was_edited_is_damage(good):
    rewrite(good, rating_table(10), options={"words": "itu"})
    assert problems(good)[0][:2] == ("damage", "description")


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1 something PAR1", None])
def test_a_file_that_is_not_parquet_is_damage(tmp_path, data):
    path = tmp_path / "x.parquet"
    if data is not None:
        path.write_bytes(data)
    found = validate(path, NOWHERE)
    assert (found.total, found.exit_code) == (1, 1)


def test_a_flipped_byte_is_found_unless_it_changes_no_row(good):
    whole, rows = good.read_bytes(), Artifact.open(good).table()
    for at in range(4, len(whole) - 8, 7):
        good.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        if not validate(good, NOWHERE).total:  # for example a statistic, which is never read
            assert Artifact.open(good).table().equals(rows), f"byte {at}"


def test_rejected_rows_are_held_against_their_hash(tmp_path, scores):
    path = ran(tmp_path, "read", [scores], "ratings.parquet")
    mate = rejected_path(path)
    assert problems(path) == []
    scores.write_text("10 -20 -30")
    other = rejected_path(ran(tmp_path, "read", [scores], "other.parquet"))
    mate.write_bytes(other.read_bytes())
    assert problems(path) == [("damage", mate.name, "belongs to another run")]
    mate.write_bytes(b"torn")
    assert problems(path)[0][:2] == ("damage", str(mate))
    mate.unlink()
    assert problems(path) == [("damage", mate.name, "is missing; it held 1 rejected row")]


def test_media_made_with_an_artifact_have_to_be_there(tmp_path, scores):
    ratings = ran(tmp_path, "read", [scores], "ratings.parquet")
    spots = ran(tmp_path, "spots", [ratings], "spots", copies=1)
    assert problems(spots) == []
    gone = min((spots / "media").rglob("*.bin"))
    gone.unlink()
    found = problems(spots)
    assert [kind for kind, _, _ in found] == ["damage"]
    assert found[0][2].startswith("no such file in ")


def test_media_of_the_user_are_looked_for_below_their_roots(tmp_path, good):
    assert validate(good, MediaRoots.parse([str(tmp_path)])).total == 10


def test_the_sha256_in_a_row_is_held_against_the_file(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"image")
    for number, data in enumerate((b"image", b"another")):
        shown = [medium("a.jpg", sha256=hashlib.sha256(data).hexdigest())]
        table = pa.Table.from_pylist([pair(media=shown)], load_schema("instruction").arrow)
        path = write_artifact(tmp_path / f"{number}.parquet", table, "instruction")
        found = problems(path, MediaRoots.parse([str(tmp_path)]))
        assert found == [("damage", "a.jpg", "its sha256 differs from the row")] * number


def test_files_of_an_export_are_held_against_their_hashes(tmp_path, scores):
    ratings = ran(tmp_path, "read", [scores], "ratings.parquet")
    out = ran(tmp_path, "list", [ratings], "out")
    assert problems(out) == []
    (out / "names.txt").write_text("changed")
    assert problems(out) == [("damage", "names.txt", "the file was changed after it was written")]
    (out / "names.txt").unlink()
    assert problems(out) == [("damage", "names.txt", "the file is missing")]
    (out / "qbuild.json").write_text("{")
    assert validate(out, NOWHERE).exit_code == 1
