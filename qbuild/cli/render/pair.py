"""What a pair shows and says, as text: for `show` and for `why`."""

from __future__ import annotations

from typing import Any

from qbuild.cli.render.text import hanging


def media_lines(row: dict[str, Any], indent: str) -> list[str]:
    """A line a medium: its kind and its id."""
    return [line for m in row["media"] for line in hanging(f"{indent}{m['kind']} ", m["media_id"])]


def turn_lines(row: dict[str, Any], indent: str) -> list[str]:
    """What each role says, on a line of its own, with `<image>` where a medium stands."""
    lines: list[str] = []
    for turn in row["turns"]:
        said = "".join(
            part["text"] if part["text"] is not None else f"<{row['media'][part['media']]['kind']}>"
            for part in turn["parts"]
        )
        lines += hanging(f"{indent}{turn['role']}: ", " ".join(said.split()))
    return lines
