"""Raw votes in long form: one row a vote, with columns for subject, media and score.

A medium's row holds the mean of its votes, their sample deviation (n - 1), their number and,
where all scores are whole numbers of few grades, the count of votes of each grade, worst first.
Grades are 1 to 5 where all votes lie there (the five-grade scale of ITU-R BT.500), else the
lowest to the highest seen, at most 11; they are then also the declared scale. A subject's second
vote for a medium counts as a repetition. Observers are screened, a dataset at a time, with
`screen=bt500`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.labels.tables import rejections
from qbuild.labels.tables.columns import PATH, SYNONYMS, cells, known, resolve
from qbuild.labels.tables.layout import Head, Layout, LayoutTable, ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from qbuild.labels.tables.table import Grid

SUBJECT = (
    "subject", "subject_id", "observer", "observer_id", "participant", "participant_id",
    "rater", "rater_id", "worker", "worker_id", "annotator", "annotator_id", "viewer",
    "user", "user_id",
)  # fmt: skip
SCORE = ("score", "vote", "opinion", "opinion_score", "raw_score", "rating")
COLUMNS = {"subject": SUBJECT, "path": PATH, "score": SCORE, "dataset": SYNONYMS["dataset"]}
MOST_GRADES = 11


@dataclass(frozen=True)
class _Votes:
    """All votes in file order: subject, path, score, dataset?, row (1-based), and the bad ones."""

    frame: pd.DataFrame
    bad: rejections.Refusals

    @property
    def usable(self) -> pd.DataFrame:
        return self.frame.drop(index=list(self.bad.found))


def matches(head: Head) -> bool:
    """Whether a subject, a medium and a vote stand in the header or the first record."""
    names = head.header or list(head.record or ())
    return all(known(names, COLUMNS[name]) for name in ("subject", "path", "score"))


def read(path: Path, options: ReadOptions) -> LayoutTable:
    """One row a medium, in order of its first vote."""
    from qbuild.labels.tables.table import read_grid

    grid = read_grid(path)
    found = resolve(grid, COLUMNS, options.columns, required=("subject", "path", "score"))
    votes = _checked(grid, found)
    notes = list(grid.notes)
    kept = votes.usable
    if options.screen == "bt500" and len(kept):
        kept, said = _screened(votes.usable)
        notes += said
        _refuse_orphans(votes, kept)
    frame, said = _by_medium(kept)
    rejected = votes.bad.frame(votes.frame["row"].to_numpy(), grid.records)
    return LayoutTable(frame, notes=notes + said, rejected=rejected)


def _checked(grid: Grid, found: dict[str, str]) -> _Votes:
    """The votes as text and numbers; those without medium, subject or score are refused."""
    import numpy as np
    import pandas as pd

    from qbuild.labels.tables.cells import numbers, texts
    from qbuild.labels.tables.media_paths import tidy

    raw = {name: cells(grid, column) for name, column in found.items()}
    score = numbers(raw["score"])
    frame = pd.DataFrame({name: texts(raw[name]).to_pandas() for name in raw if name != "score"})
    frame = frame.assign(path=tidy(texts(raw["path"])).to_pandas(), score=score.values)
    frame["row"] = np.arange(1, len(frame) + 1)
    bad = rejections.Refusals()
    for name, reason in (
        ("path", rejections.MISSING_PATH),
        ("subject", rejections.MISSING_SUBJECT),
    ):
        blank = (frame[name].isna() | (frame[name] == "")).to_numpy(dtype=bool)
        bad.refuse(blank, reason, found[name], None, f"the vote names no {name}")
    bad.refuse_numbers(score, found["score"], raw["score"], required=True)
    return _Votes(frame, bad)


def _screened(votes: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The votes of the observers that stay, and notes on those that do not."""
    import pandas as pd

    from qbuild.labels.ratings.screening import screened

    parts, notes = [], []
    for name, part in _datasets(votes):
        media, _ = pd.factorize(part["path"])
        codes, observers = pd.factorize(part["subject"])
        out = screened(part["score"].to_numpy(), media, codes)
        left_out = ", ".join(str(observer) for observer in observers[out]) or "nobody"
        where = f" in {name}" if name else ""
        notes.append(
            f"screened by ITU-R BT.500{where}: {int(out.sum())} of {len(out)} observers: {left_out}"
        )
        parts.append(part[~out[codes]])
    return pd.concat(parts).sort_values("row", kind="stable"), notes


def _refuse_orphans(votes: _Votes, kept: pd.DataFrame) -> None:
    """Refuse the first vote of each medium whose every observer was left out."""
    keys = _keys(votes.frame)
    first = votes.usable.drop_duplicates(keys)
    left = set(kept[keys].itertuples(index=False, name=None))
    lost = [key not in left for key in first[keys].itertuples(index=False, name=None)]
    words = "every observer of the medium was screened out"
    for at in first.index[lost]:
        votes.bad.found[int(at)] = rejections.Refusal(rejections.MISSING_SCORE, words)


def _keys(votes: pd.DataFrame) -> list[str]:
    return [name for name in ("dataset", "path") if name in votes]


def _datasets(votes: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    if "dataset" not in votes:
        return [("", votes)]
    groups = votes.groupby(votes["dataset"].fillna(""), sort=False)
    return [(str(name), part) for name, part in groups]


def _by_medium(votes: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    import numpy as np
    import pandas as pd

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
        return frame, []
    low, high = grades
    frame["votes"] = pd.Series(_counts(code, score, low, high).tolist(), dtype="object")
    note = f"votes are whole numbers: grades {low} to {high} are the scale"
    return frame.assign(scale_low=float(low), scale_high=float(high)), [note]


def _counts(
    code: NDArray[np.integer[Any]], score: NDArray[np.float64], low: int, high: int
) -> NDArray[np.float64]:
    """How many votes each medium has of each grade: `[media, grades]`, worst grade first."""
    import numpy as np

    steps = high - low + 1
    place = code * steps + (score.astype(np.int64) - low)
    return np.bincount(place, minlength=(code.max() + 1) * steps).reshape(-1, steps).astype(float)


def _grades(score: NDArray[np.float64]) -> tuple[int, int] | None:
    """Lowest and highest grade where the scores are few whole numbers."""
    if not len(score) or (score != score.round()).any():
        return None
    low, high = int(score.min()), int(score.max())
    if low >= 1 and high <= 5:
        return 1, 5
    return (low, high) if 0 < high - low < MOST_GRADES else None


LAYOUT = Layout(
    "subject-votes",
    "one row a vote: subject, media, score",
    matches,
    read,
    heeds=("columns", "screen"),
)
