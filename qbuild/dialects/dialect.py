"""What a dialect is: a pure function from an instruction row to a record, and back.

Refusal
├── Unwritable    a row that the dialect's record cannot hold
└── Unreadable    a record that says too little, or two things at once
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Record = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - names what it is, not an error of the program
    """One row or record left out: a reason to group by, and the words for its reader."""

    def __init__(
        self, reason: str, message: str, column: str | None = None, value: object = None
    ) -> None:
        self.reason, self.message, self.column, self.value = reason, message, column, value
        super().__init__(reason, message)

    def as_row(self, source: str, number: int, record: str) -> Row:
        """The row of schema `rejected`: `record` is the JSON of what was left out."""
        return {
            "source": source,
            "row": number,
            "reason": self.reason,
            "message": _storable(self.message),
            "column": self.column,
            "value": None if self.value is None else _storable(str(self.value)),
            "record": _storable(record),
        }


class Unwritable(Refusal):
    """A row that the dialect's record cannot hold."""


class Unreadable(Refusal):
    """A record that is no sample of the dialect."""


@dataclass(frozen=True)
class Defaults:
    """What a record made elsewhere does not say: its dataset's name and its task."""

    dataset: str
    task: str


@dataclass(frozen=True)
class Dialect:
    """An export form.

    `write` raises Unwritable, `read` raises Unreadable. `recognises` tells whether a record can
    only be of this dialect. `companions` gives the text of the files that stand beside the data,
    by name, for the names of the data files to train on.
    """

    name: str
    summary: str
    write: Callable[[Row], Record]
    read: Callable[[Record, Defaults], Row]
    recognises: Callable[[Record], bool]
    companions: Callable[[list[str]], dict[str, str]] = lambda _names: {}


def held_out(split: str | None) -> bool:
    """Whether a split is kept from training: test, validation and dev sets, however they go on."""
    return split is not None and split.lower().startswith(("test", "val", "dev"))


def _storable(text: str) -> str:
    """`text` with lone surrogates, which JSON can write and UTF-8 cannot, spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
