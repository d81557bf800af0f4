"""The command line in this process, and a small pipeline that has run."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from command_line import run_command

SCORES = "image,mos\na.jpg,10\nb.jpg,20\nc/d.jpg,55.5\ne.jpg,80\nf.jpg,99\n"
PIPELINE = """
title: Toy
steps:
  - {id: ratings, stage: ingest-ratings, inputs: [toy.csv]}
  - {id: levels, stage: mos-to-levels, inputs: [ratings], options: {words: itu}}
  - {id: pairs, stage: scoring-qa, inputs: [levels]}
"""


@pytest.fixture
def qbuild_cli(capsys, monkeypatch):
    """Runs `qbuild ARGUMENTS` in this process."""
    return partial(run_command, monkeypatch, capsys)


@pytest.fixture
def pipeline(tmp_path, monkeypatch) -> Path:
    """A pipeline file next to its scores, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.csv").write_text(SCORES)
    (tmp_path / "toy.yaml").write_text(PIPELINE)
    return tmp_path / "toy.yaml"


@pytest.fixture
def work(pipeline, qbuild_cli) -> Path:
    """The artifacts of the pipeline."""
    done = qbuild_cli("run", pipeline, "--workdir", "work")
    assert done.code == 0, done.err
    return pipeline.parent / "work"
