"""What a question and its answer state together about quality.

"How is the sharpness? Very low." states about sharpness what neither half states alone; "Is it
noisy? No." denies the question; "When does it stutter? At the end." has its time in the answer.
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
_PRESUPPOSES = re.compile(
    r"\b(?:when (?:do|does|did|is|are|was|can)|where|at (?:what|which)|during which|why|how often"
    r"|how frequent(?:ly)?|in which|what (?:moment|time|point|part)|which (?:moment|time|point|part"
    r"|half|section|segment|stretch)|what (?:causes?|caused|makes|is the (?:cause|reason)))\b",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"\b(?:why|what (?:causes?|caused|makes|is behind|is the (?:cause|reason))|reason)\b",
    re.IGNORECASE,
)
# The degree that such a question names is the one that it asks about.
_HOW_MUCH = re.compile(r"\bhow (?:severe|serious|strong|bad|heavy|good)", re.IGNORECASE)
_CHOICE = re.compile(r"\b(?:which|when|where)\b.{0,200}\bor\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Claim:
    """A mention that a pair states or denies; with `polarity` 0, only the attribute."""

    mention: Mention
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A choice between times: `chosen` are better than `others` (`sign` +1) or worse (-1)."""

    attribute: str
    sign: int
    chosen: tuple[Time, ...]
    others: tuple[Time, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Statement:
    """All that a pair states; `cause`: the answer to a question about the reason."""

    claims: tuple[Claim, ...]
    comparisons: tuple[Comparison, ...] = ()
    cause: str | None = None


def read_statement(question: str, answer: str) -> Statement:
    """What a pair states; the question may contain options, the answer may be a letter."""
    stem, options = _split_options(question)
    words = _answer_words(answer, options)
    asked = read(stem)
    if yes_no := _YES_NO.match(words):
        yes = yes_no[1].lower() == "yes"
        return Statement(_yes_no_claims(asked, yes, words[yes_no.end() :]))
    reply = read(words, asked.mentions[0].attribute if asked.mentions else None)
    if comparisons := _comparisons(stem, asked, reply):
        return Statement((), comparisons)
    claims = _answer_claims(stem, asked, reply, words)
    return Statement(claims, (), words if _WHY.search(stem) else None)


def _split_options(question: str) -> tuple[str, dict[str, str]]:
    """The question without its options, and the options by letter."""
    marks = list(_OPTION.finditer(question))
    if not marks or marks[0][1] != "A":
        return question, {}
    ends = [mark.start() for mark in marks[1:]] + [len(question)]
    texts = {
        mark[1]: question[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)
    }
    return question[: marks[0].start()], texts


def _answer_words(answer: str, options: dict[str, str]) -> str:
    """The answer in words, without the letter of its option."""
    letter = _LETTER.match(answer)
    if letter is None:
        return answer
    rest = answer[letter.end() :].strip()
    return rest or options.get(letter[1], "")


def _yes_no_claims(asked: Reading, yes: bool, rest: str) -> tuple[Claim, ...]:
    """The question's mentions, stated or denied, and what the rest of the answer adds."""
    claims = [Claim(mention, denied=not yes) for mention in asked.mentions]
    more = [_with_times(mention, asked.times) for mention in read(rest).mentions]
    if not yes:
        more = [one for one in more if one.polarity]
    return (*claims, *(Claim(mention) for mention in more))


def _answer_claims(stem: str, asked: Reading, reply: Reading, words: str) -> tuple[Claim, ...]:
    """The claims of an answer that is neither yes nor no."""
    presupposes = _PRESUPPOSES.search(stem) is not None
    answers = [one for one in reply.mentions if one.polarity]
    if not answers and not presupposes:
        return tuple(Claim(one) for one in _rated(asked, words))
    times = () if presupposes and reply.times else asked.times
    own = [_with_times(one, times) for one in answers]
    answered = {one.attribute for one in answers}
    topics = [
        replace(
            mention,
            polarity=mention.polarity if presupposes else 0,
            degree=mention.degree if presupposes and not _HOW_MUCH.search(stem) else None,
            times=(*mention.times, *reply.times) if presupposes else mention.times,
        )
        for mention in asked.mentions
        if mention.attribute not in answered
    ]
    return tuple(Claim(one) for one in (*own, *topics))


def _with_times(mention: Mention, times: tuple[Time, ...]) -> Mention:
    """The mention, with the question's times where it has none of its own."""
    return mention if mention.times else replace(mention, times=times)


def _rated(asked: Reading, words: str) -> list[Mention]:
    """What a bare rating ("Relatively poor") states about the attributes of the question."""
    rated: list[Mention] = []
    for mention in {one.attribute: one for one in asked.mentions}.values():
        ratings = [
            one
            for one in read(f"the {_noun(mention)} is {words}").mentions
            if one.attribute == mention.attribute and one.polarity
        ]
        times = mention.times or asked.times
        if ratings and any(word in LEXICON for word in re.findall(r"[a-z]+", words.lower())):
            rated.append(replace(ratings[0], times=times, words=words))
        else:
            rated.append(replace(mention, polarity=0, degree=None, times=times))
    return rated


def _noun(mention: Mention) -> str:
    """A noun for the attribute: the fault in the question, else a neutral one."""
    attribute = ATTRIBUTES[mention.attribute]
    words = mention.words.lower()
    if words in attribute.faults:
        return words
    return attribute.nouns[0] if attribute.nouns else attribute.faults[0]


def _comparisons(stem: str, asked: Reading, reply: Reading) -> tuple[Comparison, ...]:
    """The comparison of times that a question with "or" asks for and the answer decides."""
    if not _CHOICE.search(stem) or len(asked.times) < 2 or not reply.times:
        return ()
    others = tuple(
        time for time in asked.times if not any(same_time(time, one) for one in reply.times)
    )
    return tuple(
        Comparison(mention.attribute, mention.polarity, reply.times, others, mention.words)
        for mention in asked.mentions
        if mention.polarity and others
    )
