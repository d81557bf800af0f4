"""Raw votes in long form: one row per vote, with columns for subject, media and score.

A medium's row holds the mean of its votes, their sample deviation (n - 1), their number and,
where all scores are whole numbers of few grades, the count of votes of each grade, worst first.
Grades are 1 to 5 where all votes are in that range (the five-grade scale of ITU-R BT.500), else
the lowest to the highest observed, at most 11; they are then also the declared scale. A subject's
second vote for a medium counts as a repeated presentation. `--screen bt500` excludes observers,
one dataset at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qbuild.core.rows.rejections import Rejection
from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.ratings.screening import screen_observers
from qbuild.labels.tables.cells import to_numbers, to_text
from qbuild.labels.tables.columns import PATH, SYNONYMS, column_cells, find_names, resolve_columns
from qbuild.labels.tables.media_paths import tidy
from qbuild.labels.tables.rejections import (
    MISSING_PATH,
    MISSING_SCORE,
    MISSING_SUBJECT,
    RowRejections,
)
from qbuild.labels.tables.sniff import FilePreview
from qbuild.labels.tables.table import Grid, read_grid
from qbuild.quality.arrays import Floats

SUBJECT = (
    "subject", "subject_id", "observer", "observer_id", "participant", "participant_id",
    "rater", "rater_id", "worker", "worker_id", "annotator", "annotator_id", "viewer",
    "user", "user_id",
)  # fmt: skip
SCORE = ("score", "vote", "opinion", "opinion_score", "raw_score", "rating")
COLUMNS = {"subject": SUBJECT, "path": PATH, "score": SCORE, "dataset": SYNONYMS["dataset"]}
REQUIRED = ("subject", "path", "score")
MAX_GRADES = 11


@dataclass(frozen=True)
class _Votes:
    """All votes in file order (subject, path, score, dataset?, row from 1), and the rejections."""

    frame: pd.DataFrame
    rejections: RowRejections

    @property
    def usable(self) -> pd.DataFrame:
        return self.frame.drop(index=list(self.rejections.by_position))


def matches(preview: FilePreview) -> bool:
    """Whether the header or the first record names a subject, a medium and a vote."""
    return all(find_names(preview.names, COLUMNS[name]) for name in REQUIRED)


def read(path: Path, options: RatingOptions) -> LayoutTable:
    """One row per medium, in order of its first vote."""
    grid = read_grid(path)
    votes = _read_votes(grid, resolve_columns(grid, COLUMNS, options.column_names, REQUIRED))
    notes = list(grid.notes)
    kept = votes.usable
    if options.screen == "bt500" and len(kept):
        kept = _screen(kept, notes)
        _reject_orphans(votes, kept)
    frame = _by_medium(kept, notes)
    rejected = votes.rejections.rows(path.name, grid.records)
    return LayoutTable(frame, notes=notes, rejected=rejected)


def _read_votes(grid: Grid, columns: dict[str, str]) -> _Votes:
    """The votes as text and numbers; those without medium, subject or score are rejected."""
    raw = {name: column_cells(grid, column) for name, column in columns.items()}
    score = to_numbers(raw["score"])
    frame = pd.DataFrame({name: to_text(raw[name]).to_pandas() for name in raw if name != "score"})
    frame = frame.assign(path=tidy(to_text(raw["path"])).to_pandas(), score=score.values)
    frame["row"] = np.arange(1, len(frame) + 1)
    rejections = RowRejections()
    for name, reason in (("path", MISSING_PATH), ("subject", MISSING_SUBJECT)):
        blank = (frame[name].isna() | (frame[name] == "")).to_numpy(dtype=bool)
        rejections.reject(blank, reason, columns[name], None, f"the vote names no {name}")
    rejections.reject_numbers(score, columns["score"], raw["score"], required=True)
    return _Votes(frame, rejections)


def _screen(votes: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The votes of the observers that are kept; the excluded ones are noted."""
    parts = []
    for name, part in _by_dataset(votes):
        media, _ = pd.factorize(part["path"])
        codes, observers = pd.factorize(part["subject"])
        out = screen_observers(part["score"].to_numpy(), media, codes)
        names = ", ".join(str(observer) for observer in observers[out]) or "none"
        where = f" in {name}" if name else ""
        counts = f"excluded {int(out.sum())} of {len(out)} observers: {names}"
        notes.append(f"screened by ITU-R BT.500{where}: {counts}")
        parts.append(part[~out[codes]])
    return pd.concat(parts).sort_values("row", kind="stable")


def _reject_orphans(votes: _Votes, kept: pd.DataFrame) -> None:
    """Reject the first vote of each medium whose observers were all excluded."""
    keys = _keys(votes.frame)
    first = votes.usable.drop_duplicates(keys)
    rated = set(kept[keys].itertuples(index=False, name=None))
    orphan = [key not in rated for key in first[keys].itertuples(index=False, name=None)]
    message = "every observer of the medium was screened out"
    for at in first.index[orphan]:
        votes.rejections.by_position[int(at)] = Rejection(MISSING_SCORE, message)


def _keys(votes: pd.DataFrame) -> list[str]:
    return [name for name in ("dataset", "path") if name in votes]


def _by_dataset(votes: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    if "dataset" not in votes:
        return [("", votes)]
    groups = votes.groupby(votes["dataset"].fillna(""), sort=False)
    return [(str(name), part) for name, part in groups]


def _by_medium(votes: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """One row per medium, with the declared scale where votes are grades."""
    keys = _keys(votes)
    code = votes.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
    _, first = np.unique(code, return_index=True)
    score = votes["score"].to_numpy()
    count = np.bincount(code)
    mean = np.bincount(code, weights=score) / count
    squares = np.bincount(code, weights=(score - mean[code]) ** 2)
    deviation = np.full(len(count), np.nan)
    np.sqrt(np.divide(squares, count - 1, out=deviation, where=count > 1), out=deviation)
    frame = votes.iloc[first][[*keys, "row"]].rename(columns={"row": "source_row"})
    frame = frame.reset_index(drop=True).assign(mos=mean, mos_std=deviation, num_ratings=count)
    grades = _grades(score)
    if grades is None:
        return frame
    low, high = grades
    notes.append(f"votes are whole numbers: grades {low} to {high} are the scale")
    frame["votes"] = pd.Series(_count_votes(code, score, low, high).tolist(), dtype="object")
    return frame.assign(scale_low=float(low), scale_high=float(high))


def _count_votes(code: NDArray[np.integer[Any]], score: Floats, low: int, high: int) -> Floats:
    """How many votes each medium has of each grade: `[media, grades]`, worst grade first."""
    steps = high - low + 1
    place = code * steps + (score.astype(np.int64) - low)
    return np.bincount(place, minlength=(code.max() + 1) * steps).reshape(-1, steps).astype(float)


def _grades(score: Floats) -> tuple[int, int] | None:
    """Lowest and highest grade where the scores are few whole numbers."""
    if not len(score) or (score != score.round()).any():
        return None
    low, high = int(score.min()), int(score.max())
    if low >= 1 and high <= 5:
        return 1, 5
    return (low, high) if 0 < high - low < MAX_GRADES else None


LAYOUT = Layout("subject-votes", matches, read, uses=("columns", "screen"))
