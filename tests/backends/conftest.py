"""The command line in this process, with the backend vqa2."""

from __future__ import annotations

import sys

import offered
import pytest

from qbuild.cli.main import main


@pytest.fixture
def qbuild(tmp_path, monkeypatch, capsys):
    """Runs `qbuild ARGS` with the backend vqa2 offered; its exit code and what it printed."""
    target = "qbuild_backends.backend:vqa2"
    offered.offer(tmp_path, monkeypatch, "vqa2", "", target=target)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["qbuild", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run
