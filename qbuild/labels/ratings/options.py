"""What every stage that reads rating files is asked for, and the Outputs their rows arrive in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from qbuild.core.engine.stage import Options, Output
from qbuild.core.engine.tally import Tally
from qbuild.labels.tables.options import named_columns, refuse_given

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qbuild.labels.tables.layout import ReadOptions


class RatingOptions(Options):
    """How rating files are read."""

    layout: str = Field(default="auto", description="Layout of the rating files, or auto.")
    dataset: str = Field(
        default="", description="Name of the dataset; else the layout's own, else the file's stem."
    )
    direction: Literal["up", "down"] = Field(
        default="up", description="down: a greater score is worse (DMOS), so it is turned round."
    )
    columns: str = Field(default="", description="Columns of a table, as path=NAME,mos=NAME,…")
    strip_prefix: str = Field(default="", description="Taken off the front of every path.")
    add_prefix: str = Field(default="", description="Put in front of every path.")
    licence: tuple[str, ...] = Field(
        default=(), description="Licence of the ratings: [DATASET=]TEXT; repeatable."
    )
    source: tuple[str, ...] = Field(
        default=(), description="Where the ratings come from: [DATASET=]TEXT; repeatable."
    )
    screen: Literal["none", "bt500"] = Field(
        default="none", description="bt500: leave out observers by ITU-R BT.500 (raw votes)."
    )

    @field_validator("columns")
    @classmethod
    def _pairs(cls, text: str) -> str:
        named_columns(text, "mos")
        return text

    @field_validator("licence", "source")
    @classmethod
    def _said(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for text in given:
            if not all(part.strip() for part in (text.split("=", 1))):
                raise ValueError(f"expected TEXT or DATASET=TEXT; {text!r} is neither")
        _refuse_repeated([text.split("=", 1)[0] if "=" in text else "" for text in given])
        return given


def read_outputs(
    paths: list[Path], options: RatingOptions, limit: int | None = None
) -> Iterator[Output]:
    """The rows of all files, the rows rejected, and counts of what was read and collapsed.

    With a limit, the first usable rows, and the rejected ones that stand before the last of them.
    """
    from qbuild.labels.ratings.merge import gathered

    ratings = gathered(paths, options.layout, read_options(options), limit)
    tally = Tally(collapsed=ratings.collapsed)
    tally.add_each("note", set(ratings.notes))
    yield Output(rows=ratings.rows, rejected=ratings.rejected, tally=tally)


def read_options(options: RatingOptions) -> ReadOptions:
    """The options in the form that layouts take."""
    from qbuild.labels.tables.layout import ReadOptions

    return ReadOptions(
        dataset=options.dataset or None,
        direction=options.direction,
        strip_prefix=options.strip_prefix,
        add_prefix=options.add_prefix,
        columns=named_columns(options.columns, "mos"),
        licence=_by_dataset(options.licence),
        source=_by_dataset(options.source),
        screen=options.screen,
    )


def refuse_for_artifacts(options: RatingOptions, stage: str) -> None:
    """Raise a UsageError for options that only rating files obey, given with artifacts alone."""
    refuse_given(
        options,
        RatingOptions,
        "applies to rating files, and every input is an artifact",
        f"expected it at the command that read the files, not at {stage}",
        "Give it to `qbuild ingest-ratings`.",
    )


def _refuse_repeated(names: list[str]) -> None:
    again = sorted({name for name in names if names.count(name) > 1})
    if again:
        raise ValueError(f"expected each name once; {again[0] or 'every data set'!r} stands twice")


def _by_dataset(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        dataset, sign, value = text.partition("=")
        found[dataset if sign else ""] = value if sign else dataset
    return found
