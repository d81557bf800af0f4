"""Pipelines from Python: every step's result, and nothing that runs twice."""

from __future__ import annotations

import pytest

import qbuild
from qbuild.core.errors import UsageError

STEPS = """
steps:
  - {id: levels, stage: mos-to-levels, inputs: [scores.csv], options: {words: itu}}
  - {id: pairs, stage: scoring-qa, inputs: [levels]}
  - {id: train, stage: export, inputs: [pairs], options: {format: llava}}
"""


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{number}.jpg,{number / 2}\n" for number in range(120))
    (tmp_path / "scores.csv").write_text("image,mos\n" + rows)
    (tmp_path / "toy.yaml").write_text(STEPS)
    return tmp_path / "toy.yaml"


def test_every_step_runs_once_and_reports_why(pipeline):
    first = qbuild.run_pipeline(pipeline)
    assert [step.ran for step in first.values()] == [True, True, True]
    assert first["levels"].reasons == ("missing: levels.parquet",)
    assert first["levels"].output.to_pandas()["word"].iloc[-1] == "excellent"
    assert [file.name for file in first["train"].output.files] == ["llava.json", "mix.yaml"]
    again = qbuild.run_pipeline(str(pipeline))
    assert [step.ran for step in again.values()] == [False, False, False]


def test_a_step_can_be_forced(pipeline, tmp_path):
    qbuild.run_pipeline(pipeline, tmp_path / "work")
    forced = qbuild.run_pipeline(pipeline, tmp_path / "work", force=["pairs"])
    assert forced["pairs"].reasons == ("forced",)
    with pytest.raises(UsageError):
        qbuild.run_pipeline(pipeline, tmp_path / "work", force=["pair"])
