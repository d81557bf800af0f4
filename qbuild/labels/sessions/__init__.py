"""Session logs in, one form out: a file a published layout of streaming logs.

    session.py    what a log says, what a layout is     folders.py       what lies in a folder
    rejection.py  why a log cannot be used              rates.py         frame rates as fractions
    matlab/       MATLAB files, and are they whole      second_flags.py  flags a second as stalls
    cells.py      text tables                           validate.py      sessions across their parts
    read.py       sessions as `stall` rows              formats/         the layouts

A file of `formats` is one layout, with its `LAYOUT` at the foot and, where other files go with its
logs, their names in `BESIDE`. Nothing here imports numpy, scipy or pandas before a log is read.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from qbuild.core.errors import InputError, QbuildError, raise_all
from qbuild.labels.sessions.folders import entries, is_paper
from qbuild.labels.sessions.matlab import read as matfile
from qbuild.labels.sessions.rejection import Refusal, unreadable
from qbuild.labels.sessions.session import Refused, Session, SessionLayout, SessionOptions
from qbuild.labels.tables.files import kind_of
from qbuild.labels.tables.json_records import read_bytes, read_records
from qbuild.labels.tables.registry import layout_named
from qbuild.labels.tables.sniff import look, seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = [
    "DEFAULTS",
    "SESSION_LAYOUTS",
    "Refused",
    "Session",
    "SessionLayout",
    "SessionOptions",
    "get_layout",
    "read_sessions",
    "recognise",
]

# name, module, summary; the first that fits reads it, so the general one stands last
SESSION_LAYOUTS: tuple[tuple[str, str, str], ...] = (
    ("waterloo", "waterloo", "Waterloo SQoE I to IV: data.csv and a log a session, a row a chunk"),
    ("live-nflx-2", "live_nflx_2", "LIVE-NFLX-II: a .mat a session, 0/1 a frame"),
    ("live-mobile-2", "live_mobile_2", "LIVE Mobile Stall II: waveforms of 0/100, lists of stalls"),
    ("live-nflx-1", "live_nflx_1", "LIVE-NFLX-I: a .mat a video, stalled frames counted from 1"),
    ("lfovia", "lfovia", "LFOVIA QoE: a .mat a video, 0/1 a second or places of stalls"),
    ("p1203", "p1203", "ITU-T P.1203 inputs: JSON with I23.stalling, mos.csv beside"),
    ("events", "events", "CSV or JSONL, a row a stall: media, start_s, duration_s"),
)

DEFAULTS = SessionOptions()


def get_layout(name: str) -> SessionLayout:
    """The layout of that name; UsageError with the near names where there is none."""
    what = "layout of session logs"
    layout: SessionLayout = layout_named(name, SESSION_LAYOUTS, f"{__name__}.formats", what)
    return layout


def recognise(path: Path) -> SessionLayout:
    """The first layout that fits the file or folder as a whole; InputError where none does."""
    with _reading(path):
        layout = _fitting(path)
        if layout is None:
            raise _unknown(path)
        return layout


def read_sessions(
    paths: Iterable[Path], layout: str = "auto", options: SessionOptions = DEFAULTS
) -> Iterator[tuple[str | None, Session | Refused]]:
    """The sessions of all logs, each with the name of its data set, if the layout has one.

    A folder that fits no layout as a whole is walked: every file in it, by name, for itself. Files
    that are no logs raise InputError before anything is read, unless they are known to lie beside
    logs. A broken log is one `Refused`. A session without a frame rate takes that of the options.
    """
    choose = _fitting if layout == "auto" else _always(get_layout(layout))
    for path in paths:
        with _reading(path):
            for log, reader in _found(path, choose):
                if isinstance(reader, Refused):
                    yield None, reader
                    continue
                for session in reader.read(log, options):
                    yield reader.dataset, _with_rate(session, options)


_TODO = "Name the layout with --layout, or give the logs alone."


def _with_rate(session: Session | Refused, options: SessionOptions) -> Session | Refused:
    if isinstance(session, Session) and session.fps is None and options.fps is not None:
        return replace(session, fps=options.fps)
    return session


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Words what the system says of a file; InputError where the path is none."""
    try:
        if not path.exists():
            raise InputError(
                str(path),
                "there is no such file or folder",
                "expected session logs",
                "Check the path.",
            )
        yield
    except OSError as error:
        raise InputError(
            str(error.filename or path),
            f"cannot be read: {error.strerror or error}",
            "expected session logs",
            "Check the path and its permissions.",
        ) from error


def _fitting(path: Path) -> SessionLayout | None:
    """The first layout that fits the file or folder as a whole."""
    if path.is_file() and not path.stat().st_size:
        return None
    layouts = (get_layout(name) for name, _, _ in SESSION_LAYOUTS)
    return next((layout for layout in layouts if layout.matches(path)), None)


def _always(layout: SessionLayout) -> Callable[[Path], SessionLayout | None]:
    """The named layout for every file, and for the folders that fit it as a whole."""
    return lambda path: layout if path.is_file() or layout.matches(path) else None


def _found(
    path: Path, choose: Callable[[Path], SessionLayout | None]
) -> list[tuple[Path, SessionLayout | Refused]]:
    """All logs of a path, each with its reader; InputError for whatever else lies there."""
    strangers: list[Path] = []
    found = list(_logs(path, choose, strangers))
    raise_all(_unknown(stranger) for stranger in strangers)
    if not found:
        raise InputError(
            str(path), "the folder holds no log", f"expected logs of {_known()}", _TODO
        )
    return found


def _logs(
    path: Path, choose: Callable[[Path], SessionLayout | None], strangers: list[Path]
) -> Iterator[tuple[Path, SessionLayout | Refused]]:
    """Each log with its reader, or why it has none; files that are no logs become strangers."""
    layout = choose(path)
    if layout is not None:
        yield path, layout
    elif path.is_file():
        broken = _broken(path)
        if broken is None:
            strangers.append(path)
        else:
            yield path, broken
    else:
        beside = _beside()
        for entry in entries(path):
            if entry.is_symlink() and entry.is_dir():
                strangers.append(entry)  # it may lead back here
            elif not _goes_along(entry, beside, choose):
                yield from _logs(entry, choose, strangers)


def _goes_along(
    path: Path, beside: frozenset[str], choose: Callable[[Path], SessionLayout | None]
) -> bool:
    """Whether a file is known to lie beside logs; under such a name a log of its own is read."""
    if not path.is_file():
        return False
    named = path.name in beside or is_paper(path)
    return named and (choose is not _fitting or _fitting(path) is None)


def _beside() -> frozenset[str]:
    names: set[str] = set()
    for _, module, _ in SESSION_LAYOUTS:
        names.update(
            getattr(import_module(f"qbuild.labels.sessions.formats.{module}"), "BESIDE", ())
        )
    return frozenset(names)


def _broken(path: Path) -> Refused | None:
    """Why a file that fits no layout is no log; None where it is whole, and something else."""
    try:
        if not path.stat().st_size:
            return Refusal("empty-log", "the file is empty").at(path.name)
        if matfile.is_mat(path):
            return matfile.another_form(path, "the fields of a layout of .mat logs").at(path.name)
        _refuse_cut(path)
    except Refusal as refusal:
        return refusal.at(path.name)
    return None


def _refuse_cut(path: Path) -> None:
    """Raise where a text file of a log's ending cannot be read to its end."""
    with path.open("rb") as stream:
        kind = kind_of(path, stream.read(64))
    try:
        if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
            read_records(path)
        elif kind == "delimited" and path.suffix.lower() in (".csv", ".tsv"):
            read_bytes(path)
    except InputError as error:
        raise unreadable(error) from error


def _known() -> str:
    return ", ".join(name for name, _, _ in SESSION_LAYOUTS)


def _unknown(path: Path) -> InputError:
    return InputError(
        str(path),
        f"no known layout of session logs fits: {_seen_in(path)}",
        f"expected {_known()}",
        _TODO,
    )


def _seen_in(path: Path) -> str:
    if path.is_dir():
        shown = ", ".join(repr(entry.name) for entry in entries(path)[:8])
        return f"the folder holds {shown or 'nothing'}"
    try:
        return (
            f"it holds {matfile.seen(matfile.names_in(path))}"
            if matfile.is_mat(path)
            else seen(look(path))
        )
    except Refusal as refusal:
        return refusal.message
    except QbuildError as error:
        return error.what
