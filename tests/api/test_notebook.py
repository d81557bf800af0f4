"""The example of docs/python.md runs from its first cell to its last."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "docs" / "examples" / "notebook.py"


@pytest.mark.filterwarnings("ignore:.*only 5 rows.*:UserWarning")
def test_the_notebook_script_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    printed = capsys.readouterr().out
    assert "['q-align.json']" in printed
    assert "Did you mean words" in printed
