"""Words around a mention that a reading leaves out: what exactly is judged, and how many times."""

from __future__ import annotations

import re
from functools import lru_cache

_VERB = r"(?:is|are|was|were|looks?|appears?|seems?|becomes?|remains?)"
_ADVERBS = r"(?:[a-z]+ ){0,3}?"
# Subjects that are no area of the frame: the medium, and what an attribute is called.
_WHOLE = re.compile(
    r"\b(?:picture|image|photo|photograph|video|clip|footage|film|shot|scene|frame|recording"
    r"|colou?rs?|lighting|light|brightness|contrast|saturation|tones?|sharpness|clarity|focus"
    r"|exposure|noise|grain|blur|artifacts?|artefacts?|stability|fluency|playback|motion|movement"
    r"|content|contents|composition|framing|layout|quality|resolution|details?|textures?|camera"
    r"|everything|it|they|this|that|there|which|who|when|while|white balance|frame rate|rate"
    r"|shake|effects?|flicker|edges?|objects?|subject|subjects|storyline|illumination|smoothness"
    r"|compression|and|but|also|very|a bit|no|not|nothing|video's)\b"
)
_OF_THE_WHOLE = re.compile(
    r" (?:of|in) (?:the|this) (?:picture|image|photo|video|frame|shot|scene|clip)\b"
)
_CLAUSE_ENDS = re.compile(r"[.;:,!?\n]|\b(?:and|but|while|whereas|because|since|so|as)\b")
_COUNTED = re.compile(
    r"[ ,]*(?:only |exactly |about )?(twice|(?:two|three|four|five|six|seven|eight|nine|ten) times"
    r"|[2-9] times)\b",
    re.IGNORECASE,
)
_SEVERITY = re.compile(
    r"(?:\b|^)((?:very |extremely |quite |rather |fairly )?(?:severe|serious|heavy|strong|obvious"
    r"|noticeable|moderate|pronounced|significant|considerable|slight|mild|minor|subtle|faint))\s+$",
    re.IGNORECASE,
)


def find_area(text: str, stated: str) -> str | None:
    """The part of the frame whose state the words are: "sky" in "the sky is overexposed"."""
    subject = _find_subject(" ".join(text.lower().split()), " ".join(stated.lower().split()))
    if subject is None or _WHOLE.search(subject):
        return None
    return subject


@lru_cache(maxsize=1024)
def _find_subject(text: str, stated: str) -> str | None:
    at = text.find(stated)
    if at < 0:
        return None
    before = _OF_THE_WHOLE.sub("", text[max(0, at - 120) : at])
    clause = _CLAUSE_ENDS.split(before)[-1]
    match = re.search(rf"\bthe ((?:[a-z'\u2019-]+ ){{1,9}}?){_VERB} {_ADVERBS}$", clause)
    return match[1].strip() if match else None


def find_count(text: str, stated: str) -> str | None:
    """How many times an event is described as happening: "twice" in "the image freezes twice"."""
    at = text.find(stated)
    match = _COUNTED.match(text, at + len(stated)) if at >= 0 else None
    return match[1].lower() if match else None


def find_severity(text: str, stated: str) -> str | None:
    """The adjective of degree before a noun: "noticeable" in "there is noticeable noise"."""
    at = text.find(stated)
    match = _SEVERITY.search(text[max(0, at - 30) : at]) if at > 0 else None
    return match[1].lower() if match else None


def with_next_word(text: str, stated: str) -> str:
    """The stated words and the one after them: "focus hunts"."""
    match = re.search(rf"{re.escape(stated)} [a-z]+", text, re.IGNORECASE)
    return match[0] if match else stated


_MIDDLING = r"(?:moderate|acceptable|average|fair|medium|passable|tolerable)"


def is_middling(text: str, stated: str) -> bool:
    """Whether a noun is called neither good nor bad: "the brightness is moderate"."""
    noun = re.escape(stated)
    middling = rf"\b{_MIDDLING} {noun}\b|\b{noun}(?: [a-z]+){{0,6}}? {_MIDDLING}\b"
    return re.search(middling, text, re.IGNORECASE) is not None


def is_duration(text: str, words: str) -> bool:
    """Whether a time phrase gives a duration, not a moment: "for about two seconds"."""
    return re.search(rf"\bfor {re.escape(words)}", text, re.IGNORECASE) is not None
