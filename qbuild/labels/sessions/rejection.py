"""Why a log or one of its sessions cannot be used, as an exception inside the layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.labels.sessions.session import Refused, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qbuild.core.errors import QbuildError


class Refusal(Exception):  # noqa: N818 - it becomes a `Refused`, no error of the run
    """A typed reason and its message; the reasons stand in docs/sessions.md."""

    def __init__(self, reason: str, message: str, record: dict[str, Any] | None = None) -> None:
        super().__init__(reason, message)
        self.reason, self.message, self.record = reason, message, record or {}

    def at(self, source_file: str, source_row: int = 1) -> Refused:
        """The same as a row for the rejected ones."""
        return Refused(source_file, source_row, self.reason, self.message, self.record)


def unreadable(error: QbuildError) -> Refusal:
    """The refusal for a file that a reader of ours cannot read; without the place of the file."""
    text = f"{error.what}; {error.expected}" if error.expected else error.what
    return Refusal("unreadable", text)


def one(build: Callable[[], Session], source_file: str) -> Iterator[Session | Refused]:
    """The one session of a log, or why there is none."""
    try:
        yield build()
    except Refusal as refusal:
        yield refusal.at(source_file)
