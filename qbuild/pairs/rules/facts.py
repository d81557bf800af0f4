"""The facts of a depiction that can be asked about, one per attribute and time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qbuild.core.rows.rejections import RejectedError
from qbuild.language.mentions import Mention, read
from qbuild.language.times import Time
from qbuild.pairs.rules.areas import (
    find_area,
    find_count,
    find_severity,
    is_duration,
    is_middling,
    with_next_word,
)
from qbuild.pairs.rules.phrases import give_reason, join_times
from qbuild.pairs.rules.states import State, find_state
from qbuild.pairs.rules.wording import (
    ADVERBS,
    RATINGS,
    REMEDIES,
    SEVERITIES,
    TOPICS,
    UNGRADED,
    WORDS,
    Words,
)

# A place of someone whom a question does not name: "on their arms".
_PRONOUN = re.compile(r"\b(?:their|his|her|its)\b")
MAX_WORDS = 1_000  # of a depiction; a longer one is no depiction of one medium


@dataclass(frozen=True, slots=True)
class Fact:
    """An attribute that is good (+1) or bad (-1), as a depiction states it.

    `when`, `place` and `area` are phrases for a sentence: "at the end", "in the sky", "sky", the
    last one the subject of the depiction's own clause. `reason` is a cause with its conjunction,
    `count` how many times it is seen, `severity` the depiction's own adjective of the degree.
    """

    attribute: str
    polarity: int
    degree: str | None
    times: tuple[Time, ...]
    when: str
    place: str | None
    reason: str | None
    stated: str = ""
    area: str | None = None
    count: str | None = None
    severity: str | None = None

    @property
    def words(self) -> Words:
        """The wording of the attribute."""
        return WORDS[self.attribute]

    @property
    def state(self) -> State | None:
        """The state that the depiction names; None where it only rates the attribute."""
        return find_state(self.attribute, self.polarity, self.stated)

    @property
    def topic(self) -> str:
        """A noun for what is judged: the depiction's own where it is a known one."""
        stated = self.stated.lower()
        return next((noun for noun in TOPICS if noun in stated), self.words.topic)

    @property
    def name(self) -> str:
        """The noun of the state: "blur", "natural colors", "poor contrast"."""
        if self.state is not None:
            return self.state.noun
        if self.topic != self.words.topic:
            return f"{'good' if self.polarity > 0 else 'poor'} {self.topic}"
        return self.words.merit if self.polarity > 0 else self.words.fault

    @property
    def has_amount(self) -> bool:
        """Whether the degree says how much of a fault there is."""
        state = self.state
        return self.polarity < 0 and state is not None and state.amount

    @property
    def grade(self) -> str | None:
        """The degree; a light merit is good."""
        return "good" if (self.polarity, self.degree) == (1, "mild") else self.degree

    @property
    def ratings(self) -> tuple[str, ...]:
        """Words that rate the topic."""
        return RATINGS[self.grade] if self.grade else UNGRADED[self.polarity]

    @property
    def severities(self) -> tuple[str, ...]:
        """Adjectives for the amount of a fault; empty without a degree."""
        if self.severity and self.degree:
            return (self.severity,)
        return SEVERITIES.get(self.degree or "", ())

    @property
    def adverbs(self) -> tuple[str, ...]:
        """Adverbs for the adjective of the state; an empty one where no degree is stated."""
        return ADVERBS.get(self.grade or "", ("",))

    @property
    def remedies(self) -> tuple[str, str]:
        """Verb phrases against it: afterwards, and when it is recorded again."""
        own = REMEDIES.get(self.name.removeprefix("a "))
        return own or (self.words.post, self.words.again)

    @property
    def specific(self) -> tuple[Time, ...]:
        """The times that name a moment or a part."""
        return tuple(time for time in self.times if time.kind != "overall")

    @property
    def always(self) -> bool:
        """Whether it lasts throughout."""
        return not self.specific and any(time.part == "throughout" for time in self.times)

    @property
    def frequency(self) -> str:
        """How often it is seen: "twice", "frequently"; empty where that is not stated."""
        often = any(time.part in ("frequent", "rare") for time in self.times)
        return self.count or (self.when if often and not self.specific else "")


def facts_of(depiction: Mapping[str, Any]) -> list[Fact]:
    """The facts of a depiction row."""
    return find_facts(str(depiction["text"]), str(depiction["medium"]))


def find_facts(text: str, medium: str) -> list[Fact]:
    """The facts of a text in its order; raises RejectedError where there are none.

    Of an attribute that is called both good and bad, only mentions with a time are facts.
    """
    if len(text.split()) == 1 and text.isascii():
        raise RejectedError("one-word", f"{text.strip()!r} is no sentence")
    mentions = [one for one in read(text).mentions if one.polarity]
    by_time: dict[tuple[str, str, str | None], Fact] = {}
    for mention in mentions:
        if _is_disputed(mention, mentions):
            continue
        fact = fact_of(mention, medium, text)
        if fact.state is not None or not is_middling(text, mention.words):
            key = (fact.attribute, fact.when, fact.area)
            if key not in by_time or (fact.state and not by_time[key].state):
                by_time[key] = fact
    if not by_time:
        raise _no_facts(text, any(_is_disputed(mention, mentions) for mention in mentions))
    return list(by_time.values())


def check_length(text: str) -> None:
    """Raise RejectedError for more words than a person writes about one medium."""
    count = len(text.split())
    if count > MAX_WORDS:
        raise RejectedError("too-long", f"{count:,} words; expected {MAX_WORDS:,} at most")


def fact_of(mention: Mention, medium: str, text: str) -> Fact:
    """A mention as a fact; in an image there are no times."""
    video = medium == "video"
    times = tuple(time for time in mention.times if video and not is_duration(text, time.words))
    reason = give_reason(mention.cause, text) if mention.cause else None
    judgement = mention.attribute, mention.polarity, mention.degree
    stated = mention.words
    if find_state(mention.attribute, mention.polarity, stated) is None:
        stated = with_next_word(text, stated)
    state = find_state(mention.attribute, mention.polarity, stated)
    described = state is not None and state.adjective and not state.free
    area = find_area(text, mention.words) if described else None
    place = None if area or _PRONOUN.search(mention.place or "") else mention.place
    return Fact(
        *judgement,
        times,
        join_times(times),
        place,
        reason,
        stated,
        area,
        find_count(text, mention.words) if video else None,
        find_severity(text, mention.words),
    )


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


def _no_facts(text: str, disputed: bool) -> RejectedError:
    letters = sum(character.isalpha() for character in text)
    latin = len(re.findall("[A-Za-z]", text))
    if letters and 2 * latin < letters:
        message = "the text is not in English; only English is read"
        return RejectedError("other-language", message)
    if disputed:
        message = "each attribute is called both good and bad, with no times that differ"
        return RejectedError("contradictory", message)
    message = "no judgement of one of the 14 attributes was found in the text"
    return RejectedError("no-attribute", message)
