"""Rows of the schema `distortion` built in code."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from qbuild.core.schema import load_schema

Row = dict[str, Any]


def row(path: str = "a.jpg", *names: str, severity: int | None = 3, **given: Any) -> Row:
    """A medium with these distortions, all of one severity; all distortions are judged."""
    return {
        "media_id": f"d:{path}",
        "dataset": "d",
        "path": path,
        "split": None,
        "licence": None,
        "source": None,
        "kind": "video" if path.endswith("mp4") else "image",
        "sha256": None,
        "source_media_id": None,
        "distortions": [{"name": name, "severity": severity} for name in names],
        "others": [],
        "judged": None,
        "source_file": "made.csv",
        "source_row": 1,
        **given,
    }


def table(rows: list[Row]) -> pa.Table:
    """The rows in the form of the schema."""
    return pa.Table.from_pylist(rows, schema=load_schema("distortion").arrow)
