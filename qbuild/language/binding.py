"""Which words of a sentence judge which attribute, and their combined judgement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from qbuild.language.clauses import Item
from qbuild.language.degrees import Strength, degree_of
from qbuild.language.lexicon import CARRIERS, Term

_REACH = 3  # a word judges an attribute that follows it this closely, else the one before it
_NEGATED_REACH = 6
_AFTERTHOUGHT = 4  # items of "and with minor amplitude"
# A clause with one of these is complete; without one, it continues a list.
VERBS = frozenset((
    "is", "are", "was", "were", "be", "being", "has", "have", "had", "becomes", "become",
    "became", "shows", "show", "appears", "appear", "occurs", "occur", "exists", "exist",
    "seems", "seem", "looks", "look", "remains", "remain", "stays", "stay", "gets", "get",
    "suffers", "contains", "contain", "there", "turns", "turn", "runs", "run", "keeps",
    "keep", "feels", "plays",
))  # fmt: skip
_PRONOUNS = frozenset(("it", "they", "this", "that", "these"))


@dataclass(slots=True)
class Bound:
    """An attribute in a sentence with its judgement; `start`, `end` are positions in the text."""

    term: Term
    at: int
    start: int
    end: int
    attribute: str
    polarity: int = 0
    strengths: set[Strength] = field(default_factory=set)
    negated: bool = False
    listed: bool = False  # in a clause without a verb
    by_noun: bool = False

    @property
    def degree(self) -> str | None:
        """The name of the degree, None where no word expresses one."""
        return degree_of(self.polarity, self.strengths)

    @property
    def bare(self) -> bool:
        """Whether it is a noun that nothing judges."""
        return self.term.kind == "noun" and not self.polarity and not self.strengths


def bind(clauses: list[list[Item]], noun: str | None = None) -> list[list[Bound]]:
    """The judged attributes of each clause of a sentence; `noun` is the attribute it is about."""
    by_clause: list[list[Bound]] = []
    before: Bound | None = None
    for clause in clauses:
        own: list[Bound] = []
        for part in _parts(clause):
            if own:
                _add_after(own[-1], part)
            for carrier in _judged(part, noun, before):
                own.append(carrier)
                noun = carrier.attribute if carrier.by_noun else noun
                before = carrier
        by_clause.append(own)
    _inherit([carrier for own in by_clause for carrier in own])
    return by_clause


def _parts(clause: list[Item]) -> Iterator[list[Item]]:
    """The clause split at "and", "with" and causes."""
    part: list[Item] = []
    for item in clause:
        if isinstance(item.what, Term) and item.what.kind in ("and", "with", "cause"):
            yield part
            part = []
        else:
            part.append(item)
    yield part


def _judged(part: list[Item], noun: str | None, before: Bound | None) -> list[Bound]:
    """The attributes of one part, judged by the words around them."""
    words = [item.what for item in part if item.kind == "word"]
    listed = VERBS.isdisjoint(words)
    carriers = _merged(_carriers(part), noun if listed or not _PRONOUNS.isdisjoint(words) else None)
    if not carriers:
        return []
    touched = False
    for at, item in enumerate(part):
        if isinstance(item.what, Term) and item.what.kind in ("rating", "amount", "modifier"):
            _add(_nearest(carriers, at), item.what)
            touched = True
    for at, item in enumerate(part):
        if isinstance(item.what, Term) and item.what.kind in ("negator", "free"):
            _negate(carriers, at, item.what, part)
            touched = True
    first = carriers[0]
    if before and _denied(before) and listed and not touched and first.term.kind == "fault":
        first.negated = True  # "no flicker or noise"
    for carrier in carriers:
        carrier.listed = listed
        _settle(carrier)
    return carriers


def _add_after(carrier: Bound, part: list[Item]) -> None:
    """Let words without an attribute of their own judge the one before, if nothing grades it."""
    words = list(takewhile(lambda item: item.what not in VERBS, part))
    terms = [item.what for item in words if isinstance(item.what, Term)]
    if carrier.strengths or any(term.kind in CARRIERS for term in terms):
        return
    if len(words) > _AFTERTHOUGHT:
        return
    for term in terms:
        if term.kind == "modifier":
            _add(carrier, term)


def _denied(carrier: Bound) -> bool:
    return carrier.negated and carrier.term.kind == "fault"


def _carriers(part: list[Item]) -> list[Bound]:
    return [
        Bound(item.what, at, item.start, item.end, item.what.senses[0][0])
        for at, item in enumerate(part)
        if isinstance(item.what, Term) and item.what.kind in CARRIERS
    ]


def _merged(carriers: list[Bound], noun: str | None) -> list[Bound]:
    """Join adjectives with the noun they judge: before them, right after, or `noun`."""
    kept: list[Bound] = []
    skip = False
    for n, carrier in enumerate(carriers):
        if skip:
            skip = False
            continue
        if carrier.term.kind == "quality":
            after = carriers[n + 1] if n + 1 < len(carriers) else None
            if kept and kept[-1].term.kind == "noun":
                _join(carrier, kept.pop())
            elif after and after.at - carrier.at <= 2 and _fits(carrier, after):
                _join(carrier, after)
                skip = True
            elif noun is not None:
                _choose(carrier, noun)
        kept.append(carrier)
    return kept


def _fits(carrier: Bound, after: Bound) -> bool:
    return after.term.kind == "noun" and after.attribute in dict(carrier.term.senses)


def _join(carrier: Bound, noun: Bound) -> None:
    """Let the adjective judge the noun's attribute, even one that is not among its senses."""
    senses = dict(carrier.term.senses)
    polarity = senses.get(noun.attribute, carrier.term.senses[0][1])
    carrier.term = Term("quality", ((noun.attribute, polarity),))
    carrier.attribute, carrier.by_noun = noun.attribute, True
    carrier.start, carrier.end = min(carrier.start, noun.start), max(carrier.end, noun.end)


def _choose(carrier: Bound, noun: str) -> None:
    """Choose the sense of the sentence's noun, where the adjective has it."""
    senses = dict(carrier.term.senses)
    if noun in senses:
        carrier.term = Term("quality", ((noun, senses[noun]),))
        carrier.attribute, carrier.by_noun = noun, True


def _nearest(carriers: list[Bound], at: int) -> Bound:
    after = next((one for one in carriers if one.at > at), None)
    before = next((one for one in reversed(carriers) if one.at < at), None)
    if after and (before is None or after.at - at <= _REACH):
        return after
    return before or carriers[0]


def _add(carrier: Bound, term: Term) -> None:
    sign = term.polarity
    fault = carrier.term.kind == "fault"
    strength = _strength(term, carrier.term.kind)
    if term.kind == "modifier":
        carrier.strengths.add(strength)
    elif fault:
        carrier.strengths.add(strength)
        if strength in ("good", "top"):
            carrier.polarity = 1
    elif carrier.term.kind == "noun":
        carrier.strengths -= {"good", "plain", "top", "worst"} if carrier.polarity else set()
        carrier.polarity = sign
        carrier.strengths.add(strength)
    elif sign == carrier.term.senses[0][1]:
        carrier.strengths.add(strength)


def _strength(term: Term, kind: str) -> Strength:
    """The strength of a judging word: a high amount is severe for a fault, good for an attribute.

    A weak fault is slight, a weak attribute is poor.
    """
    if term.kind != "amount":
        weak = term.kind == "rating" and term.strength == "light" and kind != "fault"
        return "plain" if weak or term.strength is None else term.strength
    if kind == "fault":
        return "severe" if term.polarity > 0 else "good"
    return "good" if term.polarity > 0 else "plain"


def _negate(carriers: list[Bound], at: int, term: Term, part: list[Item]) -> None:
    """Apply a negating word to the attribute in its reach."""
    before = next((one for one in reversed(carriers) if one.at < at), None)
    after = next((one for one in carriers if 0 < one.at - at <= _NEGATED_REACH), None)
    if term.kind == "free":
        if before is not None and at - before.at == 1:
            before.negated = True
        return
    if after is not None:
        after.negated = True
    elif before is not None:
        severity = any(
            isinstance(item.what, Term) and item.what.kind == "modifier" for item in part[at:]
        )
        if before.term.kind == "fault" and severity:
            before.strengths = {"light"}  # "the flicker is not very severe"
        else:
            before.negated = True


def _settle(carrier: Bound) -> None:
    """Set the polarity, once all words are known."""
    kind = carrier.term.kind
    if kind == "noun":
        carrier.by_noun = True
        if carrier.negated and not carrier.polarity:
            carrier.polarity, carrier.negated = -1, False  # "lack of clarity"
    elif kind == "fault":
        if carrier.negated:
            carrier.polarity = 1
            carrier.strengths = {"good"} if carrier.strengths - {"light"} else set()
            return
        carrier.polarity = carrier.polarity or -1
    else:
        carrier.polarity = carrier.term.senses[0][1]
    if carrier.negated:
        carrier.polarity = -carrier.polarity
        carrier.strengths = {"light"} if "strong" in carrier.strengths else set()


def _inherit(carriers: list[Bound]) -> None:
    """Give nouns in a list the judgement at its end, or at its beginning."""
    for one, following in reversed(list(pairwise(carriers))):
        if one.bare and one.listed and following.by_noun and following.polarity:
            one.polarity, one.strengths = following.polarity, following.strengths
    for before, one in pairwise(carriers):
        if one.bare and one.listed and before.term.kind == "noun" and before.polarity:
            one.polarity, one.strengths = before.polarity, before.strengths
