"""qbuild/core/artifact/lineage.py: inputs are followed by what their rows are, not by name."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from running import run_stage
from tables import rating_table, write_artifact
from toys import TOYS

from qbuild.core.artifact.lineage import ArtifactIndex, lineage, open_output
from qbuild.core.artifact.writer import ArtifactWriter
from qbuild.core.errors import InputError
from qbuild.core.schema import load_schema


@pytest.fixture
def make(tmp_path):
    """Runs a toy stage below the temporary folder."""
    (tmp_path / "scores.txt").write_text("10 20 30")

    def made(name, inputs, output, **options):
        paths = [tmp_path / given for given in inputs]
        (tmp_path / output).parent.mkdir(exist_ok=True)
        run_stage(TOYS[name], paths, tmp_path / output, **options)
        return tmp_path / output

    return made


def test_an_input_that_was_renamed_and_moved_is_found(tmp_path, make):
    ratings = make("read", ["scores.txt"], "ratings.parquet")
    scaled = make("scale", ["ratings.parquet"], "scaled.parquet", factor=2)
    (tmp_path / "archive").mkdir()
    ratings.rename(tmp_path / "archive/old.parquet")
    found = lineage(open_output(scaled), ArtifactIndex.scan(tmp_path))
    assert found["options"]["factor"] == 2
    assert found["inputs"][0]["path"] == str(tmp_path / "archive/old.parquet")
    assert found["inputs"][0]["made_by"]["inputs"][0]["name"] == "scores.txt"


def test_an_input_of_the_same_name_with_other_rows_is_not_taken(tmp_path, make):
    make("read", ["scores.txt"], "ratings.parquet")
    scaled = make("scale", ["ratings.parquet"], "scaled.parquet", factor=2)
    write_artifact(tmp_path / "ratings.parquet", rating_table(3, seed=5))
    found = lineage(open_output(scaled), ArtifactIndex.scan(tmp_path))
    assert "path" not in found["inputs"][0]


def test_a_stage_that_changes_no_row_is_not_its_own_input(tmp_path, make):
    make("read", ["scores.txt"], "ratings.parquet")
    same = make("scale", ["ratings.parquet"], "same.parquet", factor=1)
    found = lineage(open_output(same), ArtifactIndex.scan(tmp_path))
    assert found["inputs"][0]["path"] == str(tmp_path / "ratings.parquet")
    assert found["inputs"][0]["made_by"]["stage"] == "read"


def test_of_equal_inputs_the_one_in_the_same_folder_is_taken(tmp_path, make):
    make("read", ["scores.txt"], "ratings.parquet")
    make("read", ["scores.txt"], "b/ratings.parquet")
    scaled = make("scale", ["ratings.parquet"], "b/scaled.parquet", factor=2)
    found = lineage(open_output(scaled), ArtifactIndex.scan(tmp_path))
    assert found["inputs"][0]["path"] == str(tmp_path / "b/ratings.parquet")


def test_an_export_has_a_lineage_too(tmp_path, make):
    make("read", ["scores.txt"], "ratings.parquet")
    out = make("list", ["ratings.parquet"], "out")
    for given in (out, out / "qbuild.json"):
        found = lineage(open_output(given), ArtifactIndex.scan(tmp_path))
        assert found["inputs"][0]["made_by"]["stage"] == "read"


def test_a_shelf_leaves_out_media_hidden_folders_and_files_of_others(tmp_path, make):
    make("read", ["scores.txt"], "ratings.parquet")
    make("spots", ["ratings.parquet"], "spots")
    for place in ("spots/media/x.parquet", ".hidden/x.parquet"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        write_artifact(tmp_path / place, rating_table(1))
    pq.write_table(pa.table({"a": [1]}), tmp_path / "foreign.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    (tmp_path / "zero.parquet").symlink_to(tmp_path / "nowhere")
    shelf = ArtifactIndex.scan(tmp_path)
    assert [str(item.path.relative_to(tmp_path)) for item in shelf.items] == [
        "ratings.parquet",
        "spots/artifact.parquet",
    ]
    assert [error.where for error in shelf.skipped] == [
        str(tmp_path / "torn.parquet"),
        str(tmp_path / "zero.parquet"),
    ]


def test_an_artifact_whose_description_lacks_parts_is_skipped(tmp_path):
    writer = ArtifactWriter(tmp_path / "x.parquet", load_schema("rating"))
    writer.add(rating_table(1))
    writer.finish_rows()
    writer.seal('{"format":1,"rows":1}')
    writer.commit()
    (error,) = ArtifactIndex.scan(tmp_path).skipped
    assert "its description lacks complete, content_hash, schema, stage" in str(error)


def test_a_shelf_goes_no_deeper_than_asked(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    write_artifact(tmp_path / "a/x.parquet", rating_table(1))
    write_artifact(tmp_path / "a/b/y.parquet", rating_table(1))
    assert len(ArtifactIndex.scan(tmp_path, levels=1).items) == 1
    assert len(ArtifactIndex.scan(tmp_path).items) == 2


def test_a_missing_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        ArtifactIndex.scan(tmp_path / "none")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}'])
def test_an_invalid_export_description_is_an_input_error(tmp_path, text):
    (tmp_path / "qbuild.json").write_text(text)
    with pytest.raises(InputError):
        open_output(tmp_path)
