"""The layouts of rating files: by name, and the one that fits a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.core.errors import InputError, QbuildError, SchemaError
from qbuild.labels.tables.json_records import refuse_broken
from qbuild.labels.tables.layout import Head, Layout
from qbuild.labels.tables.registry import layout_named
from qbuild.labels.tables.sniff import look, seen

if TYPE_CHECKING:
    from pathlib import Path

# name, module, summary; the first that fits a file reads it, so the general ones stand last
LAYOUTS: tuple[tuple[str, str, str], ...] = (
    ("comma", "comma", "headless lines `path, duration, fps, MOS` (LSVQ, KoNViD-1k, LIVE-VQC)"),
    ("koniq", "koniq", "KonIQ-10k: votes c1 to c5, their number, MOS, SD, set"),
    ("kadid", "kadid", "KADID-10k: ref_name, dist_name, dmos (higher is better), std"),
    ("spaq", "spaq", "SPAQ: Image name, MOS, attributes, scene, EXIF"),
    ("q-align", "q_align", "Q-Align and Q-SiT: JSON records with `id` = `name->score`"),
    ("vqa2", "vqa2", "VQA2 and Q-Bench: JSON records with a media path and `mos` or `gt_score`"),
    ("subject-votes", "subject_votes", "one row a vote: subject, media, score"),
    ("table", "named_columns", "CSV, TSV, JSON, JSONL, Parquet or Excel with named columns"),
)


def get_layout(name: str) -> Layout:
    """The layout of that name; UsageError with the near names where there is none."""
    layout: Layout = layout_named(name, LAYOUTS, "qbuild.labels.ratings")
    return layout


def recognise(path: Path) -> Layout:
    """The first layout that fits the file; InputError with what was seen where none does."""
    head = look(path)
    for name, _, _ in LAYOUTS:
        layout = get_layout(name)
        if layout.matches(head):
            return layout
    refuse_broken(head)
    raise _unknown(head)


def _unknown(head: Head) -> QbuildError:
    """SchemaError for a table whose columns are the fault; text may well be no table at all."""
    from qbuild.labels.tables.columns import MOS, PATH, nearest

    hint = nearest(head.header or list(head.record or ()), (*PATH, *MOS))
    is_table = head.record or (head.header and head.text is None) or hint
    kind = SchemaError if is_table else InputError
    todo = f"{hint} Name the layout with --layout, or the columns with --columns path=…,mos=…."
    return kind(
        str(head.path),
        f"no known layout fits: {seen(head)}",
        f"expected one of {', '.join(name for name, _, _ in LAYOUTS)}",
        todo.lstrip(),
    )
