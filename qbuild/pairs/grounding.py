"""Whether a pair agrees with its depiction: contradictions, inventions, traces of the text.

The messages of findings are sent back to the model: see verify.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from qbuild.language.attributes import RELATED
from qbuild.language.claims import Claim, Comparison, Statement, read_statement
from qbuild.language.degrees import DEGREES, steps
from qbuild.language.mentions import Mention, Reading, read
from qbuild.language.times import Time, content_words, same_time

FindingKind = Literal[
    "trace",
    "contradicted-polarity",
    "contradicted-degree",
    "unheld-attribute",
    "unheld-time",
    "unheld-cause",
    "disputed-attribute",
]
FAR = 2  # steps between two degrees that exclude each other
# The rank assumed where only the polarity is stated.
_USUAL_RANK = {1: DEGREES["good"].rank, -1: DEGREES["relatively severe"].rank}

# VQA², appendix C.1: a pair must read as if its author had seen the video, not a text.
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
# Sentences of an extended answer with these words propose; only the others state what is seen.
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
    """A fault of a pair: `words` are the pair's own, `message` says what the depiction states."""

    kind: FindingKind
    severity: Literal["reject", "flag"]
    words: str
    message: str


def judge(question: str, answer: str, depiction: Reading | str, form: str) -> tuple[Finding, ...]:
    """The faults of a pair compared with its depiction; empty where there are none.

    A contradiction, a trace of the text, and a span of seconds that the depiction does not state
    reject the pair; anything else that it does not state is a flag. Pairs of form `extended` may
    add remedies and reasons: only contradictions of what is seen count.
    """
    stated = read(depiction) if isinstance(depiction, str) else depiction
    findings = [*_find_traces(question), *_find_traces(answer)]
    if form == "extended":
        for claim in _seen_claims(question, answer):
            findings += [
                f for f in _check_claim(claim, stated) if f.kind.startswith("contradicted")
            ]
    else:
        statement = read_statement(question, answer)
        for claim in statement.claims:
            findings += _check_claim(claim, stated)
        for comparison in statement.comparisons:
            findings += _check_comparison(comparison, stated)
        findings += _check_causes(statement, stated)
    return tuple(dict.fromkeys(findings))


def _find_traces(text: str) -> Iterator[Finding]:
    for trace in _TRACE.finditer(text):
        message = f"{trace[0]!r} shows that a text was read; speak as one who saw the video"
        yield Finding("trace", "reject", trace[0], message)


def _seen_claims(question: str, answer: str) -> Iterator[Claim]:
    """What an extended pair states as seen: faults in the question, and plain sentences."""
    for mention in read(question).mentions:
        if mention.polarity < 0:
            yield Claim(replace(mention, times=()))
    for sentence in _SENTENCES.findall(answer):
        if not _PROPOSES.search(sentence):
            yield from (Claim(mention) for mention in read(sentence).mentions)


def _check_claim(claim: Claim, stated: Reading) -> Iterator[Finding]:
    mention = claim.mention
    same_attribute = _mentions_of(stated, mention.attribute)
    if not same_attribute:
        yield _unheld_attribute(mention.attribute, mention.words)
        return
    then = [one for one in same_attribute if _covers_times(one, mention.times, stated)]
    if mention.attribute in stated.contradictions:
        message = f"the depiction calls {mention.attribute} both good and bad"
        yield Finding("disputed-attribute", "flag", mention.words, message)
    if mention.times and not then and not claim.denied:
        yield _unheld_time(mention, same_attribute)
    candidates = then or [one for one in same_attribute if not one.times]
    if claim.denied:
        yield from _check_denial(mention, candidates)
    elif mention.polarity:
        yield from _check_judgement(mention, candidates)


def _mentions_of(stated: Reading, attribute: str) -> tuple[Mention, ...]:
    return stated.of((attribute,)) or stated.of((RELATED.get(attribute, attribute),))


def _unheld_attribute(attribute: str, words: str) -> Finding:
    return Finding("unheld-attribute", "flag", words, f"nothing is held about {attribute}")


def _covers_times(mention: Mention, times: Iterable[Time], stated: Reading) -> bool:
    """Whether the times of a mention of the depiction cover all of these."""
    return all(_covers_time(mention, time, stated) for time in times)


def _covers_time(mention: Mention, time: Time, stated: Reading) -> bool:
    if any(same_time(time, one) for one in mention.times):
        return True
    if time.part == "throughout":
        return not mention.times
    always = any(one.part == "throughout" for one in mention.times)
    return always and any(same_time(time, one) for one in stated.times)


def _unheld_time(mention: Mention, same_attribute: Iterable[Mention]) -> Finding:
    known = sorted({time.words for one in same_attribute for time in one.times})
    message = f"{mention.attribute} is held of {', '.join(known) if known else 'no time'}"
    in_seconds = any(time.span is not None for time in mention.times)
    words = ", ".join(time.words for time in mention.times)
    return Finding("unheld-time", "reject" if in_seconds else "flag", words, message)


def _check_judgement(mention: Mention, candidates: list[Mention]) -> Iterator[Finding]:
    """A polarity that no candidate shares, or a degree far from that of every candidate."""
    judged = [one for one in candidates if one.polarity]
    same = [one for one in judged if one.polarity == mention.polarity]
    if judged and not same:
        yield _contradiction(mention, judged[0])
    elif same and mention.degree is not None:
        far = [one for one in same if one.degree and steps(one.degree, mention.degree) >= FAR]
        if far and not [one for one in same if one not in far and one.degree]:
            message = f"{mention.attribute} is held to be {far[0].degree}, not {mention.degree}"
            yield Finding("contradicted-degree", "reject", mention.words, message)


def _check_denial(mention: Mention, candidates: list[Mention]) -> Iterator[Finding]:
    """A "no" to what the depiction states at least as strongly as the question does."""
    judged = [one for one in candidates if one.polarity]
    same = [one for one in judged if one.polarity == mention.polarity]
    if not mention.polarity or not same or len(same) < len(judged):
        return
    asked = _rank(mention) * mention.polarity
    if mention.degree is None or all(_rank(one) * mention.polarity >= asked for one in same):
        yield _contradiction(mention, same[0])


def _contradiction(mention: Mention, other: Mention) -> Finding:
    message = f"{mention.attribute} is held to be {_grade(other)}: {other.words!r}"
    return Finding("contradicted-polarity", "reject", mention.words, message)


def _rank(mention: Mention) -> int:
    """The rank of the degree, or the usual one of its polarity."""
    return DEGREES[mention.degree].rank if mention.degree else _USUAL_RANK.get(mention.polarity, 2)


def _grade(mention: Mention) -> str:
    return mention.degree or ("good" if mention.polarity > 0 else "bad")


def _check_comparison(comparison: Comparison, stated: Reading) -> Iterator[Finding]:
    """A choice between times that is the wrong way round."""
    attribute = comparison.attribute
    same_attribute = _mentions_of(stated, attribute)
    if not same_attribute:
        yield _unheld_attribute(attribute, comparison.words)
        return
    chosen = [one for one in same_attribute if _covers_times(one, comparison.chosen, stated)]
    others = [
        one
        for one in same_attribute
        if one not in chosen and any(_covers_time(one, time, stated) for time in comparison.others)
    ]
    words = ", ".join(time.words for time in comparison.chosen)
    if not chosen:
        yield Finding("unheld-time", "flag", words, f"{attribute} is not held of that time")
    elif others and comparison.sign * (_rank(chosen[0]) - _rank(others[0])) < 0:
        message = f"{attribute} is held to be {_grade(chosen[0])} then"
        yield Finding("contradicted-polarity", "reject", words, message)


def _check_causes(statement: Statement, stated: Reading) -> Iterator[Finding]:
    """A reason that the depiction does not give."""
    given = [content_words(one.cause) for one in stated.mentions if one.cause]
    causes = [claim.mention.cause for claim in statement.claims if claim.mention.cause]
    for cause in dict.fromkeys([*causes, *([statement.cause] if statement.cause else [])]):
        own = content_words(cause)
        if not any(2 * len(own & words) >= min(len(own), len(words)) for words in given):
            message = "the depiction gives no such reason" if given else "it gives no reason"
            yield Finding("unheld-cause", "flag", cause, message)
