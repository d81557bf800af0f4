"""The annotations of a file, in one form for tables and exports: cells by canonical name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from qbuild.labels.depictions.names import ASPECTS
from qbuild.labels.tables.cells import is_null

ANONYMOUS = "(left out)"  # in a record, in place of the annotator's name


@dataclass(frozen=True)
class Entry:
    """One depiction with unchecked cells."""

    kind: Any
    text: Any
    question: Any = None
    aspect: Any = None
    aspect_level: Any = None
    column: str = "text"  # the column of the text


@dataclass(frozen=True)
class Annotation:
    """The entries of one person on one medium, and the cells `about` medium and person.

    `number` is the record's number in its file, from 1. `record` is what a rejected row keeps: only
    columns that are read, and never the annotator.
    """

    number: int
    about: Mapping[str, Any]
    entries: tuple[Entry, ...]
    record: Mapping[str, Any]


@dataclass
class FileAnnotations:
    """The annotations of a file, and counts of what was left out."""

    annotations: list[Annotation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    levels_without_text: int = 0
    unannotated_tasks: int = 0
    cancelled: int = 0

    def add(self, number: int, cells: Mapping[str, Any], entry: Entry | None = None) -> None:
        """Add the annotation of these cells: this entry, else those of the wide form."""
        entries = (entry,) if entry is not None else tuple(_wide_entries(cells))
        if entry is None:
            self.levels_without_text += _levels_without_text(cells)
        if not entries:
            entries = (Entry("overall", None, column="overall"),)
        record = {name: ANONYMOUS if name == "annotator" else cell for name, cell in cells.items()}
        self.annotations.append(Annotation(number, cells, entries, record))


def _wide_entries(cells: Mapping[str, Any]) -> Iterator[Entry]:
    """The depictions of cells in the wide form; a cell may hold several texts as a list."""
    for kind in ("overall", "in-context", "pathway"):
        for text in _texts(cells.get(kind)):
            yield Entry(kind, text, column=kind)
    questions, answers = _texts(cells.get("question")), _texts(cells.get("answer"))
    for question, answer in zip_longest(questions, answers):
        yield Entry("conversation", answer, question, column="answer")
    for aspect in ASPECTS:
        level = single(cells.get(f"{aspect} level"))
        for text in _texts(cells.get(aspect)):
            yield Entry("aspect", text, None, aspect, level, column=aspect)


def _levels_without_text(cells: Mapping[str, Any]) -> int:
    return sum(
        not is_empty(single(cells.get(f"{aspect} level"))) and not _texts(cells.get(aspect))
        for aspect in ASPECTS
    )


def single(cell: Any) -> Any:
    """The only value of a cell that may be a list, or the choice of a Label Studio field."""
    if isinstance(cell, dict) and isinstance(cell.get("choices"), list):
        cell = cell["choices"]
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


def _texts(cell: Any) -> list[Any]:
    cells = cell if isinstance(cell, list) else [cell]
    return [one for one in cells if not is_empty(one)]


def is_empty(cell: Any) -> bool:
    """Whether a cell holds None, NaN, or blanks."""
    return is_null(cell) or (isinstance(cell, str) and not cell.strip())
