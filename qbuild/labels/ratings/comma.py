"""Headless lines `path, duration, fps, MOS`, as DOVER's label files of LSVQ, KoNViD-1k, LIVE-VQC.

-1 stands for an unknown duration or frame rate. The path is everything before the last three
commas: names hold commas and runs of dots, and equal names lie in different folders, so only the
whole path tells media apart. No scale is declared: the three files use different ones.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qbuild.labels.tables.layout import Head, Layout, LayoutTable, ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

_NUMBER = r"[ \t]*[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?[ \t]*"
_LINE = re.compile(rf"(?P<path>[^,].*),{_NUMBER},{_NUMBER},(?:{_NUMBER}|[ \t]*(?:nan)?[ \t]*)")
_ENDS_IN_NUMBER = re.compile(rf"(?:^|.*,){_NUMBER}")  # then there are more than three numbers
_LOOKED_AT = 20


def matches(head: Head) -> bool:
    """Whether the first line, and most of the first ones, are a path and three numbers."""
    if head.text is None or head.record is not None:
        return False
    lines = [line.strip("\r") for line in head.text.split("\n") if line.strip()][:_LOOKED_AT]
    fits = [_fits(line) for line in lines]
    return bool(fits) and fits[0] and sum(fits) * 2 > len(fits)


def read(path: Path, options: ReadOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row a line; a line with fewer commas has no score."""
    import pandas as pd

    from qbuild.core.errors import InputError
    from qbuild.labels.tables.json_records import read_bytes

    text = read_bytes(path).decode("utf-8")
    lines = pd.Series([line for line in text.split("\n") if line.strip()], dtype="str")
    if lines.empty:
        raise InputError(str(path), "holds only blank lines", "expected path, duration, fps, MOS")
    frame = lines.str.rsplit(",", n=3, expand=True).reindex(columns=range(4))
    frame.columns = pd.Index(["path", "duration", "fps", "mos"])
    return LayoutTable(
        frame[["path", "mos"]],
        records=lambda positions: frame.iloc[list(positions)].to_dict(orient="records"),
    )


def _fits(line: str) -> bool:
    found = _LINE.fullmatch(line)
    return found is not None and not _ENDS_IN_NUMBER.fullmatch(found["path"])


LAYOUT = Layout(
    "comma",
    "headless lines `path, duration, fps, MOS` (LSVQ, KoNViD-1k, LIVE-VQC)",
    matches,
    read,
)
