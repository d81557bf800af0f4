"""What an output says of itself, read back in the form in which the engine writes it.

The value stands in the footer of a Parquet file or in the `qbuild.json` of an export. Whatever
wrote it, its parts are looked at once here, so that nobody who uses them has to doubt them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import SchemaError

if TYPE_CHECKING:
    from qbuild.core.schema import Schema

FORMAT = 1
KEY = b"qbuild"  # in the metadata of a Parquet file
OF_ARTIFACT = frozenset({"schema", "stage", "rows", "content_hash", "complete"})
OF_EXPORT = frozenset({"stage", "rows", "content_hash", "complete", "files"})
MADE_FROM = frozenset({"stage", "options", "inputs", "prompts", "schema"})

_NAMED = {"name": str, "version": int}
_FORM: dict[str, Any] = {
    "schema": (None, {**_NAMED, "hash": str}),
    "stage": _NAMED,
    "options": {},
    "limit": (None, int),
    "inputs": [{"name": str, "hash": str}],
    "prompts": {},
    "rows": int,
    "content_hash": (None, str),
    "complete": bool,
    "pending": int,
    "rejected": {"rows": int, "content_hash": (None, str)},
    "report": {},
    "files": {},
}


def of_rows(schema: Schema, stage: dict[str, Any], rows: int, content_hash: str) -> dict[str, Any]:
    """The least that describes a finished artifact: what its rows are and who wrote them."""
    return {
        "format": FORMAT,
        "schema": {"name": schema.name, "version": schema.version, "hash": schema.hash},
        "stage": stage,
        "rows": rows,
        "content_hash": content_hash,
        "complete": True,
        "pending": 0,
    }


def parsed(text: bytes, where: str, needed: frozenset[str]) -> dict[str, Any]:
    """The description in a text; SchemaError where it is none, or not of this format."""
    try:
        described = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(where, f"is no JSON ({error})") from error
    if not isinstance(described, dict) or "format" not in described:
        raise _broken(where, "names no format")
    if described["format"] != FORMAT:
        raise SchemaError(
            where,
            f"its description is of format {described['format']!r}",
            f"expected format {FORMAT}",
            "Read it with the version of qbuild that wrote it.",
        )
    if lacking := needed - described.keys():
        raise _broken(where, f"lacks {', '.join(sorted(lacking))}")
    wrong = [name for name, form in _FORM.items() if not _fits(described.get(name, form), form)]
    unsaid = "pending" not in described and not described.get("complete")
    if wrong or unsaid:
        raise _broken(where, f"has no sound {', '.join(wrong or ['pending'])}")
    return described


def _fits(value: Any, form: Any) -> bool:
    """Whether a value is of a type, one of several forms, a mapping with keys, or a list."""
    if value is form:  # absent, which `needed` has judged
        return True
    if isinstance(form, tuple):
        return any(_fits(value, one) for one in form)
    if isinstance(form, dict):
        inside = isinstance(value, dict)
        return inside and all(k in value and _fits(value[k], f) for k, f in form.items())
    if isinstance(form, list):
        return isinstance(value, list) and all(_fits(item, form[0]) for item in value)
    return type(value) is form


def _broken(where: str, what: str) -> SchemaError:
    expected = "expected an output that a stage wrote"
    return SchemaError(where, f"its description {what}", expected, "Make it again.")
