"""What a dialect is: a pure function from an instruction row to a record, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Record = dict[str, Any]


@dataclass(frozen=True)
class Defaults:
    """What a record made elsewhere does not state: its dataset's name and its task."""

    dataset: str
    task: str


@dataclass(frozen=True)
class Dialect:
    """An export form.

    `write` raises RejectedError for a row that a record cannot hold, `read` for a record that is
    incomplete or ambiguous. `recognises` returns whether a record can only be of this dialect.
    `companions` gives the text of the files next to the data, by name, for the names of the data
    files to train on.
    """

    name: str
    write: Callable[[Row], Record]
    read: Callable[[Record, Defaults], Row]
    recognises: Callable[[Record], bool]
    companions: Callable[[list[str]], dict[str, str]] = lambda _names: {}
