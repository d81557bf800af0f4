"""What a command prints: a report as JSON or text on stdout, warnings and errors on stderr."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from qbuild.core.errors import DiskError, InternalError, QbuildError, UsageError, shorten

R = TypeVar("R", bound="Mapping[str, Any]")
_STDOUT = "stdout"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}


def print_report(report: R, render: Callable[[R], str], as_json: bool) -> None:
    """The report as one JSON object, or as the text that `render` makes of it."""
    if as_json:
        print_json(report)
    else:
        print_text(render(report))


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    text = json.dumps(value, ensure_ascii=False)
    sys.stdout.write((text if _encodable(text) == text else json.dumps(value)) + "\n")


def print_text(text: str) -> None:
    """Lines of plain text on stdout."""
    sys.stdout.write(_encodable(text) + "\n")


def print_warnings(warnings: Iterable[str]) -> None:
    """A line per warning on stderr."""
    for warning in warnings:
        sys.stderr.write(f"warning: {warning}\n")


def fail(error: Exception, arguments: list[str]) -> int:
    """Print an error as JSON or text; its exit code. With `--debug` it is raised again."""
    if "--debug" in arguments:
        raise error
    if not isinstance(error, QbuildError):
        error = _from_system(error) if isinstance(error, OSError) else _unexpected(error)
    if "--json" in arguments:
        print_json({"error": error.as_dict()})
    else:
        sys.stderr.write(f"error: {error}\n")
    return error.exit_code


def of_stdout(error: Exception) -> bool:
    """Whether writing to stdout failed: errors of writing to a file name that file."""
    return isinstance(error, OSError) and error.filename is None and error.errno in _FULL


def usage(error: Any, arguments: list[str]) -> int:
    """Print an error of Typer as JSON or as its usual text; the exit code (2)."""
    message = error.format_message()
    if "--json" in arguments:
        where = error.ctx.command_path if getattr(error, "ctx", None) else ""
        usage_error = UsageError(where, message, todo=f"See `{where or 'qbuild'} --help`.")
        print_json({"error": usage_error.as_dict()})
    elif message:  # without any argument the help was printed already
        error.show()
    return int(error.exit_code)


def _from_system(error: OSError) -> QbuildError:
    if of_stdout(error):
        what = f"cannot be written: {error.strerror}"
        return DiskError(_STDOUT, what, "expected a disk with free space", "Write it elsewhere.")
    where = str(error.filename or "")
    return DiskError(
        where,
        error.strerror or str(error),
        "expected a path that can be read or written",
        "Check the path and its permissions.",
    )


def _unexpected(error: Exception) -> QbuildError:
    if isinstance(error, MemoryError):
        return InternalError("qbuild", "out of memory", "", "Use fewer --batch-rows or --workers.")
    return InternalError(
        "qbuild",
        shorten(f"unexpected error ({type(error).__name__}: {error})"),
        "expected none",
        "Run again with --debug for the traceback, and report it with the input.",
    )


def _encodable(text: str) -> str:
    """The text with escapes for what the encoding of stdout lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
