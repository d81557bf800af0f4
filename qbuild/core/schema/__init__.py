"""Row schemas: a JSON Schema file compiled into Arrow types and vectorised checks.

    schema = load_schema("level")
    table = schema.cast(table, "levels.parquet")     # columns, order, types, or SchemaError
    if violations := schema.check(table): ...        # ranges, enums, patterns, at any depth

`compile` defines the keywords, `casting` and `checks` do the two steps, and `violations` describes
what is wrong with the rows that fail.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from qbuild.core.canonical import hash_value
from qbuild.core.errors import SchemaError, suggest
from qbuild.core.resources import data_file
from qbuild.core.schema.casting import cast_table, fits
from qbuild.core.schema.checks import Mask, failing_rows
from qbuild.core.schema.compile import Node, compile_node, resolve
from qbuild.core.schema.violations import SHOWN, Violation, Violations, describe_violations

_PROSE = ("title", "description", "$comment", "$id")

__all__ = ["Schema", "Violation", "Violations", "compile_schema", "load_schema"]


@dataclass(frozen=True, eq=False)
class Schema:
    """The contract of one row type."""

    name: str
    version: int
    hash: str  # of the resolved document without its prose
    document: dict[str, Any]  # the JSON Schema of one row, without `$ref`
    arrow: pa.Schema  # plain types; all fields nullable, since `check` finds nulls
    dictionary_columns: tuple[str, ...]  # flat strings with few distinct values
    required: tuple[str, ...]  # columns that are never null
    nullable: tuple[str, ...]  # columns that may be null, or absent before `cast`
    _root: Node = field(repr=False)

    def cast(self, table: pa.Table, where: str) -> pa.Table:
        """The table with this schema's columns, order and types; -0.0 becomes 0.0.

        Missing nullable columns are filled with nulls, encoded dictionary columns stay encoded
        (`dictionary<int32, string>`), key-value metadata is dropped. SchemaErrors name every extra
        or missing column and every wrong type, at once.
        """
        return cast_table(table, self._root, self.name, self.dictionary_columns, where)

    def check(self, table: pa.Table, *, skip: Collection[str] = ()) -> Violations:
        """The number of rows that violate the schema, and the first violations.

        Columns in `skip` are not checked. A table that is not yet cast is cast first.
        """
        table, skipped = self._fitted(table), self._skipped(skip)
        bad = np.flatnonzero(failing_rows(table, self._root, skipped))
        if len(bad) == 0:
            return Violations()
        rows = bad[:SHOWN].tolist()
        return Violations(len(bad), describe_violations(table, rows, self.document, skipped))

    def mask(self, table: pa.Table) -> Mask:
        """True for each valid row; `[rows]`."""
        return ~failing_rows(self._fitted(table), self._root)

    def _fitted(self, table: pa.Table) -> pa.Table:
        is_cast = fits(table, self._root, self.dictionary_columns)
        return table if is_cast else self.cast(table, self.name)

    def _skipped(self, skip: Collection[str]) -> frozenset[str]:
        for name in skip:
            if name not in self.arrow.names:
                what = f"cannot skip column {name!r}"
                raise SchemaError(
                    self.name, what, "one of its columns", suggest(name, self.arrow.names)
                )
        return frozenset(skip)


@cache
def load_schema(name: str) -> Schema:
    """The schema in `schemas/NAME.json`; InputError with similar names if it does not exist."""
    path = data_file("schemas", f"{name}.json")
    return compile_schema(json.loads(path.read_text(encoding="utf-8")), name)


def compile_schema(document: dict[str, Any], name: str = "schema") -> Schema:
    """The schema in a document; SchemaError with the place of an invalid or unsupported part."""
    resolved = resolve(name, document)
    root = compile_node(resolved, f"{name}#")
    if root.kind != "object" or root.nulls:
        raise SchemaError(name, f"a row is of type {resolved['type']!r}", "an object")
    return Schema(
        name=name,
        version=_version(resolved, name),
        hash=hash_value(_without_prose(resolved)),
        document=resolved,
        arrow=pa.schema([(column, node.arrow) for column, node in root.fields]),
        dictionary_columns=tuple(
            column for column, part in resolved["properties"].items() if "qbuild:encoding" in part
        ),
        required=tuple(column for column, node in root.fields if not node.nulls),
        nullable=tuple(column for column, node in root.fields if node.nulls),
        _root=root,
    )


def _without_prose(part: Any) -> Any:
    """The document without its explanations, so that rewording them makes no artifact stale."""
    if isinstance(part, list):
        return [_without_prose(item) for item in part]
    if not isinstance(part, dict):
        return part
    named = part.get("properties")
    kept = {key: _without_prose(value) for key, value in part.items() if key not in _PROSE}
    if isinstance(named, dict):  # its keys are columns, which may be called `title`
        kept["properties"] = {name: _without_prose(value) for name, value in named.items()}
    return kept


def _version(document: dict[str, Any], name: str) -> int:
    version = document.get("qbuild:version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise SchemaError(name, f"qbuild:version is {version!r}", "an integer of at least 1")
    return version
