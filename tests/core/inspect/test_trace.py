"""qbuild/core/inspect/trace.py: from an id back to what it was made from."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from pairs import medium, pair
from predicted import ids, predictions
from running import run_stage
from tables import rating_table, write_artifact
from toys import TOYS

from qbuild.core.errors import InputError
from qbuild.core.inspect.trace import trace_row
from qbuild.core.schema import load_schema

MEDIUM = "set0:clips/000001.mp4"


@pytest.fixture
def make(tmp_path):
    """Runs a toy stage below the temporary folder."""
    (tmp_path / "scores.txt").write_text("10 -20 30")

    def made(name, inputs, output, **options):
        paths = [tmp_path / given for given in inputs]
        run_stage(TOYS[name], paths, tmp_path / output, share=0.9, **options)
        return tmp_path / output

    return made


def pairs_of(path, ids, **given):
    rows = [pair(sample_id=name, media=[medium()], **given) for name in ids]
    table = pa.Table.from_pylist(rows, load_schema("instruction").arrow)
    return write_artifact(path, table, "instruction", "scoring-qa")


def test_a_medium_is_traced_from_the_last_artifact_to_the_first(tmp_path, make):
    make("read", ["scores.txt"], "a.parquet")
    make("scale", ["a.parquet"], "b.parquet", factor=2)
    make("scale", ["b.parquet"], "c.parquet", factor=3)
    (trace,) = trace_row("set0:clips/000002.mp4", tmp_path)["traces"]
    assert trace["row"]["mos"] == 180
    assert trace["options"]["factor"] == 3
    assert trace["from"][0]["row"]["mos"] == 60
    assert trace["from"][0]["from"][0]["row"]["mos"] == 30
    assert trace["from"][0]["from"][0]["files"][0]["name"] == "scores.txt"


def test_an_input_outside_the_folder_is_reported_by_name_and_hash(tmp_path, make):
    make("read", ["scores.txt"], "a.parquet")
    make("scale", ["a.parquet"], "b.parquet", factor=2)
    (tmp_path / "a.parquet").unlink()
    (trace,) = trace_row("set0:clips/000000.mp4", tmp_path)["traces"]
    assert trace["from"] == []
    assert trace["missing"][0]["name"] == "a.parquet"
    assert trace["missing"][0]["hash"].startswith("sha256:")


def test_copies_of_an_artifact_are_reported_once(tmp_path, make):
    path = make("read", ["scores.txt"], "a.parquet")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/a.parquet").write_bytes(path.read_bytes())
    assert len(trace_row("set0:clips/000000.mp4", tmp_path)["traces"]) == 1


def test_a_medium_made_by_a_stage_is_reported_with_its_file(tmp_path, make):
    make("read", ["scores.txt"], "a.parquet")
    make("spots", ["a.parquet"], "spots", copies=1)
    name = "clips/000000.mp4/copy-0-s0.bin"
    (trace,) = trace_row(f"set0:{name}", tmp_path)["traces"]
    file = tmp_path / "spots/media" / name
    assert trace["file"]["path"] == str(file)
    assert trace["file"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    assert trace_row(f"set0:{name}", tmp_path)["traces"][0]["file"]["sha256"] is None


def test_a_rejected_row_is_shown_with_its_reason(tmp_path, make):
    make("read", ["scores.txt"], "a.parquet")
    found = trace_row(MEDIUM, tmp_path)
    assert found["traces"] == []
    assert [row["reason"] for row in found["rejected"]] == ["negative"]
    assert found["rejected"][0]["stage"] == "read"


def test_part_of_a_path_is_not_the_path(tmp_path, make):
    make("read", ["scores.txt"], "a.parquet")
    with pytest.raises(InputError):
        trace_row("set0:0001.mp4", tmp_path)


def test_the_beginning_of_a_sample_is_enough_where_it_is_the_only_one(tmp_path):
    pairs_of(tmp_path / "p.parquet", ["ab" * 16, "ab" * 3 + "0" * 26])
    assert trace_row("abab" * 2, tmp_path)["id"] == "ab" * 16
    with pytest.raises(InputError, match="2 samples begin with it; expected one"):
        trace_row("ababab", tmp_path)
    with pytest.raises(InputError, match="no row below"):
        trace_row("ababa", tmp_path)


def test_an_unknown_id_lists_near_ones(tmp_path, make):
    make("read", ["scores.txt"], "a.parquet")
    with pytest.raises(InputError, match=r"Did you mean set0:clips/00000[02]\.mp4"):
        trace_row("set0:clips/000009.mp4", tmp_path)
    pairs_of(tmp_path / "p.parquet", ["0123456789abcdef" * 2])
    with pytest.raises(InputError, match=r"Did you mean 0123456789abcdef"):
        trace_row("0123456789abcdee0123456789abcdef", tmp_path)


def test_an_empty_folder_has_no_near_id(tmp_path):
    with pytest.raises(InputError, match=r"Check the id and --workdir\."):
        trace_row("set0:x", tmp_path)


def test_a_row_beyond_the_first_row_group_is_found(tmp_path):
    write_artifact(tmp_path / "big.parquet", rating_table(70_000, datasets=1))
    (trace,) = trace_row("set0:clips/069999.mp4", tmp_path)["traces"]
    assert trace["row"]["source_row"] == 70_000


def test_an_unknown_id_next_to_predictions_without_samples_is_an_input_error(tmp_path):
    predictions(tmp_path / "scores.parquet", ids(3), [0.1, 0.2, 0.3])
    for unknown in ("nothere", "ab123", "image.png"):
        with pytest.raises(InputError, match="Check the id and --workdir"):
            trace_row(unknown, tmp_path)
