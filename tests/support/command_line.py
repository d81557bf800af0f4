"""Runs the command line in this process."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from qbuild.cli.main import main


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


def run_command(monkeypatch: Any, capsys: Any, *arguments: object) -> Done:
    """Runs `qbuild ARGUMENTS`, which ends with its exit code."""
    monkeypatch.setattr(sys, "argv", ["qbuild", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return Done(int(ended.value.code or 0), printed.out, printed.err)
