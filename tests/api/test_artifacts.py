"""Artifacts as a notebook sees them."""

from __future__ import annotations

import os

import pytest

import qbuild
from qbuild.core.errors import InputError, SchemaError, UsageError


@pytest.fixture
def levels(tmp_path):
    scores = tmp_path / "scores.csv"
    rows = "".join(f"{number}.jpg,{number / 2}\n" for number in range(120))
    scores.write_text("image,mos\n" + rows + "bad.jpg,?\n")
    return qbuild.mos_to_levels(scores, tmp_path / "levels.parquet")


def test_an_artifact_opens_as_pandas_and_as_arrow(levels):
    assert levels.to_pandas().shape[0] == levels.to_arrow().num_rows == len(levels) == 120
    assert list(levels.to_pandas(["path", "mos"]).columns) == ["path", "mos"]


def test_an_artifact_describes_itself(levels):
    opened = qbuild.open_artifact(str(levels.path))
    assert (opened.schema, opened.complete, len(opened)) == ("level", True, 120)
    assert opened.report == levels.report
    assert opened.description["stage"]["name"] == "mos-to-levels"
    assert os.fspath(opened) == str(levels.path)
    assert "schema='level', rows=120" in repr(opened)


def test_the_rejected_rows_are_an_artifact_too(levels):
    assert levels.rejected.to_pandas()["reason"].tolist() == ["not-a-number"]
    assert levels.rejected.rejected is None


def test_a_column_that_is_missing_is_named_with_the_near_ones(levels):
    with pytest.raises(UsageError, match=r"has no column 'moss'.*Did you mean mos"):
        levels.to_pandas(["moss"])


def test_files_that_are_not_artifacts_raise(tmp_path):
    with pytest.raises(InputError):
        qbuild.open_artifact(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(InputError):
        qbuild.open_artifact(tmp_path / "text.parquet")
    import pandas as pd

    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "plain.parquet")
    with pytest.raises(SchemaError):
        qbuild.open_artifact(tmp_path / "plain.parquet")


def test_an_export_lists_its_files(levels, tmp_path):
    pairs = qbuild.scoring_qa(levels, tmp_path / "pairs.parquet")
    made = qbuild.export(pairs, tmp_path / "train", format="llava")
    assert {file.name for file in made.files} == {"llava.json", "mix.yaml"}
    assert made.description["stage"]["name"] == "export"
    assert os.fspath(made) == str(tmp_path / "train")
