"""Which words of a sentence judge which attribute, and their combined judgement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from qbuild.language.clauses import Item
from qbuild.language.judging import (
    Bound,
    add_term,
    mark_excess,
    mark_less,
    mark_so,
    mark_wish,
    negate,
    settle,
)
from qbuild.language.lexicon import CARRIERS, Term
from qbuild.language.predicates import drop_attributive, is_about_subject, resolve_events

_REACH = 3  # a word judges an attribute that follows it this closely, else the one before it
_NEGATED_REACH = 9
# Between a negation and the fault that it denies, and right after one that follows the fault; with
# another word ("do not like the noise", "the noise is not rare") it is not sure what is denied.
_DENIAL = frozenset((
    "a", "an", "the", "any", "be", "been", "being", "is", "are", "was", "were", "it", "its",
    "at", "to", "from", "of", "in", "on", "with", "there", "here", "have", "has", "had", "see",
    "seen", "sees", "find", "found", "finds", "spot", "notice", "noticed", "observe",
    "observed", "detect", "detected", "show", "shows", "showing", "exhibit", "exhibits",
    "contain", "contains", "appear", "appears", "occur", "occurs", "exist", "exists", "happen",
    "happens", "arise", "arises", "become", "becomes", "get", "gets", "look", "looks", "seem",
    "seems", "turn", "crops", "set", "sets", "ever", "once", "even", "really", "anymore", "all",
    "as", "visible", "present", "apparent", "evident", "detectable", "discernible",
    "perceptible", "audible", "when", "while", "during", "sign", "signs", "trace", "traces",
    "kind", "form", "part", "parts", "one", "could", "can", "call", "time", "moment", "single",
    "whatsoever", "sky", "ground", "by", "so", "particularly", "especially", "or", "edge",
    "edges", "suffer", "disturb", "disturbs", "he", "she", "they", "we", "you", "i", "play",
    "plays", "anywhere", "for", "point", "image", "obvious", "shot", "this", "picture", "no",
))  # fmt: skip
_WISH_REACH = 5
_JUDGING = frozenset((
    "rating", "control", "loss", "growth", "amount", "modifier", "excess", "less", "instead",
    "wish", "so",
))  # fmt: skip
_NEGATING = frozenset(("negator", "absence", "nor", "free", "missing"))
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


def bind(
    clauses: list[list[Item]], noun: str | None = None, turns: Sequence[bool] = ()
) -> list[list[Bound]]:
    """The judged attributes of each clause of a sentence.

    `noun` is the attribute that it is about, `turns` which clauses follow a word of contrast.
    """
    by_clause: list[list[Bound]] = []
    before: Bound | None = None
    replaced = False  # "instead of the singer, the wall is in focus" is no praise
    for number, clause in enumerate(clauses):
        own: list[Bound] = []
        if turns and turns[number]:
            before = None  # "no flicker but noise"
        for part in _parts(resolve_events(clause)):
            if own:
                _add_after(own[-1], part)
            for carrier in _judged(part, noun, before):
                own.append(carrier)
                noun = carrier.attribute if carrier.by_noun else noun
                before = carrier
        for carrier in own[:1] if replaced else ():
            carrier.polarity, carrier.strengths = 0, set()
        replaced = not own and any(_is_kind(item, "instead") for item in clause)
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
    part = drop_attributive(part)
    words = [item.what for item in part if item.kind == "word"]
    listed = VERBS.isdisjoint(words)
    carriers = _merged(_carriers(part), noun if listed or not _PRONOUNS.isdisjoint(words) else None)
    if not carriers:
        return []
    touched = _judge_all(carriers, part)
    first = carriers[0]
    first.asked = _asks_how(part)
    if (
        before
        and before.denied
        and listed
        and not touched
        and first.term.kind == "fault"
        and "just" not in words
    ):
        first.negations += 1  # "no flicker or noise"
    for carrier in carriers:
        carrier.listed = listed
        settle(carrier)
    return carriers


def _judge_all(carriers: list[Bound], part: list[Item]) -> bool:
    """Let each word judge the attribute in its reach; whether there was one."""
    terms = [(at, item.what) for at, item in enumerate(part) if isinstance(item.what, Term)]
    touched = False
    end = 0
    for at, term in terms:
        if at >= end and term.kind in _JUDGING:
            end = _judge_by(carriers, at, term, part)
            touched = True
    for at, term in terms:
        if term.kind in _NEGATING:
            _negate(carriers, at, term, part)
            touched = True
    return touched


def _judge_by(carriers: list[Bound], at: int, term: Term, part: list[Item]) -> int:
    """Let one word judge the attribute in its reach; returns the position after the word."""
    if term.kind == "excess":
        return _judge_excess(carriers, at, term, part)
    if term.kind in ("wish", "so"):
        reach = _WISH_REACH if term.kind == "wish" else 1
        after = next((one for one in carriers if 0 < one.at - at <= reach), None)
        if after is not None and after.term.kind == "quality":
            (mark_wish if term.kind == "wish" else mark_so)(after)
        return at + 1
    target = _nearest(carriers, at)
    if term.kind == "less":
        mark_less(target)
    elif term.kind == "instead":
        target.unsure = True
    elif target.at > at or not is_about_subject(part, at):
        add_term(target, term)
    return at + 1


def _judge_excess(carriers: list[Bound], at: int, term: Term, part: list[Item]) -> int:
    """Bind "too" to what follows it, across degrees and amounts, else to the attribute before.

    Returns the position after these degrees and amounts.
    """
    end = at + 1
    while end < len(part) and _grades(part[end]):
        end += 1
    after = next((one for one in carriers if one.at == end), None)
    before = next((one for one in reversed(carriers) if one.at < at), None)
    if after is None and before is None:  # "colors too cold to be natural"
        before = next((one for one in carriers if one.start < part[at].start), None)
    target = after or (before if term.scale or at + 1 < len(part) else None)
    if target is not None:
        mark_excess(target, term)
    return end


def _is_sure(items: list[Item]) -> bool:
    """Whether a negation has only verbs of being and seeing, so that it denies the fault."""
    return not any(
        (item.kind == "word" and item.what not in _DENIAL)
        or _is_kind(item, "rating", "loss", "growth", "wish", "so")
        for item in items
    )


def _is_graded(part: list[Item], at: int) -> bool:
    """Whether a rating follows soon: "neither precise nor reliable"."""
    return any(_is_kind(item, "rating", "control", "amount") for item in part[at + 1 : at + 3])


def _is_kind(item: Item, *kinds: str) -> bool:
    return isinstance(item.what, Term) and item.what.kind in kinds


def _grades(item: Item) -> bool:
    return _is_kind(item, "modifier", "amount", "rating")


def _asks_how(part: list[Item]) -> bool:
    """Whether the part asks for a degree: "how sharp", "how much noise", "how does it change"."""
    for item, after in pairwise(part):
        if isinstance(item.what, Term) and item.what.kind == "how":
            return isinstance(after.what, Term) or after.what in ("do", "does", "did")
    return False


def _add_after(carrier: Bound, part: list[Item]) -> None:
    """Let words without an attribute of their own judge the one before, if nothing grades it."""
    terms = [item.what for item in part if isinstance(item.what, Term)]
    if carrier.strengths or any(term.kind in CARRIERS for term in terms):
        return
    words = list(takewhile(lambda item: item.what not in VERBS, part))
    if carrier.bare and _judge_bare(carrier, part, words):
        settle(carrier)
    elif len(words) <= _AFTERTHOUGHT:
        for item in words:
            if isinstance(item.what, Term) and item.what.kind == "modifier":
                add_term(carrier, item.what)


def _judge_bare(carrier: Bound, part: list[Item], words: list[Item]) -> bool:
    """Judge a noun by what follows "and": "warm and pleasant", "sky and ground is too strong"."""
    for at, item in enumerate(part[:-1]):
        if isinstance(item.what, Term) and item.what.kind == "excess":
            mark_excess(carrier, item.what)
            return True
        if at > _AFTERTHOUGHT:
            break
    first = part[0].what if len(words) == len(part) == 1 else None
    if isinstance(first, Term) and first.kind == "rating":
        add_term(carrier, first)
        return True
    return False


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


def _negate(carriers: list[Bound], at: int, term: Term, part: list[Item]) -> None:
    """Apply a negating word to the attribute in its reach."""
    before = next((one for one in reversed(carriers) if one.at < at), None)
    after = next((one for one in carriers if 0 < one.at - at <= _NEGATED_REACH), None)
    if term.kind == "free":
        if before is not None and at - before.at == 1:
            negate(before, is_after=False, severity=False)
    elif after is not None and not (term.kind == "missing" and before is not None):
        if term.kind != "nor" or not after.negations:  # "neither the sky nor the sea is sharp"
            negate(after, is_after=True, severity=False)
            between = part[at + 1 : after.at]
            is_place = any(item.what in ("in", "on") for item in between)
            after.unsure |= _is_fault(after) and (is_place or not _is_sure(between))
    elif before is not None and (
        term.kind in ("negator", "missing") or (_is_graded(part, at) and not before.negations)
    ):
        _negate_before(before, at, term, part)


def _negate_before(before: Bound, at: int, term: Term, part: list[Item]) -> None:
    """Apply a negating word to the attribute before it: its degree, or itself."""
    rest = part[at:]
    severity = any(_is_kind(item, "modifier") for item in rest)
    negate(before, is_after=False, severity=severity)
    if before.term.kind == "fault" and not severity and term.kind != "missing":
        graded = any(_is_kind(item, "amount", "control") for item in rest)
        before.unsure |= not graded and (len(rest) < 2 or not _is_sure(rest[1:4]))


def _is_fault(carrier: Bound) -> bool:
    return carrier.term.kind == "fault" or carrier.term.senses[0][1] < 0


def _shares_denial(one: Bound, following: Bound) -> bool:
    """Whether a list of faults ends with its denial: "noise and blur are absent"."""
    is_fault = one.term.kind == following.term.kind == "fault"
    plain = one.listed and not one.negations and not one.strengths and one.polarity < 0
    return is_fault and plain and following.denied_behind and following.polarity > 0


def _inherit(carriers: list[Bound]) -> None:
    """Give nouns in a list the judgement at its end, or at its beginning."""
    for one, following in reversed(list(pairwise(carriers))):
        if _shares_denial(one, following):
            one.polarity, one.denied_behind = 1, True
        if one.bare and one.listed and following.by_noun and following.polarity:
            one.polarity, one.strengths = following.polarity, following.strengths
    for before, one in pairwise(carriers):
        if one.bare and one.listed and before.term.kind == "noun" and before.polarity:
            one.polarity, one.strengths = before.polarity, before.strengths
