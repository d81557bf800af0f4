"""The report of `qbuild why` as indented text."""

from __future__ import annotations

from typing import Any

from qbuild.cli.render.text import hanging, media_lines, short, short_hash, turn_lines

_ROOM = 100
_SHOWN_ELSEWHERE = {"media_id", "sample_id", "path", "media", "turns", "provenance", "labels"}


def format_trace(report: dict[str, Any]) -> str:
    """Each trace from the requested row back to the rating, then the rejected rows."""
    lines = [report["id"]]
    for trace in report["traces"]:
        lines += _step(trace, "  ")
    for row in report["rejected"]:
        text = f"{row['source']} row {row['row']}, {row['reason']}: {row['message']}"
        lines += hanging(f"  rejected by {row['stage']} ({row['artifact']}): ", text)
    return "\n".join(lines)


def _step(step: dict[str, Any], indent: str) -> list[str]:
    lines = hanging(f"{indent}{step['schema']} ", f"in {step['artifact']}")
    inner = indent + "  "
    lines += hanging(
        f"{inner}made by ", f"{step['stage']} (version {step['version']}){_options(step)}"
    )
    lines += _FORMATTERS.get(step["schema"], _other)(step, inner)
    if step["file"] is not None:
        lines += _file(step["file"], inner)
    for source in step["missing"]:
        text = f"{source['name']} ({short_hash(source['hash'])}), which is not in this folder"
        lines += hanging(f"{inner}from ", text)
    for above in step["from"]:
        lines += [f"{inner}from", *_step(above, inner + "  ")]
    return lines


def _options(step: dict[str, Any]) -> str:
    """The options of the step that are not empty."""
    given = {name: value for name, value in step["options"].items() if value not in ("", [], None)}
    return "".join(f", {name}={short(value, 40)}" for name, value in given.items())


def _instruction(step: dict[str, Any], indent: str) -> list[str]:
    row = step["row"]
    lines = [*media_lines(row, indent), *turn_lines(row, indent)]
    origin = row["provenance"]["origin"]
    return lines + ([f"{indent}origin {origin}"] if origin else [])


def _level(step: dict[str, Any], indent: str) -> list[str]:
    row, cut = step["row"], step["cut"] or {}
    text = f"{row['mos']:g} → mos_norm {row['mos_norm']:.4g}, level {row['level']} ({row['word']})"
    lines = hanging(f"{indent}mos ", text)
    if {"low", "high"} <= cut.keys():
        lines += hanging(f"{indent}levels cut on ", f"{cut['low']:g} … {cut['high']:g}")
    return lines if step["from"] else lines + _rating(step, indent)


def _rating(step: dict[str, Any], indent: str) -> list[str]:
    row = step["row"]
    digest = next((f["hash"] for f in step["files"] if f["name"] == row["source_file"]), None)
    hashed = f" (sha256 {short_hash(digest)})" if digest else ""
    lines = [*hanging(f"{indent}medium ", f"{row['path']} of {row['dataset']}")]
    lines += hanging(f"{indent}rated ", f"mos {row['mos']:g}")
    lines += hanging(f"{indent}in ", f"{row['source_file']}{hashed}, record {row['source_row']}")
    for name in ("source", "licence"):
        lines += hanging(f"{indent}{name} ", row[name] or "not stated")
    return lines


def _other(step: dict[str, Any], indent: str) -> list[str]:
    shown = {k: v for k, v in step["row"].items() if v is not None and k not in _SHOWN_ELSEWHERE}
    return [line for k, v in shown.items() for line in hanging(f"{indent}{k} ", short(v, _ROOM))]


def _file(file: dict[str, Any], indent: str) -> list[str]:
    if file["sha256"] is None:
        return hanging(f"{indent}file ", f"{file['path']}: missing")
    changed = file["expected"] not in (None, file["sha256"])
    lines = hanging(f"{indent}file ", file["path"] + (" (CHANGED)" if changed else ""))
    return [*lines, f"{indent}sha256 {file['sha256']}"]


_FORMATTERS = {"instruction": _instruction, "level": _level, "rating": _rating}
