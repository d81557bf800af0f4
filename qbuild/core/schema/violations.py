"""Describes schema violations, with the reference validator, for the rows that fail."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from jsonschema import ValidationError

SHOWN = 20


@dataclass(frozen=True)
class Violation:
    """One violation: row of the checked table (from 0), place such as `turns[1].parts[0].text`."""

    row: int
    column: str
    message: str
    value: Any


@dataclass(frozen=True)
class Violations:
    """The number of rows that fail, and the first violations; falsy if none fails."""

    total: int = 0
    first: list[Violation] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self.total > 0


def strict_validator(document: dict[str, Any]) -> Any:
    """A Draft 2020-12 validator that also rejects NaN and infinities and matches whole strings.

    Plain `jsonschema` accepts non-finite numbers within any bound, and a newline before `$`. It
    does not check widths, which Arrow's types do.
    """
    from jsonschema import Draft202012Validator, ValidationError, validators

    plain_type = Draft202012Validator.VALIDATORS["type"]

    def of_type(
        validator: Any, types: Any, instance: Any, schema: Any
    ) -> Iterator[ValidationError]:
        if isinstance(instance, float) and not math.isfinite(instance):
            yield ValidationError(f"{instance!r} is not a finite number")
        else:
            yield from plain_type(validator, types, instance, schema)

    def pattern(
        _validator: Any, pattern: str, instance: Any, _schema: Any
    ) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not re.fullmatch(pattern, instance, re.ASCII):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")

    own = {"type": of_type, "pattern": pattern}
    strict = validators.extend(Draft202012Validator, own)  # type: ignore[no-untyped-call]
    return strict(document)


def describe_violations(
    table: pa.Table, rows: Sequence[int], document: dict[str, Any], skip: frozenset[str]
) -> list[Violation]:
    """The first 20 violations of these rows, in order."""
    validator = strict_validator(document)
    violations: list[Violation] = []
    for row in rows:
        violations += _of_row(table, row, validator, skip)
        if len(violations) >= SHOWN:
            break
    return violations[:SHOWN]


def _of_row(table: pa.Table, row: int, validator: Any, skip: frozenset[str]) -> Iterator[Violation]:
    values, unreadable = {}, []
    for name in table.column_names:
        try:
            values[name] = table.column(name)[row].as_py()
        except UnicodeDecodeError:
            unreadable.append(name)
    for name in unreadable:
        yield Violation(row, name, "holds text that is not UTF-8", None)
    errors = [e for e in validator.iter_errors(values) if _counts(e, skip, unreadable)]
    for error in sorted(errors, key=lambda e: (_place(e), e.message)):
        yield Violation(row, _place(error), error.message, error.instance)
    if not errors and not unreadable:
        # never reached, since the tests check that checks and validator agree
        yield Violation(row, "", "violates its schema", values)


def _counts(error: ValidationError, skip: frozenset[str], unreadable: list[str]) -> bool:
    path = list(error.absolute_path)
    if path:
        return path[0] not in skip
    return not (unreadable and error.validator == "required")


def _place(error: ValidationError) -> str:
    steps = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in error.absolute_path)
    return steps.removeprefix(".")
