"""Every error a user meets, as one tree; each class has one exit code.

QbuildError
├── InputError          1  an input that cannot be read or holds no usable row
├── TooManyRejected     1  more rows rejected than --max-reject-share allows
├── DiskError           1  no space, no permission, a file too large
├── StageError          1  a stage broke its own contract or failed on a row
├── UnforeseenError     1  a fault of qbuild itself, told without its traceback
├── UsageError          2  an option or a combination of options
├── SchemaError         3  a column or type missing or wrong, an artifact of another kind
├── PipelineError       4  a pipeline that is no graph
├── MissingPartError    5  a backend or an optional part that is not installed
└── Problems            the first member's; several of the above, found in one pass
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHOWN_AT_ONCE = 20


class QbuildError(Exception):
    """A failure worded for its reader: `<where>: <what>; <expected>. <todo>`."""

    code: ClassVar[str] = "error"
    exit_code: int = 1

    def __init__(self, where: str, what: str, expected: str = "", todo: str = "") -> None:
        self.where, self.what, self.expected, self.todo = where, what, expected, todo
        super().__init__(where, what, expected, todo)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.expected:
            text += f"; {self.expected}"
        return one_line(f"{text}. {self.todo}" if self.todo else text)

    def locate(self, inside: str) -> None:
        """Say in what larger thing the place of the error lies, such as a pipeline's step."""
        self.where = f"{inside}: {self.where}" if self.where else inside

    def as_dict(self) -> dict[str, str]:
        """The object that stands under `error` in `--json` output."""
        return {
            "code": self.code,
            "where": self.where,
            "what": self.what,
            "expected": self.expected,
            "todo": self.todo,
        }


class InputError(QbuildError):
    """An input that cannot be read, or that holds no usable row."""

    code = "input"


class TooManyRejectedError(QbuildError):
    """More rows were rejected than the run allows; the old artifact stays."""

    code = "rejected"


class DiskError(QbuildError):
    """The output could not be written: no space, no permission, a file too large."""

    code = "disk"


class StageError(QbuildError):
    """A stage failed on a row, or made a row that its own schema refuses."""

    code = "stage"


class InternalError(QbuildError):
    """An error that no part of qbuild has words for."""

    code = "unforeseen"


class UsageError(QbuildError):
    """An option, or a combination of options, that cannot be."""

    code = "usage"
    exit_code = 2


class SchemaError(QbuildError):
    """A column or type that is missing or wrong, or an artifact of another kind."""

    code = "schema"
    exit_code = 3


class PipelineError(QbuildError):
    """A pipeline file that describes no runnable graph."""

    code = "pipeline"
    exit_code = 4


class MissingPartError(QbuildError):
    """A backend or an optional part that is not installed."""

    code = "missing-part"
    exit_code = 5


class CombinedError(QbuildError):
    """Several problems of one input, found in one pass and told at once."""

    def __init__(self, problems: Sequence[QbuildError]) -> None:
        if not problems:
            raise ValueError("Problems needs at least one problem")
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.where, first.what, first.expected, first.todo)
        self.exit_code = first.exit_code

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again from its members, so that a worker process can hand it back."""
        return type(self), (self.problems,)

    def locate(self, inside: str) -> None:
        """Say it of every problem."""
        super().locate(inside)
        for problem in self.problems:
            problem.locate(inside)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:SHOWN_AT_ONCE]]
        if len(self.problems) > SHOWN_AT_ONCE:
            lines.append(f"… {len(self.problems)} problems in all")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str]:
        """The first problem, with the count of all in `what`."""
        first = self.problems[0].as_dict()
        if len(self.problems) > 1:
            first["what"] += f" (and {len(self.problems) - 1} more)"
        return first


def raise_all(problems: Iterable[QbuildError]) -> None:
    """Raise nothing, the one problem, or all of them as `Problems`."""
    found = list(problems)
    if len(found) == 1:
        raise found[0]
    if found:
        raise CombinedError(found)


def one_line(text: str) -> str:
    """The text with escapes for what is no plain sign: a line's end, a terminal's control code."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def shorten(text: str, room: int = 200) -> str:
    """The text, or its beginning where it is longer than `room` signs."""
    return text if len(text) <= room else f"{text[:room]}… ({len(text):,} signs)"


def describe_option_error(fault: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong with an option's value and what was expected, of what pydantic says."""
    said = str(fault["msg"]).removeprefix("Value error, ").replace("valid tuple", "list")
    said = re.sub("^Input should be ", "expected ", said)
    value = shorten(repr(fault["input"]))
    if said.startswith("expected "):
        return f"the value {value} cannot be used", said
    return f"{said} (given {value})", ""


def suggest(name: str, known: Iterable[str]) -> str:
    """A hint `Did you mean …?` with the nearest names, else the list of all names."""
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {', '.join(close)}?"
    return f"Known: {', '.join(names)}." if names else ""
