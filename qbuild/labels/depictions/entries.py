"""Depictions as a file has them, one form for tables and exports: cells by canonical name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qbuild.labels.depictions.names import ASPECTS, TEXTS

NAMELESS = "(left out)"  # what a record says in place of an annotator's name


@dataclass(frozen=True)
class Entry:
    """One depiction, unchecked: what was asked for, and what was written."""

    kind: Any
    text: Any
    question: Any = None
    aspect: Any = None
    aspect_level: Any = None
    column: str = "text"  # where the text stood


@dataclass(frozen=True)
class Annotation:
    """What one person gave on one medium: its entries, and the cells `about` medium and person.

    `number` is the record's place in its file, from 1. `record` is what a rejected row keeps: only
    columns that are read, and never the annotator.
    """

    number: int
    about: Mapping[str, Any]
    entries: tuple[Entry, ...]
    record: Mapping[str, Any]


@dataclass
class Found:
    """A file's annotations, and what was left out of it."""

    annotations: list[Annotation]
    notes: list[str] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)


def annotation(number: int, cells: Mapping[str, Any], entries: tuple[Entry, ...]) -> Annotation:
    """An annotation of these cells; its record names nobody."""
    record = {name: NAMELESS if name == "annotator" else cell for name, cell in cells.items()}
    return Annotation(number, cells, entries, record)


def wide_entries(cells: Mapping[str, Any]) -> Iterator[Entry]:
    """The depictions of cells in the wide form; a cell may hold several texts as a list."""
    for kind in ("overall", "in-context", "pathway"):
        for text in _texts(cells.get(kind)):
            yield Entry(kind, text, column=kind)
    yield from _conversations(cells)
    for aspect in ASPECTS:
        level = single(cells.get(f"{aspect} level"))
        for text in _texts(cells.get(aspect)):
            yield Entry("aspect", text, None, aspect, level, column=aspect)


def levels_alone(cells: Mapping[str, Any]) -> int:
    """How many aspects have a level and no text."""
    return sum(
        not is_empty(single(cells.get(f"{aspect} level"))) and not _texts(cells.get(aspect))
        for aspect in ASPECTS
    )


def says_anything(cells: Mapping[str, Any]) -> bool:
    """Whether a text of any kind is among the cells."""
    return any(_texts(cells.get(name)) for name in TEXTS)


def _conversations(cells: Mapping[str, Any]) -> Iterator[Entry]:
    questions, answers = _texts(cells.get("question")), _texts(cells.get("answer"))
    for at in range(max(len(questions), len(answers))):
        question = questions[at] if at < len(questions) else None
        answer = answers[at] if at < len(answers) else None
        yield Entry("conversation", answer, question, column="answer")


def single(cell: Any) -> Any:
    """The one value of a cell that may be a list, or the choice of a Label Studio field."""
    if isinstance(cell, dict) and isinstance(cell.get("choices"), list):
        cell = cell["choices"]
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


def _texts(cell: Any) -> list[Any]:
    cells = cell if isinstance(cell, list) else [cell]
    return [one for one in cells if not is_empty(one)]


def is_empty(cell: Any) -> bool:
    """Whether a cell holds nothing: none, NaN, or blanks."""
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN is the float unlike itself
        return True
    return isinstance(cell, str) and not cell.strip()
