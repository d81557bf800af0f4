"""The layouts of session logs, and the sessions of log files and folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from qbuild.core.errors import InputError, QbuildError, raise_all
from qbuild.core.rows.rejections import RejectedError, RejectedRow
from qbuild.labels.sessions.cells import unreadable
from qbuild.labels.sessions.folders import is_side_file, list_entries
from qbuild.labels.sessions.matlab.read import (
    format_names,
    is_mat,
    other_form,
    variable_names,
)
from qbuild.labels.sessions.options import SESSION_LAYOUTS, SessionOptions
from qbuild.labels.sessions.session import Session, SessionLayout, rejected_log
from qbuild.labels.tables.files import kind_of
from qbuild.labels.tables.json_records import read_records, read_utf8
from qbuild.labels.tables.options import load_layout
from qbuild.labels.tables.sniff import format_preview, sniff

Choose = Callable[[Path], SessionLayout | None]
Log = tuple[Path, SessionLayout | RejectedRow]

EXPECTED = f"expected logs of {', '.join(SESSION_LAYOUTS)}"
TODO = "Name the layout with --layout, or give only the logs."
DEFAULTS = SessionOptions()


def get_layout(name: str) -> SessionLayout:
    """The layout of that name; UsageError with similar names if unknown."""
    modules = {known: known.replace("-", "_") for known in SESSION_LAYOUTS}
    layout: SessionLayout = load_layout(name, modules, "qbuild.labels.sessions.formats")
    return layout


def find_layout(path: Path) -> SessionLayout | None:
    """The first layout that fits the file or folder as a whole."""
    if path.is_file() and not path.stat().st_size:
        return None
    layouts = map(get_layout, SESSION_LAYOUTS)
    return next((layout for layout in layouts if layout.matches(path)), None)


def recognise(path: Path) -> SessionLayout:
    """The first layout that fits the file or folder as a whole; InputError where none does."""
    with _input_errors(path):
        layout = find_layout(path)
        if layout is None:
            raise _unknown(path)
        return layout


def read_sessions(
    paths: Iterable[Path], options: SessionOptions = DEFAULTS
) -> Iterator[tuple[str | None, Session | RejectedRow]]:
    """The sessions of all logs, each with the dataset of its layout, if there is one.

    In a folder that fits no layout as a whole, every file is recognised by itself, in the order of
    names. Files that are neither logs nor known side files raise InputError before anything is
    read. A broken log is one rejected row. A session without a frame rate gets that of the options.
    """
    choose = _chooser(options.layout)
    for path in paths:
        with _input_errors(path):
            for log, reader in _find_logs(path, choose):
                if isinstance(reader, RejectedRow):
                    yield None, reader
                    continue
                for session in reader.read(log, options):
                    yield reader.dataset, _with_rate(session, options)


def _chooser(name: str) -> Choose:
    """A named layout reads every file, and the folders that fit it as a whole."""
    if name == "auto":
        return find_layout
    layout = get_layout(name)
    return lambda path: layout if path.is_file() or layout.matches(path) else None


def _with_rate(session: Session | RejectedRow, options: SessionOptions) -> Session | RejectedRow:
    if isinstance(session, Session) and session.fps is None and options.rate is not None:
        return replace(session, fps=options.rate)
    return session


@contextmanager
def _input_errors(path: Path) -> Iterator[None]:
    """InputError for a path that does not exist, and for errors of the file system."""
    try:
        if not path.exists():
            raise InputError(
                str(path), "no such file or folder", "expected session logs", "Check the path."
            )
        yield
    except OSError as error:
        raise InputError(
            str(error.filename or path),
            f"cannot be read: {error.strerror or error}",
            "expected session logs",
            "Check the path and its permissions.",
        ) from error


def _find_logs(path: Path, choose: Choose) -> list[Log]:
    """All logs of a path, each with its layout; InputError for every other file."""
    unknown: list[Path] = []
    logs = list(_walk(path, choose, unknown))
    raise_all(map(_unknown, unknown))
    if not logs:
        raise InputError(str(path), "the folder holds no log", EXPECTED, TODO)
    return logs


def _walk(path: Path, choose: Choose, unknown: list[Path]) -> Iterator[Log]:
    """Each log with its layout, or as a rejected row; all other files are added to `unknown`."""
    layout = choose(path)
    if layout is not None:
        yield path, layout
    elif path.is_file():
        try:
            _check_complete(path)
        except RejectedError as error:
            yield path, rejected_log(error, path.name)
        else:
            unknown.append(path)
    else:
        side_files = {n for name in SESSION_LAYOUTS for n in get_layout(name).side_files}
        for entry in list_entries(path):
            if entry.is_symlink() and entry.is_dir():
                unknown.append(entry)  # it may be a loop
            # a log may have the name of a side file
            elif not is_side_file(entry, side_files) or (
                choose is find_layout and find_layout(entry) is not None
            ):
                yield from _walk(entry, choose, unknown)


def _check_complete(path: Path) -> None:
    """RejectedError for a broken log: a .mat file, or an incomplete text file with its suffix."""
    if not path.stat().st_size:
        raise RejectedError("empty-log", "the file is empty")
    if is_mat(path):
        raise other_form(path, "the fields of a layout of .mat logs")
    with path.open("rb") as stream:
        kind = kind_of(path, stream.read(64))
    try:
        if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
            read_records(path)
        elif kind == "delimited" and path.suffix.lower() in (".csv", ".tsv"):
            read_utf8(path)
    except InputError as error:
        raise unreadable(error) from error


def _unknown(path: Path) -> InputError:
    """The error of a file or folder that no layout fits, with what it holds."""
    what = f"no known layout of session logs fits: {_format_content(path)}"
    return InputError(str(path), what, EXPECTED, TODO)


def _format_content(path: Path) -> str:
    if path.is_dir():
        names = ", ".join(repr(entry.name) for entry in list_entries(path)[:8])
        return f"the folder holds {names or 'nothing'}"
    try:
        if is_mat(path):
            return f"it holds {format_names(variable_names(path))}"
        return format_preview(sniff(path))
    except RejectedError as error:
        return error.message
    except QbuildError as error:
        return error.what
