"""The layouts of rating files by name, and the one that fits a file."""

from __future__ import annotations

from pathlib import Path

from qbuild.core.errors import InputError, QbuildError, SchemaError
from qbuild.labels.ratings.layout import Layout
from qbuild.labels.ratings.options import LAYOUTS
from qbuild.labels.tables.columns import MOS, PATH, suggest_columns
from qbuild.labels.tables.options import load_layout
from qbuild.labels.tables.sniff import FilePreview, format_preview, raise_if_broken, sniff


def get_layout(name: str) -> Layout:
    """The layout of that name; UsageError with similar names if unknown."""
    layout: Layout = load_layout(name, LAYOUTS, "qbuild.labels.ratings")
    return layout


def recognise(path: Path) -> Layout:
    """The first layout that fits the file; InputError or SchemaError where none does."""
    preview = sniff(path)
    for name in LAYOUTS:
        layout = get_layout(name)
        if layout.matches(preview):
            return layout
    raise_if_broken(preview)
    raise _unknown(preview)


def _unknown(preview: FilePreview) -> QbuildError:
    """SchemaError for a table with other columns; InputError for text that may be no table."""
    hint = suggest_columns(preview.names, (*PATH, *MOS))
    is_table = preview.record or (preview.header and preview.text is None) or hint
    error = SchemaError if is_table else InputError
    todo = f"{hint} Name the layout with --layout, or the columns with --columns path=…,mos=…."
    return error(
        str(preview.path),
        f"no known layout fits: {format_preview(preview)}",
        f"expected one of {', '.join(LAYOUTS)}",
        todo.lstrip(),
    )
