"""Summarises an output: its schema, lineage, column statistics and first rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.artifact.lineage import ArtifactIndex, DescribedOutput, lineage, open_output
from qbuild.core.artifact.reader import Artifact

_COUNTED_FIELDS = {"labels.word"}  # with few distinct values, inside a struct
_COUNTED = 20  # values shown per column, the most frequent first


def summarise(path: Path, rows: int) -> dict[str, Any]:
    """The report of `qbuild show` on an artifact or an export, with its first `rows` rows."""
    item = open_output(path)
    described = item.description
    shown: dict[str, Any] = {
        "path": str(item.path),
        "schema": None,
        "lineage": lineage(item, _neighbours(item)),
        "summary": {
            "rows": described.rows,
            "rejected": described.rejected.rows,
            "complete": described.complete,
            "pending": described.pending,
            "content_hash": described.content_hash,
        },
        "report": described.report,
    }
    if item.artifact is None:
        return {**shown, "files": described.files}
    return {
        **shown,
        "schema": _describe_schema(item.artifact),
        "columns": _statistics(item.artifact),
        "first": _first_rows(item.artifact, rows),
    }


def _neighbours(item: DescribedOutput) -> ArtifactIndex:
    """The outputs in the same folder and its subfolders."""
    folder = item.path if item.artifact is None else item.path.parent
    inside = item.artifact is None or item.media_folder is not None
    return ArtifactIndex.scan(folder.absolute().parent if inside else folder, levels=1)


def _describe_schema(artifact: Artifact) -> dict[str, Any]:
    properties = artifact.schema.document["properties"]
    return {
        "name": artifact.schema.name,
        "version": artifact.schema.version,
        "title": artifact.schema.document.get("title", ""),
        "columns": [
            {
                "name": name,
                "type": _type(artifact.schema.arrow.field(name).type),
                "nullable": name in artifact.schema.nullable,
                "unit": properties[name].get("qbuild:unit"),
                "meaning": properties[name].get("description", ""),
            }
            for name in artifact.schema.arrow.names
        ],
    }


def _type(kind: pa.DataType) -> str:
    if isinstance(kind, pa.ListType):
        return f"list of {_type(kind.value_type)}"
    return "struct" if isinstance(kind, pa.StructType) else str(kind)


@dataclass
class _Range:
    """Running statistics of one numeric column."""

    values: int = 0
    nulls: int = 0
    low: float | None = None
    high: float | None = None
    total: float = 0.0

    def add(self, column: Any) -> None:
        """Add values."""
        self.nulls += column.null_count
        self.values += len(column) - column.null_count
        ends = pc.min_max(column).as_py()
        if ends["min"] is not None:
            self.low = ends["min"] if self.low is None else min(self.low, ends["min"])
            self.high = ends["max"] if self.high is None else max(self.high, ends["max"])
            self.total += pc.sum(column.cast(pa.float64(), safe=False)).as_py()

    def as_dict(self) -> dict[str, Any]:
        """The statistics; None without a value."""
        mean = self.total / self.values if self.values else None
        return {"min": self.low, "mean": mean, "max": self.high, "nulls": self.nulls}


def _statistics(artifact: Artifact) -> dict[str, Any]:
    """Range of each numeric column or field, and value counts of columns with few values."""
    ranges: dict[str, _Range] = {}
    counts: dict[str, Counter[str | None]] = {
        n: Counter() for n in artifact.schema.dictionary_columns
    }
    names = [f.name for f in artifact.schema.arrow if f.name in counts or _numeric(f.type, True)]
    for index in range(artifact.groups if names else 0):
        table = artifact.group(index, names).flatten()
        for name, column in zip(table.column_names, table.columns, strict=True):
            if name in counts or name in _COUNTED_FIELDS:
                for entry in pc.value_counts(column).to_pylist():
                    counts.setdefault(name, Counter())[entry["values"]] += entry["counts"]
            elif _numeric(column.type):
                ranges.setdefault(name, _Range()).add(column)
    return {
        "numbers": {name: column.as_dict() for name, column in ranges.items()},
        "counts": {name: _most_frequent(column) for name, column in counts.items()},
    }


def _numeric(kind: pa.DataType, fields: bool = False) -> bool:
    if fields and isinstance(kind, pa.StructType):
        return any(_numeric(kind.field(i).type) for i in range(kind.num_fields))
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _most_frequent(counts: Counter[str | None]) -> dict[str, Any]:
    """The most frequent values with their counts, the number of other values, and of nulls."""
    nulls = counts.pop(None, 0)
    first = sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))[:_COUNTED]
    return {"values": dict(first), "others": len(counts) - len(first), "nulls": nulls}


def _first_rows(artifact: Artifact, rows: int) -> list[dict[str, Any]]:
    first: list[dict[str, Any]] = []
    for index in range(artifact.groups):
        if len(first) == rows:
            break
        first += artifact.group(index).slice(0, rows - len(first)).to_pylist()
    return first
