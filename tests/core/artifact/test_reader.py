from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tables
from hypothesis import given, settings
from hypothesis import strategies as st

from qbuild.core.artifact import atomic_write, reader, writer
from qbuild.core.artifact import content_hash as content
from qbuild.core.canonical import canonical_json
from qbuild.core.errors import DiskError, InputError, SchemaError


def write(path, pieces, schema="rating"):
    made = writer.ArtifactWriter(path, reader.load_schema(schema))
    for piece in pieces:
        made.add(piece)
    rows, content_hash = made.finish_rows()
    made.seal(canonical_json({"format": 1, "rows": rows, "content_hash": content_hash}))
    made.commit()
    return path.read_bytes()


def test_bytes_do_not_depend_on_how_rows_arrive(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "ROW_GROUP_ROWS", 64)
    table = tables.rating_table(300, datasets=5)
    whole = write(tmp_path / "a.parquet", [table])
    pieces = [table.slice(at, 7) for at in range(0, 300, 7)]
    assert write(tmp_path / "b.parquet", pieces) == whole
    decoded = table.set_column(1, "dataset", table.column("dataset").cast(pa.string()))
    assert write(tmp_path / "c.parquet", [decoded.slice(0, 1), decoded.slice(1)]) == whole


def test_every_row_group_but_the_last_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "ROW_GROUP_ROWS", 64)
    write(
        tmp_path / "a.parquet", [tables.rating_table(150).slice(at, 11) for at in range(0, 150, 11)]
    )
    meta = pq.ParquetFile(tmp_path / "a.parquet").metadata
    assert [meta.row_group(g).num_rows for g in range(meta.num_row_groups)] == [64, 64, 22]


@given(st.integers(0, 40), st.integers(0, 40), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_content_hash_sees_rows_not_chunks(start, count, random):
    table = tables.rating_table(100)
    part = table.slice(start, count)
    copy = pa.Table.from_pylist(part.to_pylist(), schema=part.schema)
    assert hashed(part) == hashed(copy)
    if count > 1:
        rows = part.to_pylist()
        at = random.randrange(count)
        rows[at]["mos"] += 1.0
        assert hashed(pa.Table.from_pylist(rows, schema=part.schema)) != hashed(part)


def hashed(table):
    found = content.ContentHash("rating")
    found.update(content.canonical_block(table, reader.load_schema("rating")))
    return found.digest()


def test_null_differs_from_zero_and_from_empty():
    one = tables.rating_table(1, mos_std=pa.array([0.0]))
    other = tables.rating_table(1, mos_std=pa.array([None], pa.float64()))
    assert hashed(one) != hashed(other)


def test_an_artifact_describes_itself_and_reads_back(tmp_path):
    path = tables.write_artifact(tmp_path / "a.parquet", tables.rating_table(10))
    found = reader.Artifact.open(path)
    assert (found.rows, found.schema.name) == (10, "rating")
    assert found.content_hash() == found.description.content_hash
    assert found.table().to_pylist() == tables.rating_table(10).to_pylist()


def test_strings_are_plain_for_any_other_reader(tmp_path):
    path = tables.write_artifact(tmp_path / "a.parquet", tables.rating_table(10))
    assert pq.read_schema(path).field("dataset").type == pa.string()


def test_a_truncated_file_is_named_with_what_to_do(tmp_path):
    path = tables.write_artifact(tmp_path / "a.parquet", tables.rating_table(1000))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"a\.parquet: cannot be read as Parquet.*truncated"):
        reader.Artifact.open(path)


def test_a_foreign_parquet_file_is_not_an_artifact(tmp_path):
    pq.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
    assert not reader.is_artifact(tmp_path / "x.parquet")
    with pytest.raises(SchemaError, match="without a description of qbuild"):
        reader.Artifact.open(tmp_path / "x.parquet")


def test_a_discarded_writer_leaves_nothing(tmp_path):
    made = writer.ArtifactWriter(tmp_path / "a.parquet", reader.load_schema("rating"))
    made.add(tables.rating_table(10))
    made.finish_rows()
    made.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_permission_is_a_disk_error(tmp_path):
    with (
        pytest.raises(DiskError, match="cannot be written"),
        atomic_write.disk_errors(tmp_path / "a"),
    ):
        (tmp_path / "nowhere" / "a").touch()
