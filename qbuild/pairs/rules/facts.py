"""What a depiction holds that can be asked for, one fact an attribute and time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qbuild.language import Mention, Part, Time, read
from qbuild.pairs.rules.wording import RATINGS, SEVERITIES, UNGRADED, WORDS, Words


class CannotMake(Exception):  # noqa: N818 - the name is the message
    """A pair that the depiction does not bear: `reason` a word to count by, then a message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason, self.message = reason, message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


@dataclass(frozen=True, slots=True)
class Fact:
    """An attribute that is good (+1) or bad (-1); `when` and `place` in words ready to be said.

    `told` is how the depiction says it.
    """

    attribute: str
    polarity: int
    degree: str | None
    times: tuple[Time, ...]
    when: str
    place: str | None
    cause: str | None
    told: str = ""

    @property
    def words(self) -> Words:
        """How the provider speaks of the attribute."""
        return WORDS[self.attribute]

    @property
    def name(self) -> str:
        """The noun of the state: "blur", "high sharpness"; of exposure, which side is told."""
        if self.polarity > 0:
            return self.words.merit
        found = re.search(r"\b(over|under)[ -]?expos", self.told, re.IGNORECASE)
        return f"{found[1].lower()}exposure" if found else self.words.fault

    @property
    def grows(self) -> bool:
        """Whether the degree tells how much of a fault there is."""
        return self.words.grows and self.polarity < 0

    @property
    def gradings(self) -> tuple[str, ...]:
        """Words for the degree; empty for a fault of which none is told."""
        if self.grows:
            return SEVERITIES.get(self.degree or "", ())
        degree = "good" if (self.polarity, self.degree) == (1, "mild") else self.degree
        return RATINGS[degree] if degree else UNGRADED[self.polarity]

    @property
    def specific(self) -> tuple[Time, ...]:
        """The times that name a moment or a part."""
        return tuple(time for time in self.times if time.kind != "overall")


def facts(text: str, medium: str) -> list[Fact]:
    """The facts of a text in its order; raises CannotMake where there is none.

    Of an attribute that is called both good and bad, only what has a time is a fact.
    """
    mentions = [one for one in read(text).mentions if one.polarity]
    found = {
        (fact.attribute, fact.when): fact
        for mention in reversed(mentions)
        if not _disputed(mention, mentions)
        for fact in [fact_of(mention, medium)]
    }
    if not found:
        raise CannotMake(*_nothing(text))
    return list(reversed(found.values()))


def fact_of(mention: Mention, medium: str) -> Fact:
    """A judged mention as a fact; a picture has no times."""
    times = mention.times if medium == "video" else ()
    when = " ".join(said(time) for time in _ordered(times))
    judged = mention.attribute, mention.polarity, mention.degree
    return Fact(*judged, times, when, mention.place, mention.cause, mention.words)


def _disputed(mention: Mention, mentions: Iterable[Mention]) -> bool:
    """Whether another mention says otherwise of the attribute, at no other specific time."""
    for other in mentions:
        if other.attribute == mention.attribute and other.polarity != mention.polarity:
            mine, theirs = mention.time, other.time
            if mine is None or theirs is None or mine.words == theirs.words:
                return True
            if "overall" in (mine.kind, theirs.kind):
                return True
    return False


def _nothing(text: str) -> tuple[str, str]:
    letters = sum(sign.isalpha() for sign in text)
    latin = len(re.findall("[A-Za-z]", text))
    if letters and 2 * latin < letters:
        return "other-language", "the text is not in English; only English is read"
    return "no-attribute", "no judgement of one of the 14 attributes was found in the text"


PARTS: dict[Part, str] = {
    "throughout": "throughout the playback", "frequent": "frequently", "rare": "occasionally",
    "beginning": "at the beginning", "middle": "in the middle of the playback",
    "end": "at the end", "first half": "in the first half", "second half": "in the second half",
}  # fmt: skip


def _ordered(times: Iterable[Time]) -> list[Time]:
    """How often, what part, which moment: each once."""
    distinct = {said(time): time for time in times}.values()
    kinds = {"overall": 0, "direct": 1, "in-context": 2}
    return sorted(distinct, key=lambda time: kinds[time.kind])


def said(time: Time) -> str:
    """A time in words that fit behind a clause: the own ones of a moment, plain ones of a part."""
    if time.part is not None:
        return PARTS[time.part]
    if time.span is None:
        return " ".join(time.words.split())
    start, end = time.span
    if end is None:
        return f"from second {start:g} on"
    if start != end:
        return f"from {start:g} to {end:g} seconds"
    return (
        f"at the {_ordinal(int(start))} second" if start.is_integer() else f"at {start:g} seconds"
    )


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0)
    return f"{number}{ending or 'th'}"


def depicted(depiction: Mapping[str, Any]) -> list[Fact]:
    """The facts of a depiction row."""
    return facts(str(depiction["text"]), str(depiction["medium"]))
