"""The report of `evaluate` as text: a table in the papers' layout, then every figure."""

from __future__ import annotations

from typing import Any

from qbuild.core.plural import plural

_ACROSS = 4  # datasets side by side
_LABELS = {
    "srcc": "SRCC",
    "plcc": "PLCC",
    "krcc": "KRCC",
    "rmse": "RMSE",
    "plcc_mapped": "mapped PLCC",
    "rmse_mapped": "mapped RMSE",
}


def render(report: dict[str, Any]) -> str:
    """SRCC / PLCC with the datasets in columns, then each dataset's figures and intervals."""
    lines = [*_table(report), ""]
    for one in report["datasets"]:
        lines += _detail(one, several=len(_models(report)) > 1)
    if len(report["datasets"]) > len(report["models"]):
        for one in report["models"]:
            named = {**one, "dataset": report["overall"]}
            lines += _detail(named, several=len(_models(report)) > 1)
    share = 100 * report["confidence"]
    if any(one["intervals"] for one in report["datasets"]):
        lines.append(f"in brackets: bootstrap intervals of {share:g} in 100")
    lines += [
        f"{leak['source']}: {plural(leak['media'], 'medium', 'media')} that the model was trained"
        f" on, {leak['first'][0]} the first"
        for leak in report["leaks"]
    ]
    if report["collapsed"]:
        lines.append(f"{plural(report['collapsed'], 'identical row')} collapsed")
    return "\n".join(lines)


def _models(report: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Model and group of each line of the table."""
    return [(one["model"], one["group"]) for one in report["models"]]


def _table(report: dict[str, Any]) -> list[str]:
    names = list(dict.fromkeys(one["dataset"] for one in report["datasets"]))
    cells = {
        (one["model"], one["group"], one["dataset"]): _pair(one)
        for one in [*report["datasets"], *report["models"]]
    }
    columns: list[tuple[str, str | None]] = [(name, name) for name in names]
    if len(names) > 1:
        columns.append((report["overall"], None))
    labels = {line: line[0] + (f", {line[1]}" if line[1] else "") for line in _models(report)}
    wide = max(map(len, ["SRCC / PLCC", *labels.values()]))
    lines: list[str] = []
    for first in range(0, len(columns), _ACROSS):
        part = columns[first : first + _ACROSS]
        widths = [max(len(title), 15) for title, _ in part]
        head = [f"{title:<{width}}" for (title, _), width in zip(part, widths, strict=True)]
        lines.append(f"{'SRCC / PLCC':<{wide}}  {'  '.join(head)}".rstrip())
        for (model, group), label in labels.items():
            row = [
                f"{cells.get((model, group, key), '-'):<{width}}"
                for (_, key), width in zip(part, widths, strict=True)
            ]
            lines.append(f"{label:<{wide}}  {'  '.join(row)}".rstrip())
    return lines


def _pair(one: dict[str, Any]) -> str:
    return f"{_figure(one['srcc'])} / {_figure(one['plcc'])}"


def _detail(one: dict[str, Any], *, several: bool) -> list[str]:
    about = [one["dataset"]]
    if several:
        about += [part for part in (one["model"], one["group"]) if part]
    lines = [f"{', '.join(about)}: {plural(one['rows'], 'row')}"]
    told = [
        f"{label} {_figure(one[name])}{_ends(one['intervals'].get(name))}"
        for name, label in _LABELS.items()
        if one[name] is not None
    ]
    lines += ["    " + "  ".join(told[at : at + 2]) for at in range(0, len(told), 2)]
    return lines


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _ends(ends: list[float] | None) -> str:
    return f" [{_figure(ends[0])}, {_figure(ends[1])}]" if ends else ""
