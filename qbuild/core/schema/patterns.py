r"""Accepts only patterns that RE2 and Python match alike.

The two differ in `$` before a last newline, in `\d \w \s` outside ASCII, in look-around,
flags and possessive quantifiers. Literals, classes, groups, alternatives, quantifiers and escaped
punctuation remain, anchored at both ends.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.errors import SchemaError

_SYMBOL = re.compile(r"\\x[0-9a-fA-F]{2}|\\.|\(\?:|\(\?|\[:|.", re.DOTALL)
_ESCAPES = "ntr"


def check_pattern(pattern: str, where: str) -> None:
    """SchemaError if not ASCII, not anchored, or read differently by the two engines."""
    if why := _find_problem(pattern) or _compile_error(pattern):
        expected = "an ASCII pattern anchored as ^…$ that RE2 and Python match alike"
        raise SchemaError(where, f"pattern {pattern!r}: {why}", expected)


def _find_problem(pattern: object) -> str:
    if not isinstance(pattern, str) or not pattern.isascii():
        return "not an ASCII string"
    symbols = list(_symbols(pattern))
    if not symbols or symbols[0] != ("^", 0) or symbols[-1] != ("$", 0):
        return "not anchored at both ends"
    for symbol, depth in symbols[1:-1]:
        if symbol in ("^", "$"):
            return f"{symbol} inside"
        if symbol == "|" and depth == 0:
            return "an alternative outside a group is anchored at one end only"
        if reason := _difference(symbol):
            return reason
    return ""


def _difference(symbol: str) -> str:
    """Why the engines treat a symbol differently, or `""`."""
    if symbol in ("(?", "[:"):
        return f"{symbol} begins a construct that one of the engines lacks"
    if len(symbol) == 2 and symbol[0] == "\\" and symbol[1].isalnum() and symbol[1] not in _ESCAPES:
        return f"{symbol} differs between the engines"
    return ""


def _symbols(pattern: str) -> Iterator[tuple[str, int]]:
    """Each symbol with the depth of its groups; -1 inside a character class."""
    depth, in_class, first = 0, False, 0
    for match in _SYMBOL.finditer(pattern):
        symbol = match.group()
        if in_class:
            # `^` and `$` are plain characters here; only escapes and `[:` matter
            in_class = symbol != "]" or match.start() == first
            yield (symbol if symbol[0] in "\\[" else ".", -1)
        elif symbol == "[":
            negated = pattern.startswith("^", match.end())
            in_class, first = True, match.end() + negated
            yield symbol, -1
        else:
            depth += symbol.startswith("(") - (symbol == ")")
            yield symbol, depth


def _compile_error(pattern: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python warns of nested sets, whose meaning may change
            re.compile(pattern, re.ASCII)
        pc.match_substring_regex(pa.array([""]), pattern)
    except (re.error, pa.ArrowInvalid, Warning) as error:
        return str(error)
    return ""
