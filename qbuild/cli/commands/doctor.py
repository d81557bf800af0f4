"""The command `doctor`."""

from typing import Any

import typer

from qbuild.cli.flags import Debug, Json
from qbuild.cli.output import print_json, say
from qbuild.cli.render.text import aligned


def doctor(json_: Json = False, _debug: Debug = False) -> None:
    """Show versions and optional parts, and how to get those missing.

    Ends with code 5 where a required part is missing or of a version outside its bounds.
    """
    from qbuild.core.inspect.environment import inventory

    found = inventory()
    if json_:
        print_json(found)
    else:
        say(_told(found))
    if not found["complete"]:
        raise typer.Exit(5)


def _told(found: dict[str, Any]) -> str:
    lines = [f"qbuild {found['qbuild']}, Python {found['python']}"]
    for title, parts in (
        ("required", found["required"]),
        ("demo pictures (optional)", found["demo"]),
        ("plots (optional)", found["plots"]),
    ):
        lines += ["", title, *_parts(parts)]
    names = ", ".join(found["backends"]["found"])
    lines += ["", "backends (optional)", f"  {names or 'none'}"]
    if found["backends"]["todo"]:
        lines.append(f"    get them with: {found['backends']['todo']}")
    return "\n".join(lines)


def _parts(parts: list[dict[str, str]]) -> list[str]:
    if not parts:
        return ["  unknown: qbuild is not installed as a distribution"]
    rows = [(p["name"], p["version"] or "-", _state(p)) for p in parts]
    todo = dict.fromkeys(p["todo"] for p in parts if p["todo"])
    return [*aligned(rows, "  "), *(f"    get them with: {command}" for command in todo)]


def _state(part: dict[str, str]) -> str:
    if part["state"] == "there":
        return ""
    return f"{part['state']}; needs {part['needs']}" if part["needs"] else part["state"]
