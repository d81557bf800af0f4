"""Whether a pair says what its depiction says: contradictions, inventions, traces of the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from qbuild.language import (
    DEGREES,
    KIN,
    Mention,
    Reading,
    Time,
    content_words,
    read,
    same_time,
    steps,
)
from qbuild.language.claims import Claim, Comparison, Stated, stated

FindingKind = Literal[
    "trace",
    "contradicted-polarity",
    "contradicted-degree",
    "unheld-attribute",
    "unheld-time",
    "unheld-cause",
]
FAR = 2  # steps between two degrees that cannot both be meant
_USUAL = {1: DEGREES["good"].rank, -1: DEGREES["relatively severe"].rank}

# VQA², appendix C.1: a pair speaks as one who has seen the video.
_TRACE = re.compile(
    r"\b(?:(?:the|this|that|your|given|provided|above|textual|quality|human) (?:\w+ ){0,2}?"
    r"(?:depictions?|descriptions?|annotations?|annotators?|passage|feedback|notes)"
    r"|depictions?|annotators?|annotated"
    r"|(?:as|is|are|was|were|not|been) (?:explicitly |clearly |also )?"
    r"(?:described|mentioned|annotated|depicted|specified|stated)"
    r"|(?:mentioned|described|stated) (?:above|in|earlier|before|by)"
    r"|(?:according to|based on|from|in|per) (?:the|this|your) (?:given |provided |above )?"
    r"(?:text|information|statement|input|paragraph|comment|evaluation)"
    r"|(?:the|this) (?:given|provided|above|input|source) (?:text|information|paragraph|content)"
    r"|(?:the|this) text (?:says|states|mentions|describes|indicates|notes|does|only))\b",
    re.IGNORECASE,
)
# An extended answer proposes, with words like these; only what it says is seen is judged.
_PROPOSES = re.compile(
    r"\b(?:can|could|should|would|may|might|must|use|used|using|apply|applied|applying|try|keep"
    r"|keeping|avoid|help|helps|improve|improving|increase|increasing|reduce|reducing|reduces"
    r"|remove|removing|restore|restores|correct|correcting|adjust|adjusting|shoot|shooting"
    r"|reshoot|reshooting|choose|choosing|place|add|adding|lower|raise|raising|enhance|enhancing"
    r"|recommend|ensure|ensuring|hold|holding|need|needs|make|mount|mounting|to|suited|suitable"
    r"|for|better|more|set|stabilise|stabilize|if|next)\b",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"[^.!?;]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a pair: `words` are the pair's own, `message` says what the depiction holds."""

    kind: FindingKind
    severity: Literal["reject", "flag"]
    words: str
    message: str


def judge(
    pair_question: str, pair_answer: str, depiction: Reading | str, kind: str
) -> tuple[Finding, ...]:
    """What is wrong with a pair, beside the depiction it was made from; empty where nothing is.

    A contradiction, a trace of the text, and a span of seconds that the depiction does not hold
    reject the pair; what else the depiction does not hold is a flag. Of kind `extended`, remedies
    and reasons are the pair's own: only contradictions of what is seen count.
    """
    held = read(depiction) if isinstance(depiction, str) else depiction
    found = list(_traces(pair_question, pair_answer))
    if kind == "extended":
        found += _contradictions(_extended(pair_question, pair_answer), held)
    else:
        said = stated(pair_question, pair_answer)
        for claim in said.claims:
            found += _check(claim, held)
        for comparison in said.comparisons:
            found += _compare(comparison, held)
        found += _causes(said, held)
    return tuple(dict.fromkeys(found))


def _traces(*texts: str) -> Iterator[Finding]:
    for text in texts:
        for trace in _TRACE.finditer(text):
            message = f"{trace[0]!r} shows that a text was read; speak as one who saw the video"
            yield Finding("trace", "reject", trace[0], message)


def _extended(question: str, answer: str) -> Iterator[Claim]:
    """What an extended pair says is seen: faults in the question, plain sentences of the answer."""
    for mention in read(question).mentions:
        if mention.polarity < 0:
            yield Claim(replace(mention, times=()))
    for sentence in _SENTENCES.findall(answer):
        if not _PROPOSES.search(sentence):
            yield from (Claim(mention) for mention in read(sentence).mentions)


def _contradictions(claims: Iterable[Claim], held: Reading) -> list[Finding]:
    found = [finding for claim in claims for finding in _check(claim, held)]
    return [one for one in found if one.kind.startswith("contradicted")]


def _check(claim: Claim, held: Reading) -> Iterator[Finding]:
    """The faults of one claim."""
    mention = claim.mention
    own = _of(held, mention.attribute)
    if not own:
        message = f"nothing is held about {mention.attribute}"
        yield Finding("unheld-attribute", "flag", mention.words, message)
        return
    then = [one for one in own if _holds_times(one, mention.times, held)]
    if mention.times and not then and not claim.denied:
        yield _unheld_time(mention, held)
    pool = then or [one for one in own if not one.times]
    if claim.denied:
        yield from _denied(mention, pool)
    elif mention.polarity:
        yield from _differs(mention, pool)


def _of(held: Reading, attribute: str) -> tuple[Mention, ...]:
    return held.of((attribute,)) or held.of((KIN.get(attribute, attribute),))


def _holds_times(mention: Mention, times: tuple[Time, ...], held: Reading) -> bool:
    """Whether what is held at the mention's times covers all of these."""
    return all(_holds_time(mention, time, held) for time in times)


def _holds_time(mention: Mention, time: Time, held: Reading) -> bool:
    if any(same_time(time, one) for one in mention.times):
        return True
    if time.part == "throughout":
        return not mention.times
    always = any(one.part == "throughout" for one in mention.times)
    return always and any(same_time(time, one) for one in held.times)


def _unheld_time(mention: Mention, held: Reading) -> Finding:
    known = [one for one in _of(held, mention.attribute) if one.times]
    times = sorted({time.words for one in known for time in one.times})
    when = ", ".join(times) if times else "no time"
    message = f"{mention.attribute} is held of {when}"
    seconds = any(time.span is not None for time in mention.times)
    words = ", ".join(time.words for time in mention.times)
    return Finding("unheld-time", "reject" if seconds else "flag", words, message)


def _differs(mention: Mention, pool: list[Mention]) -> Iterator[Finding]:
    """A polarity that nothing held then shares, or a degree far from every one held."""
    judged = [one for one in pool if one.polarity]
    same = [one for one in judged if one.polarity == mention.polarity]
    if judged and not same:
        message = f"{mention.attribute} is held to be {_word(judged[0])}: {judged[0].words!r}"
        yield Finding("contradicted-polarity", "reject", mention.words, message)
    elif same and mention.degree is not None:
        far = [one for one in same if one.degree and steps(one.degree, mention.degree) >= FAR]
        if far and not [one for one in same if one not in far and one.degree]:
            message = f"{mention.attribute} is held to be {far[0].degree}, not {mention.degree}"
            yield Finding("contradicted-degree", "reject", mention.words, message)


def _denied(mention: Mention, pool: list[Mention]) -> Iterator[Finding]:
    """A "no" to what is held, and held at least as strongly as it is asked."""
    judged = [one for one in pool if one.polarity]
    same = [one for one in judged if one.polarity == mention.polarity]
    if not mention.polarity or not same or len(same) < len(judged):
        return
    asked = _rank(mention) * mention.polarity
    if mention.degree is None or all(_rank(one) * mention.polarity >= asked for one in same):
        message = f"{mention.attribute} is held to be {_word(same[0])}: {same[0].words!r}"
        yield Finding("contradicted-polarity", "reject", mention.words, message)


def _rank(mention: Mention) -> int:
    """The degree's rank; the usual one of its polarity where no degree is told."""
    return DEGREES[mention.degree].rank if mention.degree else _USUAL.get(mention.polarity, 2)


def _word(mention: Mention) -> str:
    return mention.degree or ("good" if mention.polarity > 0 else "bad")


def _compare(comparison: Comparison, held: Reading) -> Iterator[Finding]:
    """A choice between two times that is the wrong way round."""
    own = _of(held, comparison.attribute)
    if not own:
        message = f"nothing is held about {comparison.attribute}"
        yield Finding("unheld-attribute", "flag", comparison.words, message)
        return
    chosen = [one for one in own if _holds_times(one, comparison.chosen, held)]
    others = [
        one
        for one in own
        if one not in chosen and any(_holds_time(one, time, held) for time in comparison.others)
    ]
    words = ", ".join(time.words for time in comparison.chosen)
    if not chosen:
        message = f"{comparison.attribute} is not held of that time"
        yield Finding("unheld-time", "flag", words, message)
    elif others and comparison.sign * (_rank(chosen[0]) - _rank(others[0])) < 0:
        message = f"{comparison.attribute} is held to be {_word(chosen[0])} then"
        yield Finding("contradicted-polarity", "reject", words, message)


def _causes(said: Stated, held: Reading) -> Iterator[Finding]:
    """A reason that the depiction does not give."""
    given = [content_words(one.cause) for one in held.mentions if one.cause]
    causes = [claim.mention.cause for claim in said.claims if claim.mention.cause]
    for cause in dict.fromkeys([*causes, *([said.cause] if said.cause else [])]):
        own = content_words(cause)
        if not any(2 * len(own & words) >= min(len(own), len(words)) for words in given):
            message = "the depiction gives no such reason" if given else "it gives no reason"
            yield Finding("unheld-cause", "flag", cause, message)
