"""Writes docs/commands.md: the help of every command, as plain text of fixed width.

python docs/commands.py            write the page
python docs/commands.py --check    exit with 1 if the page is stale
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from qbuild.cli.main import app

PAGE = Path(__file__).with_name("commands.md")
COMMAND = "python docs/commands.py"
WIDTH = 100
HEAD = f"""# Commands

The output of `--help`, written by `{COMMAND}`; a test fails if this page is stale.
"""


def page() -> str:
    """The whole page."""
    group: Any = typer.main.get_command(app)
    context = _context("qbuild", group)
    sections = [HEAD, section("qbuild", group, context)]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        sections.append(section(f"qbuild {name}", command, _context(f"qbuild {name}", command)))
    return "\n".join(sections)


def _context(name: str, command: Any) -> Any:
    return command.make_context(name, [], resilient_parsing=True, terminal_width=WIDTH)


def section(title: str, command: Any, context: Any) -> str:
    """A heading and the command's help."""
    command.rich_markup_mode = None  # boxes and colours would depend on the terminal
    text = "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())
    return f"## `{title}`\n\n```text\n{text}\n```\n"


def main() -> int:
    """Write the page, or check it."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"docs/commands.md is stale; run: {COMMAND}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
