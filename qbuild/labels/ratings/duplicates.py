"""Rows that stand more than once: the same ones collapse, unlike ones conflict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qbuild.labels.tables.rejections import CONFLICT, as_text

if TYPE_CHECKING:
    import pandas as pd

VALUES = (
    "mos", "mos_std", "num_ratings", "votes", "scale_low", "scale_high",
    "split", "licence", "source",
)  # fmt: skip
PLACES_NAMED = 5


@dataclass(frozen=True)
class Settled:
    """Rows each of which is the only one of its media id; how many equal ones went into them."""

    rows: pd.DataFrame
    collapsed: int
    conflicting: pd.DataFrame  # with reason, message, column, value


def settle(rows: pd.DataFrame) -> Settled:
    """The rows without repetition, the first of equal ones kept, conflicting ones apart."""
    import pandas as pd

    again = rows["media_id"].duplicated(keep=False)
    if not again.any():
        return Settled(rows, 0, _explained(rows.iloc[:0]))
    part = rows[again]
    votes = part["votes"].map(lambda v: None if v is None else tuple(v))
    keys = pd.concat([part["media_id"], part[list(VALUES)].assign(votes=votes)], axis=1)
    first = ~keys.duplicated()
    unlike = keys[first]["media_id"].duplicated(keep=False)
    at_odds = part["media_id"].isin(keys[first]["media_id"][unlike])
    repeated = part.index[~first & ~at_odds]
    conflicting = part[at_odds]
    return Settled(
        rows.drop(index=repeated.union(conflicting.index)),
        len(repeated),
        _explained(conflicting),
    )


def _explained(rows: pd.DataFrame) -> pd.DataFrame:
    """The conflicting rows, each with the column at odds and the places of the others."""
    column = _at_odds(rows)
    places: dict[str, list[str]] = {}
    at = [f"{f} row {r}" for f, r in zip(rows["source_file"], rows["source_row"], strict=True)]
    for media_id, place in zip(rows["media_id"], at, strict=True):
        places.setdefault(media_id, []).append(place)
    return rows.assign(
        reason=CONFLICT,
        column=column,
        value=_cells(rows, column),
        message=[
            _worded(name, place, places[media_id])
            for name, place, media_id in zip(column, at, rows["media_id"], strict=True)
        ],
    )


def _at_odds(rows: pd.DataFrame) -> pd.Series[str]:
    """For each row the first column in which the rows of its media id differ."""
    import pandas as pd

    column = pd.Series(None, index=rows.index, dtype="str")
    for name in VALUES:
        cells = rows[name].map(str) if name == "votes" else rows[name]
        kinds = cells.groupby(rows["media_id"], sort=False).transform("nunique", dropna=False)
        column = column.mask(column.isna() & (kinds > 1), name)
    return column


def _cells(rows: pd.DataFrame, column: pd.Series[str]) -> pd.Series[str]:
    """The text of each row's cell in its column."""
    import pandas as pd

    value = pd.Series(None, index=rows.index, dtype="object")
    for name in column.unique():
        part = rows.loc[column == name, name]
        value[part.index] = [as_text(cell) for cell in part]
    return value.astype("str")


def _worded(column: str, own: str, places: list[str]) -> str:
    """Where the other rows stand; a few are named, however many there are."""
    named = places[: PLACES_NAMED + 1]
    named = [place for place in named if place != own][:PLACES_NAMED]
    more = len(places) - 1 - len(named)
    also = f" and {more} more" if more > 0 else ""
    return f"the same media has another {column} in {', '.join(named) or own}{also}"
