"""Terms that judge only by the words next to them: events of a subject, adjectives of things."""

from __future__ import annotations

from dataclasses import replace

from qbuild.language.clauses import Item
from qbuild.language.events import FILLERS
from qbuild.language.lexicon import CARRIERS, Term, term_at

_FILLERS = frozenset(("modifier", "excess", "negator", "absence", "nor", "less", "and"))
_EVEN = term_at(["even"], 0)
_BETWEEN = 6  # items between a subject and its event

_COPULAS = frozenset((
    "is", "are", "was", "were", "be", "being", "becomes", "become", "became", "looks", "look",
    "appears", "seems", "remains", "stays", "gets", "get", "turns", "feels", "keeps", "remain",
    "stay", "seem", "appear", "been",
))  # fmt: skip
# Things whose look is the picture's quality, and words that are not things.
_LOOKS = frozenset((
    "area", "areas", "region", "regions", "part", "parts", "night", "corner", "corners", "zone",
    "zones", "details", "impression", "look", "appearance", "presentation", "gradation",
    "lines", "subject", "subjects", "object", "objects", "tones", "landscape", "interior",
    "patches", "everywhere", "again", "enough", "overall", "throughout", "here", "there", "too",
    "at", "in", "on", "of", "for", "from", "to", "as", "all", "since", "even", "like", "only",
    "than", "during", "when", "is", "are", "was", "were", "it", "so", "about", "near",
    "because", "playing", "running", "looking", "under", "inside", "around", "into", "also",
    "later", "after", "before", "now", "then", "down", "up", "still", "by", "through", "visual",
    "visuals", "effect", "quality", "over", "recognisable", "recognizable", "visible",
    "distribution", "if", "every", "most", "experience", "moment", "moments", "surface",
    "surfaces", "sections", "section", "animation", "transition", "transitions", "operation",
    "performance", "today", "already", "anymore", "any", "mostly", "mainly", "especially",
    "particularly", "notably", "chiefly", "across", "against",
))  # fmt: skip


def resolve_events(clause: list[Item]) -> list[Item]:
    """The clause, where the event of a subject right before it became a fault or a merit."""
    resolved = clause
    for at, item in enumerate(clause):
        if isinstance(item.what, Term) and item.what.acts:
            subject = _find_subject(clause, at)
            term = _event_of(item.what, subject) if subject else None
            if term is not None:
                resolved = clause[:] if resolved is clause else resolved
                resolved[at] = replace(item, what=term)
            elif item.what.kind == "event":
                resolved = clause[:] if resolved is clause else resolved
                resolved[at] = replace(item, kind="word", what="")
    return resolved


def _find_subject(clause: list[Item], at: int) -> Term | None:
    """The subject or noun before an event, across auxiliary words, degrees, times and places."""
    for item in reversed(clause[max(at - _BETWEEN, 0) : at]):
        if isinstance(item.what, Term):
            if item.what.subjects or item.what.kind == "noun":
                return item.what
            if item.what.kind not in _FILLERS and not item.what.acts:
                return None
        elif item.kind == "word" and item.what not in FILLERS:
            return None
    return None


def _event_of(event: Term, subject: Term) -> Term | None:
    """The event as a term: a fault or merit of its attribute, or a rating of the noun's."""
    for name, attribute, polarity in event.acts:
        if name in subject.subjects:
            kind = "fault" if polarity < 0 else "quality"
            return Term(kind, ((attribute, polarity),))  # type: ignore[arg-type]
        if name == "noun" and subject.kind == "noun" and event.kind not in CARRIERS:
            return Term("rating", polarity=polarity, strength="plain")
    return None


def is_about_subject(part: list[Item], at: int) -> bool:
    """Whether a rating is of the whole picture: "except for noise, the picture is excellent"."""
    term = part[at].what
    subject = _find_subject(part, at)
    is_rating = isinstance(term, Term) and term.kind == "rating"
    return is_rating and subject is not None and not subject.senses and subject.kind == "subject"


def drop_attributive(part: list[Item]) -> list[Item]:
    """The part without adjectives of sounds, and without those before a noun of everyday things."""
    if any(isinstance(item.what, Term) and item.what.kind == "sound" for item in part):
        return [item for item in part if not _is_quality(item)]
    return [item for at, item in enumerate(part) if not _is_attributive(part, at)]


def _is_quality(item: Item) -> bool:
    return isinstance(item.what, Term) and item.what.kind == "quality"


def _is_attributive(part: list[Item], at: int) -> bool:
    term = part[at].what
    if not isinstance(term, Term) or not term.everyday or at + 1 >= len(part):
        return False
    after = part[at + 1]
    if _EVEN and term == _EVEN[0] and not isinstance(after.what, Term):
        return True  # "low even in the shadows"
    if isinstance(after.what, Term) and after.what.senses and after.what.senses[0][1] < 0:
        return True  # "a single stutter", "clearly noisy"
    before = part[at - 1] if at else None
    if before and (before.what in _COPULAS or isinstance(before.what, Term)):
        return False
    return after.kind == "word" and isinstance(after.what, str) and after.what not in _LOOKS
