"""The report of `evaluate` as text: a table as in papers, then every metric."""

from __future__ import annotations

from typing import Any

from qbuild.core.plural import format_collapsed, format_figure, plural
from qbuild.core.rows.split_filter import format_left_out

_COLUMNS = 4  # datasets side by side
_LABELS = {
    "srcc": "SRCC",
    "plcc": "PLCC",
    "krcc": "KRCC",
    "rmse": "RMSE",
    "plcc_mapped": "mapped PLCC",
    "rmse_mapped": "mapped RMSE",
}


def render(report: dict[str, Any]) -> str:
    """SRCC / PLCC with the datasets in columns, then each dataset's metrics and intervals."""
    several = len(_models(report)) > 1
    lines = [*_table(report), ""]
    for one in report["datasets"]:
        lines += _details(one, several=several)
    if len(report["datasets"]) > len(report["models"]):
        for one in report["models"]:
            lines += _details({**one, "dataset": report["overall"]}, several=several)
    if any(one["intervals"] for one in report["datasets"]):
        share = 100 * report["confidence"]
        lines.append(f"in brackets: {share:g} % bootstrap intervals")
    lines += [
        f"{leak['source']}: {plural(leak['media'], 'medium', 'media')} that the model was trained"
        f" on, {leak['first'][0]} the first"
        for leak in report["leaks"]
    ]
    lines += filter(None, [format_left_out(report.get("left_out", {}))])
    lines += format_collapsed(report["collapsed"])
    return "\n".join(lines)


def _models(report: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Model and group of each line of the table."""
    return [(one["model"], one["group"]) for one in report["models"]]


def _table(report: dict[str, Any]) -> list[str]:
    names = list(dict.fromkeys(one["dataset"] for one in report["datasets"]))
    cells = {
        (one["model"], one["group"], one["dataset"]): (
            f"{format_figure(one['srcc'])} / {format_figure(one['plcc'])}"
        )
        for one in [*report["datasets"], *report["models"]]
    }
    columns: list[tuple[str, str | None]] = [(name, name) for name in names]
    if len(names) > 1:
        columns.append((report["overall"], None))
    labels = {key: ", ".join(filter(None, key)) for key in _models(report)}
    width = max(map(len, ["SRCC / PLCC", *labels.values()]))
    lines: list[str] = []
    for first in range(0, len(columns), _COLUMNS):
        shown = columns[first : first + _COLUMNS]
        titles = [f"{title:<15}" for title, _ in shown]
        lines.append(f"{'SRCC / PLCC':<{width}}  {'  '.join(titles)}".rstrip())
        for (model, group), label in labels.items():
            row = [
                f"{cells.get((model, group, key), '-'):<{len(title)}}"
                for (_, key), title in zip(shown, titles, strict=True)
            ]
            lines.append(f"{label:<{width}}  {'  '.join(row)}".rstrip())
    return lines


def _details(one: dict[str, Any], *, several: bool) -> list[str]:
    about = [one["dataset"]]
    if several:
        about += [part for part in (one["model"], one["group"]) if part]
    metrics = [
        f"{label} {format_figure(one[name])}{_interval(one['intervals'].get(name))}"
        for name, label in _LABELS.items()
        if one[name] is not None
    ]
    return [
        f"{', '.join(about)}: {plural(one['rows'], 'row')}",
        *("    " + "  ".join(metrics[at : at + 2]) for at in range(0, len(metrics), 2)),
    ]


def _interval(ends: list[float] | None) -> str:
    return f" [{format_figure(ends[0])}, {format_figure(ends[1])}]" if ends else ""
