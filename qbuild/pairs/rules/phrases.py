"""The grammar of the rules: noun phrases, verbs that agree, times joined once, causes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qbuild.language.times import Part, Time

PARTS: dict[Part, str] = {
    "throughout": "throughout", "frequent": "frequently", "rare": "occasionally",
    "beginning": "at the beginning", "middle": "in the middle", "end": "at the end",
    "first half": "in the first half", "second half": "in the second half",
}  # fmt: skip
_PLURALS = ("people", "children", "men", "women")
_AFTER_HEAD = re.compile(
    r" (?:in|on|of|at|near|behind|under|above|with|around|to|by|from|between) "
)
_ARTICLE = re.compile(r"^(?:an?|the) ", re.IGNORECASE)
_CONNECTORS = (
    r"due to|because of|because|caused by|as a result of|owing to|thanks to|resulting from"
    r"|a result of|on account of|brought about by|stems from|stemming from"
)
# Words that make a cause a clause: it needs "because", not "because of".
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|did|can|could|will|would|cannot|isn.t|wasn.t"
    r"|(?:start|run|walk|turn|move|shake|pan|zoom|begin|jump|change|get|enter|pass|hold|fall|come"
    r"|go|become|leave|open|spin|hit|shine|flash|fill|look|face|cover|drop|switch|stand|lack"
    r"|use|follow|rotate)e?s|fogged|fell|shook|moved|ran|began|started|held|came|went|became)\b"
)
# "when he walking": the auxiliary that is missing.
_BARE = re.compile(r"\b(when|while|as) (he|she|it|someone|they|people|we) (\w+ing)\b")


def be(noun: str) -> str:
    """`are` for a plural, else `is`."""
    return "are" if is_plural(noun) else "is"


def does(noun: str) -> str:
    """`do` for a plural, else `does`."""
    return "do" if is_plural(noun) else "does"


def is_plural(noun: str) -> bool:
    """Whether a noun of the wording, or the last word of an area, is a plural."""
    word = _AFTER_HEAD.split(noun)[0].rsplit(" ", 1)[-1]
    return word in _PLURALS or (word.endswith("s") and not word.endswith(("ss", "us", "is")))


def definite(noun: str) -> str:
    """The noun with "the": "a low resolution" gives "the low resolution"."""
    return f"the {_ARTICLE.sub('', noun, count=1)}"


def with_degree(noun: str, degree: str) -> str:
    """A noun with a degree, and an article that fits: "a slight color cast"."""
    if not degree:
        return noun
    bare = re.sub(r"^an? ", "", noun)
    article = "" if bare == noun else ("an " if degree[0] in "aeiou" else "a ")
    return f"{article}{degree} {bare}"


def enumerate_words(words: Iterable[str], last: str = "and") -> str:
    """The words as a list: "blur, noise and glare"."""
    distinct = list(dict.fromkeys(words))
    if len(distinct) < 2:
        return "".join(distinct)
    return f"{', '.join(distinct[:-1])} {last} {distinct[-1]}"


def capitalise(text: str) -> str:
    """The text with an upper-case first letter."""
    return text[:1].upper() + text[1:]


def join_times(times: Sequence[Time]) -> str:
    """The times as one phrase: moments and parts joined by "and", behind how often.

    A time throughout the medium adds nothing to a moment and is left out.
    """
    specific = [time for time in times if time.kind != "overall"]
    overall = [time for time in times if time.kind == "overall"]
    often = [time for time in overall if time.part != "throughout"] if specific else overall
    phrase = enumerate_words(format_time(time) for time in specific)
    return " ".join(filter(None, (format_time(often[0]) if often else "", phrase)))


def format_time(time: Time) -> str:
    """A time as a phrase after a clause: the words of a moment, a fixed phrase for a part."""
    if time.part == "throughout":
        return "throughout the video"
    if time.part in ("frequent", "rare") and re.search(
        r"\btimes|twice|\bonce|occasion", time.words
    ):
        return " ".join(time.words.split())
    if time.part is not None:
        return _stated_part(time) or PARTS[time.part]
    if time.span is None:
        return _BARE.sub(_add_auxiliary, " ".join(time.words.split()))
    return _format_span(*time.span)


def _stated_part(time: Time) -> str:
    """The depiction's own words for the first or last seconds."""
    words = " ".join(time.words.lower().split())
    return (
        words
        if re.match(r"(?:in|during|for|over) the .*(?:seconds|moments|frames)$", words)
        else ""
    )


def _add_auxiliary(match: re.Match[str]) -> str:
    auxiliary = "are" if match[2] in ("they", "people", "we") else "is"
    return f"{match[1]} {match[2]} {auxiliary} {match[3]}"


def _format_span(start: float, end: float | None) -> str:
    if end is None:
        return f"after {start:g} second{'' if start == 1 else 's'}"
    if start == 0:
        return f"in the first {end:g} seconds"
    if start != end:
        return f"from {start:g} to {end:g} seconds"
    if start.is_integer():
        return f"at the {_ordinal(int(start))} second"
    return f"at {start:g} seconds"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0)
    return f"{number}{ending or 'th'}"


def give_reason(cause: str, text: str) -> str:
    """A cause with the conjunction that it needs: "because it rains", "because of the rain"."""
    cause = " ".join(cause.split()).rstrip(".,;")
    stated = re.search(rf"\b({_CONNECTORS})\s+{re.escape(cause)}", text, re.IGNORECASE)
    if stated and stated[1].lower() == "because":
        return f"because {cause}"
    return f"because {cause}" if is_clause(cause) else f"because of {cause}"


def is_clause(cause: str) -> bool:
    """Whether a cause contains a verb: "the person filming starts running"."""
    relative = re.split(r"\b(?:that|which|who|where|when|while|as)\b", cause.lower())[0]
    if re.match(r"(?:it|he|she|they|there|we|i|you|someone|nobody|nothing)\b", relative):
        return True
    return _FINITE.search(relative) is not None
