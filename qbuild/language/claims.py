"""What a question and its answer state together about quality.

"How is the sharpness? Very low." states of sharpness what neither half states alone; "Is it noisy?
No." denies what the question says; "When does it stutter? At the end." has its time in the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from qbuild.language.attributes import ATTRIBUTES
from qbuild.language.lexicon import LEXICON
from qbuild.language.mentions import Mention, Reading, read
from qbuild.language.times import Time, same_time

_OPTION = re.compile(r"(?:^|\s)\(?([A-F])[.):](?=\s)")
_LETTER = re.compile(r"\s*\(?([A-F])(?:[.):]\s*|\s*$)")
_YES_NO = re.compile(r"\s*(yes|no)\b[\s,.:;!-]{0,4}", re.IGNORECASE)
_SUPPOSES = re.compile(
    r"\b(?:when (?:do|does|did|is|are|was|can)|where|at (?:what|which)|during which|why|how often"
    r"|how frequent(?:ly)?|in which|what (?:moment|time|point|part)|which (?:moment|time|point|part"
    r"|half|section|segment|stretch)|what (?:causes?|caused|makes|is the (?:cause|reason)))\b",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"\b(?:why|what (?:causes?|caused|makes|is behind|is the (?:cause|reason))|reason)\b",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\b(?:which|when|where)\b.{0,200}\bor\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Claim:
    """A mention that a pair states, or denies; `polarity` 0 states only that there is one."""

    mention: Mention
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which of several times a pair calls the better one (`sign` +1) or the worse one (-1)."""

    attribute: str
    sign: int
    chosen: tuple[Time, ...]
    others: tuple[Time, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Stated:
    """All that a pair states; `cause` holds the words that answer a question for the reason."""

    claims: tuple[Claim, ...]
    comparisons: tuple[Comparison, ...] = ()
    cause: str | None = None


def stated(question: str, answer: str) -> Stated:
    """What the pair states; options may stand in the question, the answer may be a letter."""
    stem, options = _options(question)
    said = _chosen(answer, options)
    asked = read(stem)
    if verdict := _YES_NO.match(said):
        yes = verdict[1].lower() == "yes"
        return Stated(_verdict(asked, yes, said[verdict.end() :]))
    told = read(said, asked.mentions[0].attribute if asked.mentions else None)
    if compared := _compared(stem, asked, told):
        return Stated((), compared)
    return Stated(_told(stem, asked, told, said), (), said if _WHY.search(stem) else None)


def _options(question: str) -> tuple[str, dict[str, str]]:
    """The question without its options, and the options by letter."""
    found = list(_OPTION.finditer(question))
    if not found or found[0][1] != "A":
        return question, {}
    ends = [one.start() for one in found[1:]] + [len(question)]
    texts = {
        one[1]: question[one.end() : end].strip() for one, end in zip(found, ends, strict=True)
    }
    return question[: found[0].start()], texts


def _chosen(answer: str, options: dict[str, str]) -> str:
    """The answer in words, without the letter of its option."""
    letter = _LETTER.match(answer)
    if letter is None:
        return answer
    rest = answer[letter.end() :].strip()
    return rest or options.get(letter[1], "")


def _verdict(asked: Reading, yes: bool, rest: str) -> tuple[Claim, ...]:
    """The question's mentions, stated or denied, and what the answer adds."""
    claims = [Claim(mention, denied=not yes) for mention in asked.mentions]
    more = [_timed(mention, asked.times) for mention in read(rest).mentions]
    if not yes:
        more = [one for one in more if one.polarity]
    return (*claims, *(Claim(mention) for mention in more))


def _told(stem: str, asked: Reading, told: Reading, said: str) -> tuple[Claim, ...]:
    """The claims of an answer that is neither yes nor no."""
    supposed = _SUPPOSES.search(stem) is not None
    answers = [one for one in told.mentions if one.polarity]
    if not answers and not supposed:
        return tuple(Claim(one) for one in _rated(asked, said))
    own = [_timed(one, () if supposed and told.times else asked.times) for one in answers]
    answered = {one.attribute for one in answers}
    topics = [
        replace(
            mention,
            polarity=mention.polarity if supposed else 0,
            degree=mention.degree if supposed and not _how(stem) else None,
            times=(*mention.times, *told.times) if supposed else mention.times,
        )
        for mention in asked.mentions
        if mention.attribute not in answered
    ]
    return tuple(Claim(one) for one in (*own, *topics))


def _how(stem: str) -> bool:
    """Whether a degree in the question is the one that is asked for."""
    return (
        re.search(r"\bhow (?:severe|serious|strong|bad|heavy|good)", stem, re.IGNORECASE)
        is not None
    )


def _timed(mention: Mention, times: tuple[Time, ...]) -> Mention:
    """The mention, at the question's times where it has none of its own."""
    return mention if mention.times else replace(mention, times=times)


def _rated(asked: Reading, said: str) -> list[Mention]:
    """What a bare rating ("Relatively poor") says of the attributes asked for."""
    found: list[Mention] = []
    for mention in {one.attribute: one for one in asked.mentions}.values():
        ratings = [
            one
            for one in read(f"the {_noun(mention)} is {said}").mentions
            if one.attribute == mention.attribute and one.polarity
        ]
        judged = bool(ratings) and _judges(said)
        times = mention.times or asked.times
        neutral = replace(mention, polarity=0, degree=None, times=times)
        found.append(replace(ratings[0], times=times, words=said) if judged else neutral)
    return found


def _judges(said: str) -> bool:
    return any(word in LEXICON for word in re.findall(r"[a-z]+", said.lower()))


def _noun(mention: Mention) -> str:
    """A noun that the attribute goes by: the fault asked for, else a neutral one."""
    attribute = ATTRIBUTES[mention.attribute]
    if mention.words.lower() in attribute.faults or not attribute.nouns:
        return (
            mention.words.lower()
            if mention.words.lower() in attribute.faults
            else (attribute.faults[0])
        )
    return attribute.nouns[0]


def _compared(stem: str, asked: Reading, told: Reading) -> tuple[Comparison, ...]:
    """The comparison of times that a question with "or" asks for and the answer decides."""
    if not _CHOICE.search(stem) or len(asked.times) < 2 or not told.times:
        return ()
    others = tuple(
        time for time in asked.times if not any(same_time(time, one) for one in told.times)
    )
    return tuple(
        Comparison(mention.attribute, mention.polarity, told.times, others, mention.words)
        for mention in asked.mentions
        if mention.polarity and others
    )
