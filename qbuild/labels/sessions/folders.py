"""Folders of logs: what lies in one, and layouts that read a log a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.labels.sessions.session import SessionLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from qbuild.labels.sessions.session import Refused, Session, SessionOptions

_PAPERS = ("readme", "license", "licence", "copying", "changelog")
_PAPER_ENDINGS = ("", ".txt", ".md", ".pdf")
_NOISE = ("__macosx", "thumbs.db", "desktop.ini")


def entries(folder: Path) -> list[Path]:
    """What lies in the folder, by name; hidden files and other systems' leavings are left out."""
    found = sorted(folder.iterdir(), key=lambda path: path.name)
    return [p for p in found if not p.name.startswith(".") and p.name.lower() not in _NOISE]


def is_paper(path: Path) -> bool:
    """Whether a file is a readme, a licence or a list of changes by its name."""
    return path.stem.lower() in _PAPERS and path.suffix.lower() in _PAPER_ENDINGS


def one_a_file(
    name: str,
    summary: str,
    is_log: Callable[[Path], bool],
    read_log: Callable[[Path, SessionOptions], Iterator[Session | Refused]],
    beside: tuple[str, ...] = (),
    dataset: str | None = None,
) -> SessionLayout:
    """A layout whose logs are files, each for itself; `beside` names files that go with them.

    A folder fits when every file in it is a log, lies beside the logs, or is a readme, and it
    holds no other folder.
    """

    def matches(path: Path) -> bool:
        if not path.is_dir():
            return is_log(path)
        files = [file for file in entries(path) if not _goes_along(file, beside)]
        return bool(files) and all(file.is_file() and is_log(file) for file in files)

    def read(path: Path, options: SessionOptions) -> Iterator[Session | Refused]:
        if not path.is_dir():
            yield from read_log(path, options)
            return
        for file in entries(path):
            if file.is_file() and not _goes_along(file, beside):
                yield from read_log(file, options)

    return SessionLayout(name, summary, matches, read, dataset)


def _goes_along(path: Path, beside: tuple[str, ...]) -> bool:
    return path.is_file() and (path.name in beside or is_paper(path))
