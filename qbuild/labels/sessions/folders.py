"""Folders of logs: the files in one, and layouts that read one log per file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.sessions.options import SessionOptions
from qbuild.labels.sessions.session import ReadLog, Session, SessionLayout

_DOCUMENTS = ("readme", "license", "licence", "copying", "changelog")
_DOCUMENT_SUFFIXES = ("", ".txt", ".md", ".pdf")
_SYSTEM_FILES = ("__macosx", "thumbs.db", "desktop.ini")


def list_entries(folder: Path) -> list[Path]:
    """The entries of the folder by name, without hidden files and files of operating systems."""
    names = sorted(folder.iterdir(), key=lambda path: path.name)
    return [p for p in names if not p.name.startswith(".") and p.name.lower() not in _SYSTEM_FILES]


def is_side_file(path: Path, side_files: Collection[str]) -> bool:
    """Whether a file has one of these names, or that of a readme, a licence or a changelog."""
    document = path.stem.lower() in _DOCUMENTS and path.suffix.lower() in _DOCUMENT_SUFFIXES
    return (document or path.name in side_files) and path.is_file()


def file_layout(
    name: str,
    is_log: Callable[[Path], bool],
    read_log: ReadLog,
    side_files: tuple[str, ...] = (),
    dataset: str | None = None,
) -> SessionLayout:
    """A layout with one log per file.

    A folder fits where every file in it is a log or a side file and it holds no other folder.
    """

    def matches(path: Path) -> bool:
        if not path.is_dir():
            return is_log(path)
        files = [file for file in list_entries(path) if not is_side_file(file, side_files)]
        return bool(files) and all(file.is_file() and is_log(file) for file in files)

    def read(path: Path, options: SessionOptions) -> Iterator[Session | RejectedRow]:
        if not path.is_dir():
            yield from read_log(path, options)
            return
        for file in list_entries(path):
            if file.is_file() and not is_side_file(file, side_files):
                yield from read_log(file, options)

    return SessionLayout(name, matches, read, dataset, side_files)
