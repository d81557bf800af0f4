"""What a command prints: one JSON object or plain text on stdout, errors on stderr."""

from __future__ import annotations

import errno
import json
import sys
from typing import Any

from qbuild.core.errors import QbuildError

_STDOUT = "stdout"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on stdout."""
    text = json.dumps(value, ensure_ascii=False)
    plain = text if _encodable(text) == text else json.dumps(value)
    sys.stdout.write(plain + "\n")


def say(text: str) -> None:
    """A line of plain text on stdout."""
    sys.stdout.write(_encodable(text) + "\n")


def warn(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(text + "\n")


def fail(error: Exception, arguments: list[str]) -> int:
    """Tell an error as `--json` or as text; its exit code. With `--debug` it is raised again."""
    if "--debug" in arguments:
        raise error
    if not isinstance(error, QbuildError):
        error = _from_system(error) if isinstance(error, OSError) else _unforeseen(error)
    if "--json" in arguments:
        print_json({"error": error.as_dict()})
    else:
        warn(f"error: {error}")
    return error.exit_code


def of_stdout(error: Exception) -> bool:
    """Whether stdout took no more: files tell their names, where writing to them fails."""
    return isinstance(error, OSError) and error.filename is None and error.errno in _FULL


def usage(error: Any, arguments: list[str]) -> int:
    """Tell what Typer refused, as `--json` or as its usual text; the exit code (2)."""
    message = error.format_message()
    if "--json" in arguments:
        from qbuild.core.errors import UsageError

        where = error.ctx.command_path if getattr(error, "ctx", None) else ""
        told = UsageError(where, message, todo=f"See `{where or 'qbuild'} --help`.")
        print_json({"error": told.as_dict()})
    elif message:  # without any argument the help was printed already
        error.show()
    return int(error.exit_code)


def _from_system(error: OSError) -> QbuildError:
    from qbuild.core.errors import DiskError

    if of_stdout(error):
        what = f"cannot be written: {error.strerror}"
        return DiskError(_STDOUT, what, "expected a place with room", "Write it elsewhere.")
    where = str(error.filename or "")
    return DiskError(
        where,
        error.strerror or str(error),
        "expected a path that can be read or written",
        "Check the path and its permissions.",
    )


def _unforeseen(error: Exception) -> QbuildError:
    from qbuild.core.errors import UnforeseenError, shortened

    if isinstance(error, MemoryError):
        return UnforeseenError(
            "qbuild", "out of memory", "", "Use fewer --batch-rows or --workers."
        )
    return UnforeseenError(
        "qbuild",
        shortened(f"an error that it did not foresee ({type(error).__name__}: {error})"),
        "expected none",
        "Run again with --debug for the traceback, and report it with the input.",
    )


def _encodable(text: str) -> str:
    """The text with escapes for what this stdout cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
