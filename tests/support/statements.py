"""The statements of tests/language/statements.tsv, and how the reader reads them.

One row per statement and attribute: `half` (the statement's SHA-256: an even first byte is
development; "later": written after both halves
had been read), `attribute` (alternatives separated by slashes, where a term belongs to several),
`polarity` (+1 good, -1 bad, 0 named without a judgement, "nothing" if the statement is not about
quality), `degree` (a name of `DEGREES` or -) and `time` (a part; seconds as 3-7; "when" for a
moment; or -). The sentences are our own.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from qbuild.language.attributes import RELATED
from qbuild.language.mentions import Mention, read
from qbuild.language.times import Time

FILE = Path(__file__).parents[1] / "language" / "statements.tsv"
HALVES = ("development", "kept-aside")
LATER = "later"
EXPECTED = ("+1", "-1", "0", "nothing")
READ = ("+1", "-1", "both", "none")
_READ_RIGHT = {"+1": "+1", "-1": "-1", "0": "none", "nothing": "none"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one statement says about one attribute."""

    half: str
    attributes: tuple[str, ...]
    polarity: str
    degree: str
    time: str
    statement: str


@dataclass(frozen=True, slots=True)
class Result:
    """An expectation, and what was read of its attribute."""

    expected: Expectation
    polarity: str
    degree: str
    time: str
    inverted: bool

    @property
    def right(self) -> bool:
        return self.polarity == _READ_RIGHT[self.expected.polarity]


def load_statements() -> list[Expectation]:
    """All rows of the file, in its order."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [
            Expectation(
                row["half"], tuple(row["attribute"].split("/")), row["polarity"], row["degree"],
                row["time"], row["statement"],
            )
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]  # fmt: skip


def read_statements(rows: Iterable[Expectation]) -> list[Result]:
    """What the reader makes of each row."""
    results: list[Result] = []
    for _, group in groupby(rows, key=lambda row: row.statement):
        results += _read_statement(list(group))
    return results


def count_confusions(results: Iterable[Result]) -> Counter[tuple[str, str]]:
    """How many rows of each expected polarity were read as which."""
    return Counter((result.expected.polarity, result.polarity) for result in results)


def format_confusions(results: list[Result]) -> str:
    """The confusion table and the shares below it."""
    counts = count_confusions(results)
    lines = ["expected  " + "".join(f"{name:>6}" for name in READ)]
    lines += [
        f"{name:10}" + "".join(f"{counts[name, column]:6}" for column in READ) for name in EXPECTED
    ]
    judged = [one for one in results if one.right and one.expected.polarity in ("+1", "-1")]
    lines += [
        f"polarity right: {_share(one.right for one in results)}",
        f"inverted: {sum(one.inverted for one in results)}",
        f"degree right, of these: {_share(one.degree == one.expected.degree for one in judged)}",
        f"time right, of these: {_share(one.time == one.expected.time for one in judged)}",
    ]
    return "\n".join(lines)


def _share(flags: Iterable[bool]) -> str:
    known = list(flags)
    return f"{sum(known)} of {len(known)} ({sum(known) / max(len(known), 1):.1%})"


def _read_statement(rows: list[Expectation]) -> list[Result]:
    mentions = read(rows[0].statement).mentions
    expected = {name for row in rows for name in row.attributes}
    expected |= {RELATED[name] for name in expected if name in RELATED}
    only_faults = {row.polarity for row in rows} == {"-1"}
    praised = any(one.polarity > 0 for one in mentions if one.attribute not in expected)
    results = []
    for row in rows:
        sides = {other.polarity for other in rows if other.attributes == row.attributes}
        own = mentions if row.polarity == "nothing" else _mentions_of(row, mentions)
        judged = _at_time(row, [one for one in own if one.polarity]) if len(sides) > 1 else [
            one for one in own if one.polarity
        ]  # fmt: skip
        polarity = _name_polarity({one.polarity for one in judged})
        wrong_side = row.polarity == "-1" and polarity in ("+1", "both")
        degree = next((one.degree for one in judged if one.degree), None) or "-"
        time = next((_name_time(one.time) for one in judged if one.time), "-")
        inverted = wrong_side or (only_faults and praised)
        results.append(Result(row, polarity, degree, time, inverted))
    return results


def _mentions_of(row: Expectation, mentions: tuple[Mention, ...]) -> list[Mention]:
    """The mentions of the row's attribute, else those of the one that overlaps with it."""
    own = [one for one in mentions if one.attribute in row.attributes]
    related = {RELATED[name] for name in row.attributes if name in RELATED}
    return own or [one for one in mentions if one.attribute in related]


def _at_time(row: Expectation, mentions: list[Mention]) -> list[Mention]:
    return [one for one in mentions if one.time and _name_time(one.time) == row.time]


def _name_polarity(polarities: set[int]) -> str:
    if len(polarities) > 1:
        return "both"
    return {1: "+1", -1: "-1"}[polarities.pop()] if polarities else "none"


def _name_time(time: Time) -> str:
    if time.part:
        return time.part
    if time.span:
        return f"{time.span[0]:g}-{'' if time.span[1] is None else f'{time.span[1]:g}'}"
    return "when"
