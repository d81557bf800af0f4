"""docs/commands.md: matches `--help` of every command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qbuild.cli.main import listings

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs/commands.py"
PAGE = ROOT / "docs/commands.md"


def test_the_command_reference_matches_the_current_help():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_reference_does_not_depend_on_the_terminal(columns):
    terminal = {"COLUMNS": columns, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    environment = {**os.environ, **terminal}
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], check=False, env=environment)
    assert done.returncode == 0


def test_the_reference_lists_every_stage_and_command_in_order():
    headings = re.findall(r"^## `qbuild ([\w-]+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == list(listings())


@pytest.mark.parametrize("name", list(listings()))
def test_a_command_is_documented_with_its_usage_and_its_options(name):
    text = PAGE.read_text(encoding="utf-8")
    own = text.split(f"## `qbuild {name}`\n", 1)[1].split("\n## ", 1)[0]
    assert f"Usage: qbuild {name} " in own
    assert "--help" in own


def test_the_reference_is_plain_text():
    text = PAGE.read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert not re.search("[╭╮╰╯│─]", text)
    wide = [line for line in text.splitlines() if len(line) > 100]
    assert [line for line in wide if not line.startswith("  --")] == []  # a choice is not broken
