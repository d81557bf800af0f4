"""The facts of a depiction that can be asked about, one per attribute and time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qbuild.core.rows.rejections import RejectedError
from qbuild.language.mentions import Mention, read
from qbuild.language.times import Part, Time
from qbuild.pairs.rules.wording import RATINGS, SEVERITIES, UNGRADED, WORDS, Words

PARTS: dict[Part, str] = {
    "throughout": "throughout the playback", "frequent": "frequently", "rare": "occasionally",
    "beginning": "at the beginning", "middle": "in the middle of the playback",
    "end": "at the end", "first half": "in the first half", "second half": "in the second half",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """An attribute that is good (+1) or bad (-1), as a depiction states it.

    `when` and `place` are phrases for a sentence, `stated` the depiction's own words.
    """

    attribute: str
    polarity: int
    degree: str | None
    times: tuple[Time, ...]
    when: str
    place: str | None
    cause: str | None
    stated: str = ""

    @property
    def words(self) -> Words:
        """The wording of the attribute."""
        return WORDS[self.attribute]

    @property
    def name(self) -> str:
        """The noun of the state: "blur", "high sharpness"; of exposure, over- or under-."""
        if self.polarity > 0:
            return self.words.merit
        side = re.search(r"\b(over|under)[ -]?expos", self.stated, re.IGNORECASE)
        return f"{side[1].lower()}exposure" if side else self.words.fault

    @property
    def has_amount(self) -> bool:
        """Whether the degree says how much of a fault there is."""
        return self.words.has_amount and self.polarity < 0

    @property
    def gradings(self) -> tuple[str, ...]:
        """Words for the degree; empty for a fault without one."""
        if self.has_amount:
            return SEVERITIES.get(self.degree or "", ())
        degree = "good" if (self.polarity, self.degree) == (1, "mild") else self.degree
        return RATINGS[degree] if degree else UNGRADED[self.polarity]

    @property
    def specific(self) -> tuple[Time, ...]:
        """The times that name a moment or a part."""
        return tuple(time for time in self.times if time.kind != "overall")


def facts_of(depiction: Mapping[str, Any]) -> list[Fact]:
    """The facts of a depiction row."""
    return find_facts(str(depiction["text"]), str(depiction["medium"]))


def find_facts(text: str, medium: str) -> list[Fact]:
    """The facts of a text in its order; raises RejectedError where there are none.

    Of an attribute that is called both good and bad, only mentions with a time are facts.
    """
    mentions = [one for one in read(text).mentions if one.polarity]
    by_time = {
        (fact.attribute, fact.when): fact
        for mention in reversed(mentions)
        if not _is_disputed(mention, mentions)
        for fact in [fact_of(mention, medium)]
    }
    if not by_time:
        raise _no_facts(text)
    return list(reversed(by_time.values()))


def fact_of(mention: Mention, medium: str) -> Fact:
    """A mention as a fact; in an image there are no times."""
    times = mention.times if medium == "video" else ()
    when = " ".join(format_time(time) for time in _sort_times(times))
    judgement = mention.attribute, mention.polarity, mention.degree
    return Fact(*judgement, times, when, mention.place, mention.cause, mention.words)


def _is_disputed(mention: Mention, mentions: Iterable[Mention]) -> bool:
    """Whether another mention contradicts this one, and no two specific times tell them apart."""
    for other in mentions:
        if other.attribute == mention.attribute and other.polarity != mention.polarity:
            mine, theirs = mention.time, other.time
            if mine is None or theirs is None or mine.words == theirs.words:
                return True
            if "overall" in (mine.kind, theirs.kind):
                return True
    return False


def _no_facts(text: str) -> RejectedError:
    letters = sum(character.isalpha() for character in text)
    latin = len(re.findall("[A-Za-z]", text))
    if letters and 2 * latin < letters:
        message = "the text is not in English; only English is read"
        return RejectedError("other-language", message)
    message = "no judgement of one of the 14 attributes was found in the text"
    return RejectedError("no-attribute", message)


def _sort_times(times: Iterable[Time]) -> list[Time]:
    """How often, which part, which moment: each phrase once."""
    distinct = {format_time(time): time for time in times}.values()
    order = {"overall": 0, "direct": 1, "in-context": 2}
    return sorted(distinct, key=lambda time: order[time.kind])


def format_time(time: Time) -> str:
    """A time as a phrase after a clause: the words of a moment, a fixed phrase for a part."""
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
