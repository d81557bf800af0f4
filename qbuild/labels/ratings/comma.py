"""Lines `path, duration, fps, MOS` without a header: DOVER's label files of LSVQ, KoNViD-1k, VQC.

-1 means an unknown duration or frame rate. The path is everything before the last three
commas: names contain commas and runs of dots, and equal names exist in different folders, so only
the full path identifies a medium. The three files use different scales and declare none.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from qbuild.core.errors import InputError
from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.json_records import read_utf8
from qbuild.labels.tables.sniff import FilePreview

_NUMBER = r"[ \t]*[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?[ \t]*"
_LINE = re.compile(rf"(?P<path>[^,].*),{_NUMBER},{_NUMBER},(?:{_NUMBER}|[ \t]*(?:nan)?[ \t]*)")
_ENDS_IN_NUMBER = re.compile(rf"(?:^|.*,){_NUMBER}")  # the line has more than three numbers
_SNIFFED_LINES = 20


def matches(preview: FilePreview) -> bool:
    """Whether the first line, and most of the first 20, are a path and three numbers."""
    if preview.text is None or preview.record is not None:
        return False
    lines = [line.strip("\r") for line in preview.text.split("\n") if line.strip()]
    fits = [_fits(line) for line in lines[:_SNIFFED_LINES]]
    return bool(fits) and fits[0] and sum(fits) * 2 > len(fits)


def read(path: Path, options: RatingOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row per line; a line with fewer commas has no score."""
    text = read_utf8(path).decode("utf-8")
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
    parts = _LINE.fullmatch(line)
    return parts is not None and not _ENDS_IN_NUMBER.fullmatch(parts["path"])


LAYOUT = Layout("comma", matches, read)
