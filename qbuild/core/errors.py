"""Every error that a user sees, as one tree; each class has one exit code.

QbuildError
├── InputError            1  an input that cannot be read or holds no usable row
├── TooManyRejectedError  1  more rows rejected than --max-reject-share allows
├── DiskError             1  no space, no permission, a file too large
├── StageError            1  a stage broke its own contract or failed on a row
├── InternalError         1  a bug in qbuild, reported without its traceback
├── UsageError            2  an option or a combination of options
├── SchemaError           3  a column or type missing or wrong, an artifact of another kind
├── PipelineError         4  a pipeline that is not a graph
├── MissingPartError      5  a backend or an optional part that is not installed
└── CombinedError         exit code of the first; several of the above, found in one pass
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

SHOWN_AT_ONCE = 20


class QbuildError(Exception):
    """A failure in four parts: `<where>: <what>; <expected>. <todo>`."""

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
        """Put what contains the place of the error, such as a pipeline's step, before it."""
        self.where = f"{inside}: {self.where}" if self.where else inside

    def as_dict(self) -> dict[str, str]:
        """The object under `error` in `--json` output."""
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
    """More rows were rejected than the run allows; the existing artifact is kept."""

    code = "rejected"


class DiskError(QbuildError):
    """The output could not be written: no space, no permission, a file too large."""

    code = "disk"


class StageError(QbuildError):
    """A stage failed on a row, or made a row that violates its own schema."""

    code = "stage"


class InternalError(QbuildError):
    """An exception that no part of qbuild handles: a bug."""

    code = "unforeseen"


class UsageError(QbuildError):
    """An invalid option or combination of options."""

    code = "usage"
    exit_code = 2


class SchemaError(QbuildError):
    """A column or type that is missing or wrong, or an artifact of another kind."""

    code = "schema"
    exit_code = 3


class PipelineError(QbuildError):
    """A pipeline file that does not describe a runnable graph."""

    code = "pipeline"
    exit_code = 4


class MissingPartError(QbuildError):
    """A backend or an optional part that is not installed."""

    code = "missing-part"
    exit_code = 5


class CombinedError(QbuildError):
    """Several problems of one input, found in one pass and reported together."""

    def __init__(self, problems: Sequence[QbuildError]) -> None:
        if not problems:
            raise ValueError("CombinedError needs at least one problem")
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.where, first.what, first.expected, first.todo)
        self.exit_code = first.exit_code

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its members, so that a worker process can return it."""
        return type(self), (self.problems,)

    def locate(self, inside: str) -> None:
        """Locate every problem."""
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
    """Raise nothing, the one problem, or all of them as a CombinedError."""
    collected = list(problems)
    if len(collected) == 1:
        raise collected[0]
    if collected:
        raise CombinedError(collected)


def one_line(text: str) -> str:
    """The text with escapes for unprintable characters: line ends, terminal control codes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shorten(text: str, limit: int = 200) -> str:
    """The text, or its beginning where it is longer than `limit` characters."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"


def describe_option_error(fault: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong with an option's value and what was expected, from an error of pydantic."""
    message = str(fault["msg"]).removeprefix("Value error, ").replace("valid tuple", "list")
    message = re.sub("^Input should be ", "expected ", message)
    value = shorten(repr(fault["input"]))
    if message.startswith("expected "):
        return f"the value {value} cannot be used", message
    return f"{message} (given {value})", ""


def suggest(name: str, known: Iterable[str]) -> str:
    """A hint `Did you mean …?` with the nearest names, else the list of all names."""
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {', '.join(close)}?"
    return f"Known: {', '.join(names)}." if names else ""
