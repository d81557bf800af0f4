"""What the options of all kinds of label files have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.core.errors import UsageError

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Options


def named_columns(text: str, second: str) -> dict[str, str]:
    """Canonical name → the file's column, of `path=NAME,mos=NAME,…`; nothing for no text.

    `second` is what the example in the message names beside the path. ValueError for what is no
    such pair and for a name that stands twice.
    """
    pairs = [pair.partition("=") for pair in text.split(",")] if text else []
    for name, sign, column in pairs:
        if not name.strip() or not column.strip():
            pair = name + sign + column
            raise ValueError(f"expected path=NAME,{second}=NAME; {pair!r} is no such pair")
    names = [name.strip() for name, _, _ in pairs]
    if again := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"expected each name once; {again[0]!r} stands twice")
    return {name.strip(): column.strip() for name, _, column in pairs}


def refuse_given(
    options: Options, of_files: type[Options], what: str, expected: str, todo: str
) -> None:
    """Raise a UsageError for an option that files alone obey, given where there are none."""
    for name, field in of_files.model_fields.items():
        if getattr(options, name) != field.get_default():
            raise UsageError(f"--{name.replace('_', '-')}", what, expected, todo)
