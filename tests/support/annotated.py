"""Depictions as files have them: tables, and Label Studio exports in the exporter's form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qbuild.labels.depictions.options import DepictionOptions
from qbuild.labels.depictions.read import read_depictions

GOOD = "The picture is sharp throughout the playback. However, there is slight noise at the end."
LOW = "There is extremely severe noise throughout the playback, and the picture is very blurry."
HIGH = "The picture is very sharp throughout, and the colors are vibrant."
PERSON = "Ann.Example@somewhere.test"


def result(field: str, *to_text: str, kind: str = "textarea") -> dict[str, Any]:
    """One field of an annotation, as Label Studio writes it."""
    held = {"textarea": "text", "choices": "choices"}[kind]
    return {
        "value": {held: list(to_text)},
        "id": f"{field[:4]}00aa11",
        "from_name": field,
        "to_name": "video",
        "type": kind,
        "origin": "manual",
    }


def done(*results: dict[str, Any], by: Any = 7, **given: Any) -> dict[str, Any]:
    """One annotation of a task."""
    return {
        "id": 1001,
        "completed_by": by,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2024-03-07T10:12:13.123456Z",
        "updated_at": "2024-03-07T10:13:14.123456Z",
        "lead_time": 61.5,
        "result_count": len(results),
        "task": 1,
        "parent_annotation": None,
        **given,
    }


def labelled(data: dict[str, Any], *annotations: dict[str, Any], number: int = 1) -> dict[str, Any]:
    """One task of an export, with its annotations."""
    return {
        "id": number,
        "annotations": list(annotations),
        "file_upload": "1a2b3c4d-tasks.json",
        "drafts": [],
        "predictions": [],
        "data": data,
        "meta": {},
        "created_at": "2024-03-01T08:00:00.000000Z",
        "updated_at": "2024-03-07T10:13:14.200000Z",
        "inner_id": number,
        "total_annotations": len(annotations),
        "cancelled_annotations": 0,
        "project": 3,
    }


def read(path: Path, limit: int | None = None, **options: Any) -> tuple[list[Any], list[Any], Any]:
    """The rows of a file, the rejected rows, and the tally."""
    (output,) = read_depictions([path], DepictionOptions(**options), limit)
    assert output.rows is not None
    rejected = [] if output.rejected is None else output.rejected.to_pylist()
    return output.rows.to_pylist(), rejected, output.tally


def save(path: Path, content: Any) -> Path:
    """The text or JSON value as a file."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    return path
