"""What a layout is: how it is recognised, and how its file becomes rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True)
class Head:
    """The beginning of a file: all that recognition may look at.

    `start` holds its first 64 KiB, `text` the same decoded (None where it is not UTF-8 text),
    `record` its first JSON object, `header` the cells of its first row (CSV, Excel, Parquet).
    """

    path: Path
    start: bytes
    text: str | None
    record: dict[str, Any] | None
    header: list[str] | None


@dataclass(frozen=True)
class ReadOptions:
    """How files are read, beyond what they say themselves.

    dataset       name of the dataset of every row; else the file's own, the layout's, the stem
    direction     `down` where a greater score means worse quality: scores are turned round
    strip_prefix  taken off the front of every path that begins with it, before `add_prefix`
    add_prefix    put in front of every path
    columns       canonical name (path, mos, …) → the file's column; `a+b` joins two path columns
    licence       dataset → licence of its ratings; the key "" stands for every dataset
    source        dataset → where its ratings come from; the key "" stands for every dataset
    screen        `bt500` leaves out observers by the rule of ITU-R BT.500 (subject-votes only)
    """

    dataset: str | None = None
    direction: Literal["up", "down"] = "up"
    strip_prefix: str = ""
    add_prefix: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    licence: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    screen: Literal["none", "bt500"] = "none"


DEFAULTS = ReadOptions()


@dataclass(frozen=True)
class LayoutTable:
    """One file's rows as its layout reads them, scores and paths still raw.

    `frame` needs the columns path and mos; it may have mos_std, num_ratings, votes (worst to
    best), scale_low, scale_high, split, dataset and source_row (1-based number of the record in
    the file, the header not counted; default: the rows are the records).
    `records` gives, for positions in the frame, the rows as they stand in the file; it words the
    rejected ones (default: the frame's row). `rejected` holds rows the layout refused itself, as
    `Refusals.frame()` makes it.
    """

    frame: pd.DataFrame
    default_dataset: str | None = None
    notes: list[str] = field(default_factory=list)
    records: Callable[[Sequence[int]], list[Any]] | None = None
    rejected: pd.DataFrame | None = None


@dataclass(frozen=True)
class Layout:
    """A published form of rating files.

    `heeds` names the options (columns, screen) that it obeys; others refuse them.
    """

    name: str
    summary: str
    matches: Callable[[Head], bool]
    read: Callable[[Path, ReadOptions], LayoutTable]
    heeds: tuple[str, ...] = ()
