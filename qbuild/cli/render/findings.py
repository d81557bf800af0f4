"""The reports of `validate`, `diff`, `check-media` and `doctor` as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.cli.render.text import aligned, hanging, short, width
from qbuild.core.plural import plural

if TYPE_CHECKING:
    from qbuild.core.inspect.validate import Findings


def format_findings(findings: Findings) -> str:
    """`PATH: valid`, or its first problems and the number of all."""
    size = f"{plural(findings.rows or 0, 'row')} of {findings.schema or 'an export'}"
    if not findings.total:
        return f"{findings.path}: valid ({size})"
    lines = [f"{findings.path}: {plural(findings.total, 'problem')}"]
    for problem in findings.problems:
        lines += hanging(f"  {problem.kind}: ", f"{problem.where}: {problem.what}")
    if findings.total > len(findings.problems):
        lines.append(f"  … {findings.total:,} problems in all")
    return "\n".join(lines)


def format_diff(report: dict[str, Any]) -> str:
    """How the rows differ, with examples, and how the stages, options and inputs differ."""
    rows = report["rows"]
    if report["same_rows"]:
        lines = [f"same rows ({rows['a']:,})"]
    else:
        counts = ", ".join(f"{report[what]:,} {what}" for what in ("added", "removed", "changed"))
        lines = [f"{rows['a']:,} → {rows['b']:,} rows: {counts}"]
        if report["moved"]:
            lines.append("common rows are in another order")
    lines += [f"  {name}: {count:,} changed" for name, count in report["columns"].items()]
    lines += _examples(report["examples"])
    return "\n".join(lines + _made_from(report["made_from"]))


def format_media(report: dict[str, Any]) -> str:
    """A line per dataset and per root, with the first names of missing or extra files."""
    lines: list[str] = []
    for dataset in report["datasets"]:
        counts = ", ".join(f"{dataset[what]:,} {what}" for what in ("found", "missing", "outside"))
        lines.append(f"{dataset['dataset']} in {dataset['root']}: {counts}")
        lines += _names(dataset, ("missing", "outside"))
    for root in report["roots"]:
        lines.append(f"{root['root']}: {plural(root['files'], 'file')}, {root['extra']:,} extra")
        lines += _names(root, ("extra", "outside"))
    return "\n".join(lines)


def _names(report: dict[str, Any], kinds: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    for kind in kinds:
        names = report[f"{kind}_names"]
        lines += [f"  {kind}: {name}" for name in names]
        if report[kind] > len(names):
            lines.append(f"  … {report[kind]:,} {kind} in all; --list shows them")
    return lines


def _examples(examples: dict[str, Any]) -> list[str]:
    lines = [f"  {what}: {_key(key)}" for what in ("added", "removed") for key in examples[what]]
    room = max(width() // 2 - 12, 12)
    for change in examples["changed"]:
        lines.append(f"  changed: {_key(change['key'])}")
        pairs = [
            (name, f"{short(old, room)} → {short(new, room)}")
            for name, (old, new) in change["columns"].items()
        ]
        lines += aligned(pairs, "    ")
    return lines


def _key(key: list[Any]) -> str:
    return " ".join(str(part) for part in key)


def _made_from(made_from: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for part, value in made_from.items():
        pairs = value if isinstance(value, dict) else {"": value}
        for name, (old, new) in pairs.items():
            change = f"{_value(part, old)} → {_value(part, new)}"
            lines += hanging(f"{part} {name}".strip() + ": ", change)
    return (
        ["", "differences in how they were made", *(f"  {line}" for line in lines)] if lines else []
    )


def _value(part: str, value: Any) -> str:
    if part == "stage" and value:
        return f"{value['name']} {value['version']}"
    if part == "inputs" and value is not None:
        return ", ".join(f"{source['name']} ({source['hash'][7:19]})" for source in value)
    return short(value, 60)


def format_environment(report: dict[str, Any]) -> str:
    """Versions of required and optional packages, with the command that installs missing ones."""
    lines = [f"qbuild {report['qbuild']}, Python {report['python']}"]
    for title, packages in (
        ("required", report["required"]),
        ("demo images (optional)", report["demo"]),
        ("plots (optional)", report["plots"]),
    ):
        lines += ["", title, *_packages(packages)]
    names = ", ".join(report["backends"]["found"])
    lines += ["", "backends (optional)", f"  {names or 'none'}"]
    if report["backends"]["todo"]:
        lines.append(f"    install with: {report['backends']['todo']}")
    return "\n".join(lines)


def _packages(packages: list[dict[str, str]]) -> list[str]:
    if not packages:
        return ["  unknown: qbuild is not installed as a distribution"]
    rows = [(p["name"], p["version"] or "-", _state(p)) for p in packages]
    commands = dict.fromkeys(p["todo"] for p in packages if p["todo"])
    return [*aligned(rows, "  "), *(f"    install with: {command}" for command in commands)]


def _state(package: dict[str, str]) -> str:
    if package["state"] == "there":
        return ""
    needs = f"; needs {package['needs']}" if package["needs"] else ""
    return package["state"] + needs
