"""Several label files as one table of `distortion` rows, beside the rows that were rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from qbuild.core.engine.stage import Output
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, Problems, QbuildError, UsageError, raise_all
from qbuild.core.schema import load_schema
from qbuild.labels.distortions.read_file import Piece, read_piece
from qbuild.labels.tables import rejections

if TYPE_CHECKING:
    from pathlib import Path

    from qbuild.labels.distortions.options import LabelOptions

Numbered = tuple[int, dict[str, Any]]  # the number of the file, and a row of it

_PLACE = ("source_file", "source_row")  # where a row was read is not what it says


def gathered(paths: list[Path], options: LabelOptions, limit: int | None) -> Output:
    """All files' rows, identical ones collapsed, those that disagree rejected.

    With a limit, the first usable rows, and the rejected ones that stand before the last of them.
    """
    pieces: list[Piece] = []
    problems: list[QbuildError] = []
    for path in paths:
        try:
            pieces.append(read_piece(path, options))
        except UsageError:
            raise
        except QbuildError as error:
            problems.extend(error.problems if isinstance(error, Problems) else [error])
    raise_all(problems)
    if not pieces:
        raise InputError("", "no label file was given", "expected at least one")
    _refuse_idle(pieces, options)
    return _merged(pieces, limit)


def _refuse_idle(pieces: list[Piece], options: LabelOptions) -> None:
    """Refuse a prefix that touched nothing: a misspelled one must not pass."""
    rows = sum(piece.count for piece in pieces)
    if options.strip_prefix and sum(piece.foreign for piece in pieces) >= rows:
        raise UsageError(
            "--strip-prefix",
            f"no path begins with {options.strip_prefix!r}",
            "expected the beginning of the paths as the file has them",
        )


def _merged(pieces: list[Piece], limit: int | None) -> Output:
    kept, conflicts, collapsed = _settled(pieces)
    rejected = [(number, row) for number, piece in enumerate(pieces) for row in piece.rejected]
    rejected = sorted(rejected + conflicts, key=lambda one: (one[0], one[1]["row"]))
    if limit is not None and limit <= len(kept):
        kept = kept[:limit]
        number, last = kept[-1]
        end = (number, last["source_row"])
        rejected = [one for one in rejected if (one[0], one[1]["row"]) < end]
    tally = Tally(collapsed=collapsed)
    tally.add_each("note", {note for piece in pieces for note in piece.notes})
    return Output(
        rows=pa.Table.from_pylist([row for _, row in kept], schema=_form("distortion")),
        rejected=pa.Table.from_pylist([row for _, row in rejected], schema=_form("rejected")),
        tally=tally,
    )


def _settled(pieces: list[Piece]) -> tuple[list[Numbered], list[Numbered], int]:
    """Rows that are the only ones of their medium, rows that conflict, how many collapsed."""
    rows = [(number, row) for number, piece in enumerate(pieces) for row in piece.rows]
    conflicts: list[Numbered] = []
    dropped, collapsed = set[int](), 0
    for places in _repeated([row["media_id"] for _, row in rows]):
        said = [_said(rows[at][1]) for at in places]
        unlike = next((at for at, one in zip(places, said, strict=True) if one != said[0]), None)
        if unlike is None:
            dropped.update(places[1:])
            collapsed += len(places) - 1
            continue
        dropped.update(places)
        for at, one in zip(places, said, strict=True):
            number, row = rows[at]
            other = rows[unlike if one == said[0] else places[0]][1]
            record = pieces[number].records([row["source_row"] - 1])[0]
            conflicts.append((number, _conflict(row, other, len(places) - 2, record)))
    return [one for at, one in enumerate(rows) if at not in dropped], conflicts, collapsed


def _form(schema: str) -> pa.Schema:
    return load_schema(schema).arrow


def _said(row: dict[str, Any]) -> str:
    return repr([value for name, value in row.items() if name not in _PLACE])


def _repeated(ids: list[str]) -> list[list[int]]:
    """The places of each id that stands more than once."""
    places: dict[str, list[int]] = {}
    for at, one in enumerate(ids):
        places.setdefault(one, []).append(at)
    return [found for found in places.values() if len(found) > 1]


def _conflict(
    row: dict[str, Any], other: dict[str, Any], more: int, record: object
) -> dict[str, Any]:
    """A row that disagrees with another of its medium, as a rejected row."""
    column = next(name for name, value in row.items() if other[name] != value)
    where = f"{other['source_file']} row {other['source_row']}"
    also = f"; {more} more rows are of this medium" if more else ""
    return {
        "source": row["source_file"],
        "row": row["source_row"],
        "reason": rejections.CONFLICT,
        "message": f"the same media has another {column} in {where}{also}; all are rejected",
        "column": column,
        "value": rejections.as_text(row[column]),
        "record": rejections.as_json(record),
    }
