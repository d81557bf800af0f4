"""The report of `qbuild show` as text."""

from __future__ import annotations

import contextlib
from typing import Any

from qbuild.cli.render.text import (
    aligned,
    hanging,
    media_lines,
    number,
    short,
    short_hash,
    turn_lines,
    width,
)
from qbuild.core.plural import plural
from qbuild.stages import STAGES, get_stage


def format_artifact(view: dict[str, Any]) -> str:
    """Summary, lineage, report, schema, statistics and first rows, a paragraph each."""
    parts = [_summary(view), _lineage(view["lineage"]), _report(view)]
    schema = view["schema"]
    if schema is None:
        parts.append(_files(view["files"]))
    else:
        rows = _rows(view["first"], as_pairs=schema["name"] == "instruction")
        parts += [_schema(schema), _statistics(view["columns"]), rows]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _summary(view: dict[str, Any]) -> list[str]:
    summary = view["summary"]
    counts = plural(summary["rows"], "row")
    if view["schema"] is None or view["schema"]["name"] != "rejected":
        counts += f", {summary['rejected']:,} rejected"
    if not summary["complete"]:
        counts += f"; INCOMPLETE: {plural(summary['pending'], 'row')} pending"
    lines = [view["path"], f"  {counts}"]
    if summary["content_hash"]:
        lines.append(f"  content {summary['content_hash'].removeprefix('sha256:')}")
    return lines


def _lineage(made: dict[str, Any], indent: str = "") -> list[str]:
    lines = hanging(f"{indent}made by ", f"{made['stage']} (version {made['version']})")
    options = {**made["options"], **({"limit": made["limit"]} if made["limit"] else {})}
    if options:
        text = ", ".join(f"{name}={short(value, 40)}" for name, value in options.items())
        lines += hanging(f"{indent}  options ", text)
    for source in made["inputs"]:
        rows = f", {plural(source['rows'], 'row')}" if "rows" in source else ""
        lines.append(f"{indent}  from {source['name']} ({short_hash(source['hash'])}{rows})")
        if "made_by" in source:
            lines += _lineage(source["made_by"], indent + "    ")
    return lines


def _report(view: dict[str, Any]) -> list[str]:
    """The report that the stage printed when it ran, if this version has that stage."""
    report, made = view["report"], view["lineage"]
    if not report or made["stage"] not in STAGES:
        return []
    stage = get_stage(made["stage"])
    lines: list[str] = []
    if stage.render is not None and stage.version == made["version"]:
        # the report in a description was not checked against the stage it names
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


def _statistics(columns: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    if columns["numbers"]:
        header = ("number", "min", "mean", "max", "nulls")
        rows = [
            (name, number(f["min"]), number(f["mean"]), number(f["max"]), number(f["nulls"]))
            for name, f in columns["numbers"].items()
        ]
        lines += aligned([header, *rows])
    for name, counts in columns["counts"].items():
        shown = [f"{value} {count:,}" for value, count in counts["values"].items()]
        shown += [f"{counts['others']:,} other values"] if counts["others"] else []
        shown += [f"null {counts['nulls']:,}"] if counts["nulls"] else []
        lines += hanging(f"{name}: ", ", ".join(shown))
    return lines


def _rows(rows: list[dict[str, Any]], *, as_pairs: bool) -> list[str]:
    """The first rows, a line per column; media and turns of pairs as readable text."""
    formatters = {"media": media_lines, "turns": turn_lines} if as_pairs else {}
    lines: list[str] = []
    for at, row in enumerate(rows, 1):
        wide = max(map(len, row))
        room = width() - wide - 4
        lines.append(f"row {at}")
        for name, value in row.items():
            if name in formatters:
                lines += formatters[name](row, "  ")
            elif value is not None:
                lines.append(f"  {name:<{wide}}  {short(value, room)}")
    return lines


def _files(files: dict[str, str]) -> list[str]:
    return ["files", *aligned([(name, short_hash(value)) for name, value in files.items()], "  ")]
