from __future__ import annotations

import re
from pathlib import Path

import pytest

from qbuild.dialects import DIALECTS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs/dialects.md").read_text(encoding="utf-8")
REASON = re.compile(r"Reject(?:edError|ion)\(\s*\"([a-z-]+)\"")


def reasons():
    sources = [*(ROOT / "qbuild/dialects").glob("*.py"), ROOT / "qbuild/stages/import_qa.py"]
    return {reason for path in sources for reason in REASON.findall(path.read_text())}


@pytest.mark.parametrize("name", [*DIALECTS, *sorted(reasons())])
def test_every_dialect_and_every_reason_is_documented(name):
    assert name in PAGE if name in DIALECTS else f"`{name}`" in PAGE


def test_no_documented_reason_is_unknown():
    tables = PAGE.partition("## Reasons")[2]
    cells = [line.split("|")[1] for line in tables.splitlines() if line.startswith("| `")]
    assert {reason for cell in cells for reason in re.findall(r"`([a-z-]+)`", cell)} == reasons()
