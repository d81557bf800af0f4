"""What `qbuild show` found, as text."""

from __future__ import annotations

import contextlib
from typing import Any

from qbuild.cli.render.pair import media_lines, turn_lines
from qbuild.cli.render.text import aligned, hanging, number, short, short_hash, width
from qbuild.core.plural import plural
from qbuild.stages import STAGES, get_stage


def shown(found: dict[str, Any]) -> str:
    """Summary, lineage, report, schema, figures and first rows, a paragraph each."""
    parts = [_summary(found), _lineage(found["lineage"]), _report(found)]
    schema = found["schema"]
    if schema is None:
        parts.append(_files(found["files"]))
    else:
        rows = _rows(found["first"], as_pairs=schema["name"] == "instruction")
        parts += [_schema(schema), _figures(found["columns"]), rows]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _summary(found: dict[str, Any]) -> list[str]:
    summary = found["summary"]
    counts = plural(summary["rows"], "row")
    if found["schema"] is None or found["schema"]["name"] != "rejected":
        counts += f", {summary['rejected']:,} rejected"
    if not summary["complete"]:
        counts += f"; INCOMPLETE: {plural(summary['pending'], 'row')} pending"
    lines = [found["path"], f"  {counts}"]
    if summary["content_hash"]:
        lines.append(f"  content {summary['content_hash'].removeprefix('sha256:')}")
    return lines


def _lineage(made: dict[str, Any], indent: str = "") -> list[str]:
    lines = hanging(f"{indent}made by ", f"{made['stage']} (version {made['version']})")
    options = {**made["options"], **({"limit": made["limit"]} if made["limit"] else {})}
    if options:
        told = ", ".join(f"{name}={short(value, 40)}" for name, value in options.items())
        lines += hanging(f"{indent}  options ", told)
    for given in made["inputs"]:
        rows = f", {plural(given['rows'], 'row')}" if "rows" in given else ""
        lines.append(f"{indent}  from {given['name']} ({short_hash(given['hash'])}{rows})")
        if "made_by" in given:
            lines += _lineage(given["made_by"], indent + "    ")
    return lines


def _report(found: dict[str, Any]) -> list[str]:
    """The figures that the stage printed when it ran, where this qbuild has that stage."""
    report, made = found["report"], found["lineage"]
    if not report or made["stage"] not in STAGES:
        return []
    stage = get_stage(made["stage"])
    lines: list[str] = []
    if stage.render is not None and stage.version == made["version"]:
        # what a description holds was not checked against the stage that is said to have made it
        with contextlib.suppress(AttributeError, LookupError, TypeError, ValueError):
            lines = stage.render(report).splitlines()
    return [
        wrapped
        for line in lines
        for wrapped in hanging(line[: len(line) - len(line.lstrip())], line.strip())
    ]


def _schema(schema: dict[str, Any]) -> list[str]:
    rows = [
        (
            column["name"],
            column["type"] + ("?" if column["nullable"] else ""),
            column["meaning"] + (f" [{column['unit']}]" if column["unit"] else ""),
        )
        for column in schema["columns"]
    ]
    title = f"schema {schema['name']} (version {schema['version']}): {schema['title']}"
    return [*hanging("", title), *aligned(rows, "  ")]


def _figures(columns: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    if columns["numbers"]:
        header = ("number", "min", "mean", "max", "nulls")
        rows = [
            (name, number(f["min"]), number(f["mean"]), number(f["max"]), number(f["nulls"]))
            for name, f in columns["numbers"].items()
        ]
        lines += aligned([header, *rows])
    for name, counts in columns["counts"].items():
        told = [f"{value} {count:,}" for value, count in counts["values"].items()]
        told += [f"{counts['others']:,} other values"] if counts["others"] else []
        told += [f"null {counts['nulls']:,}"] if counts["nulls"] else []
        lines += hanging(f"{name}: ", ", ".join(told))
    return lines


def _rows(rows: list[dict[str, Any]], *, as_pairs: bool) -> list[str]:
    """The first rows, a column a line; of pairs, the media and the turns as they read."""
    tellers = {"media": media_lines, "turns": turn_lines} if as_pairs else {}
    lines: list[str] = []
    for at, row in enumerate(rows, 1):
        wide = max(map(len, row))
        room = width() - wide - 4
        lines.append(f"row {at}")
        for name, value in row.items():
            if name in tellers:
                lines += tellers[name](row, "  ")
            elif value is not None:
                lines.append(f"  {name:<{wide}}  {short(value, room)}")
    return lines


def _files(files: dict[str, str]) -> list[str]:
    return ["files", *aligned([(name, short_hash(value)) for name, value in files.items()], "  ")]
