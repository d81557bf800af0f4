"""The command line in this process, and a small pipeline that has run."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qbuild.cli.main import main

SCORES = "image,mos\na.jpg,10\nb.jpg,20\nc/d.jpg,55.5\ne.jpg,80\nf.jpg,99\n"
RECIPE = """
title: Toy
steps:
  - {id: ratings, stage: ingest-ratings, inputs: [toy.csv]}
  - {id: levels, stage: mos-to-levels, inputs: [ratings], options: {words: itu}}
  - {id: pairs, stage: scoring-qa, inputs: [levels]}
"""


@dataclass(frozen=True)
class Done:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        return self.json["error"]


@pytest.fixture
def qbuild_cli(capsys, monkeypatch):
    """Runs `qbuild ARGS` in this process."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["qbuild", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def recipe(tmp_path, monkeypatch) -> Path:
    """A pipeline file next to its scores, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.csv").write_text(SCORES)
    (tmp_path / "toy.yaml").write_text(RECIPE)
    return tmp_path / "toy.yaml"


@pytest.fixture
def work(recipe, qbuild_cli) -> Path:
    """The artifacts of the pipeline."""
    done = qbuild_cli("run", recipe, "--workdir", "work")
    assert done.code == 0, done.err
    return recipe.parent / "work"
