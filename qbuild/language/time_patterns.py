"""Patterns of overall and direct temporal descriptions, and of places in the frame.

A description in context ("when the door opens") has no fixed form; `clauses.py` finds its end.
Every repetition is bounded, so that a search stays linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qbuild.language.times import Part, Place, Time

_NUMBERS = (
    ("one", "first"), ("two", "second"), ("three", "third"), ("four", "fourth"), ("five", "fifth"),
    ("six", "sixth"), ("seven", "seventh"), ("eight", "eighth"), ("nine", "ninth"),
    ("ten", "tenth"), ("eleven", "eleventh"), ("twelve", "twelfth"),
)  # fmt: skip
_ONES = {word: float(n) for n, words in enumerate(_NUMBERS, 1) for word in words}
_N = rf"(?:\d{{1,5}}(?:\.\d{{1,3}})?|{'|'.join(_ONES)})"
_TH = r"(?: ?-? ?(?:st|nd|rd|th))?"
_UNIT = r"(?: |-)?(?:seconds?|secs?|s)\b(?: marks?)?"
_DASH = r"(?: ?[-\u2013\u2014~] ?| (?:to|and|until|till|through) (?:the )?(?:second )?)"
_OF = r"(?: of (?:the |this |its )?(?:whole |entire )?(?:video|clip|playback|footage|recording))?"
_VIDEO = r"(?:video|clip|playback|footage|duration|runtime|sequence|recording|film|run|process)"
_WHOLE = r"(?:the |its |this |whole |entire |full |complete |total |video |of |length )"

_PATTERNS: dict[str, str] = {
    "span": (
        rf"(?:from|between|during|in|at|over|around|for)? ?(?:the )?(?:seconds? )?(?P<a>{_N}){_TH}"
        rf"(?:{_UNIT})?{_DASH}(?P<b>{_N}){_TH}{_UNIT}"
    ),
    "seconds": rf"(?:from|between|during) seconds? (?P<c>{_N}){_DASH}(?P<d>{_N})\b",
    "opening": (
        rf"(?:in|during|for|over|within) (?:the )?(?:first|initial|opening) (?P<e>{_N}){_UNIT}"
    ),
    "onward": (
        rf"(?:(?:from|after|since) (?:the )?(?:about )?(?P<f>{_N}){_TH}{_UNIT}"
        rf"|(?:from|after|since) second (?P<g>{_N})\b)(?: on(?:wards?)?\b)?"
    ),
    "point": (
        rf"(?:at|around|near|on|about|by|in) (?:about |around )?(?:the )?"
        rf"(?:second (?P<h>{_N})\b|(?P<i>{_N}){_TH}{_UNIT})"
    ),
    "first_half": (
        rf"(?:in|during|over|for|throughout|across|through)? ?(?:the )?(?:first|former) half{_OF}"
    ),
    "second_half": (
        rf"(?:in|during|over|for|throughout|across|through)? ?(?:the )?"
        rf"(?:second|latter|last|later|final) half{_OF}"
    ),
    "throughout": (
        rf"throughout(?: {_WHOLE}{{0,3}}{_VIDEO}(?: process)?)?"
        rf"|(?:during|across|over|in|through|for) {_WHOLE}{{0,2}}(?:whole|entire|full|complete) "
        rf"(?:video )?{_VIDEO}(?: process)?"
        rf"|(?:during|across) (?:the )?(?:video )?(?:playback|video|clip|footage)"
        r"(?: playback)?(?: process)?"
        r"|all the time|the whole time|all the way through|from start to (?:finish|end)"
        r"|from (?:the )?beginning to (?:the )?end|from (?:the )?first to (?:the )?last frame"
        r"|at all times|all along|constantly|continuously|persistently|always"
    ),
    "frequent": (
        r"(?:(?:with|at|in) )?(?:a )?high[ -](?:frequency|frequencies)"
        r"|(?<!how )(?:frequently|often)"
        r"|(?:on |with )?(?:multiple|several|many|numerous) (?:occurrences|occasions|times)"
        r"|repeatedly|many times|again and again|over and over|time and again|regularly"
    ),
    "rare": (
        r"(?:(?:with|at) )?(?:a )?low[ -]frequency|occasionally|sometimes|rarely|seldom"
        r"|from time to time|now and then|a few times|once or twice|every now and again"
        r"|(?:on )?(?:rare|few) occasions|only once|at times|once(?=[.,;!?]|$)"
    ),
    "beginning": (
        rf"(?:right )?(?:at|in|from|near|towards?|since|around) (?:the )?(?:very )?"
        rf"(?:beginning|start|opening|outset|onset){_OF}"
        rf"|(?:when|as|once|where) the {_VIDEO} (?:begins|starts|opens)"
        r"|(?:in|during|for) the (?:first|opening|initial) (?:few )?(?:seconds|moments|frames)"
        rf"|the (?:beginning|start|opening){_OF}(?= (?:is|was|looks|has|shows|seems)\b)"
        r"|initially|at first\b(?! (?:glance|sight))|early on"
    ),
    "end": (
        rf"(?:right )?(?:at|in|near|towards?|until|around|by) (?:the )?(?:very )?"
        rf"(?:end|ending|close){_OF}"
        rf"|(?:when|as|once|before|where) the {_VIDEO} (?:is about to (?:end|finish|stop)"
        r"|ends|finishes|closes|is ending)"
        r"|(?:in|during|for) the (?:last|final|closing) (?:few )?(?:seconds|moments|frames)"
        rf"|the (?:end|ending|close){_OF}(?= (?:is|was|looks|has|shows|seems)\b)"
        r"|finally|late on"
    ),
    "middle": (
        r"(?:in|at|around|near|during|halfway through) (?:the )?(?:middle|midpoint|centre|center)"
        rf" (?:of (?:the |this )?{_VIDEO}|part of (?:the |this )?{_VIDEO})|midway|halfway through"
        rf"(?: the {_VIDEO})?"
    ),
    "place": (
        r"(?:in|on|at|near|around|along|across|towards?) (?:the )?"
        r"(?:(?:upper|lower|top|bottom|far|left|right|extreme|whole|entire|outer|dark|darker|"
        r"bright|brighter|four|both)[ -]){0,2}"
        r"(?:left|right|top|bottom|cent(?:er|re)|middle|corners?|edges?|borders?|sides?|"
        r"background|foreground|sky|face|faces|frame|picture|areas?|regions?|distance)"
        r"(?: hand side| side| half| corner| edge| part| area)?"
        r"(?: of (?:the |this |each |her |his )?[a-z]{1,14}(?: in the [a-z]{1,14})?)?\b"
        r"|(?:on|around) (?!the (?:other|one) hand)(?:the|her|his|its|their) "
        r"(?:[a-z]{1,14}(?:['\u2019]s)? ){0,2}?"
        r"(?:of the [a-z]{1,14}|(?=is\b|are\b|and\b|when\b|while\b|due\b)"
        r"|[a-z]{1,14}(?=[.,;!?]|$))"
    ),
}
_MARK = re.compile(rf"\b(?:{'|'.join(f'(?P<{n}>{p})' for n, p in _PATTERNS.items())})(?![a-z0-9])")
_PARTS: dict[str, Part] = {
    "first_half": "first half", "second_half": "second half", "throughout": "throughout",
    "frequent": "frequent", "rare": "rare", "beginning": "beginning", "end": "end",
    "middle": "middle",
}  # fmt: skip
_OVERALL = ("throughout", "frequent", "rare")


def find_times_and_places(text: str) -> Iterator[tuple[int, int, Time | Place]]:
    """The times and places of a text in lower case: (start, end, what), in order, no overlaps."""
    for match in _MARK.finditer(text):
        start, end = match.span()
        start += len(match[0]) - len(match[0].lstrip())
        words = text[start:end].strip()
        name = match.lastgroup if match.lastgroup in _PARTS else _pattern_name(match)
        if name == "place":
            yield start, end, Place(words)
        elif name in _PARTS:
            part = _PARTS[name]
            yield start, end, Time("overall" if part in _OVERALL else "direct", words, part)
        else:
            yield start, end, Time("direct", words, None, _span(match))


def _pattern_name(match: re.Match[str]) -> str:
    """The pattern that matched: `lastgroup` may be a group inside it."""
    return next(name for name in _PATTERNS if match[name] is not None)


def _span(match: re.Match[str]) -> tuple[float, float | None]:
    """The seconds that a match names."""
    first, last = match["a"] or match["c"], match["b"] or match["d"]
    if first is not None:
        low, high = sorted((_number(first), _number(last)))
        return low, high
    if match["e"] is not None:
        return 0.0, _number(match["e"])
    onward = match["f"] or match["g"]
    if onward is not None:
        return _number(onward), None
    at = _number(match["h"] or match["i"])
    return at, at


def _number(word: str) -> float:
    return _ONES[word] if word in _ONES else float(word)
