"""The layouts of session logs by name, and the one that fits a file or folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qbuild.core.errors import InputError, QbuildError
from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.sessions.folders import list_entries
from qbuild.labels.sessions.matlab.read import format_names, is_mat, variable_names
from qbuild.labels.sessions.session import SessionLayout
from qbuild.labels.tables.options import load_layout
from qbuild.labels.tables.sniff import format_preview, sniff

# layout → module; the first that fits a log reads it, so the general one comes last
SESSION_LAYOUTS = {
    "waterloo": "waterloo",
    "live-nflx-2": "live_nflx_2",
    "live-mobile-2": "live_mobile_2",
    "live-nflx-1": "live_nflx_1",
    "lfovia": "lfovia",
    "p1203": "p1203",
    "events": "events",
}
EXPECTED = f"expected logs of {', '.join(SESSION_LAYOUTS)}"
TODO = "Name the layout with --layout, or give only the logs."


def get_layout(name: str) -> SessionLayout:
    """The layout of that name; UsageError with similar names if unknown."""
    layout: SessionLayout = load_layout(name, SESSION_LAYOUTS, "qbuild.labels.sessions.formats")
    return layout


def all_layouts() -> Iterator[SessionLayout]:
    """Every layout, in the order of recognition."""
    return map(get_layout, SESSION_LAYOUTS)


def find_layout(path: Path) -> SessionLayout | None:
    """The first layout that fits the file or folder as a whole."""
    if path.is_file() and not path.stat().st_size:
        return None
    return next((layout for layout in all_layouts() if layout.matches(path)), None)


def unknown_log(path: Path) -> InputError:
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
