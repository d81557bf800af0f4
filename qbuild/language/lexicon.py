"""Every known expression, looked up by its words: the longest at a position wins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from qbuild.language.attributes import ALONE, ATTRIBUTES, split_expressions
from qbuild.language.degrees import (
    AMOUNTS,
    CONTROLLED,
    EXCESS,
    GROWTH,
    LOSSES,
    MODIFIERS,
    RATINGS,
    THAN_RIGHT,
    Strength,
)
from qbuild.language.events import EVENTS, SUBJECTS

Kind = Literal[
    "noun", "fault", "quality", "rating", "control", "loss", "growth", "amount", "modifier",
    "excess", "negator", "absence", "less", "free", "turn", "cause", "and", "with", "skip",
    "subject", "event", "how", "instead", "wish", "so", "sound", "nor",
    "missing",
]  # fmt: skip
CARRIERS: frozenset[Kind] = frozenset(("noun", "fault", "quality"))

NEGATORS = """loses, lose, losing, by far not, not nearly, not remotely, not really, needs more,
    need more, needs better, requires more, could use, could do with, would benefit from, would
    profit from, not, never, hardly, not any, cannot, no longer, nothing, nobody, barely,
    scarcely, by no means, in no way, not at all, not exactly, not even, hardly ever, in no
    case, lack, lacks, lacking in, lacking, far from, anything but, nowhere near, fails to be,
    fail to be, isnt, arent, wasnt, werent, dont, doesnt, didnt, cant, couldnt, wont, havent,
    hasnt, wouldnt, shouldnt, isn t, aren t, wasn t, don t, doesn t, didn t, can t, couldn t,
    won t, hasn t"""
# These words state that their subject is absent.
MISSING = """absent, nowhere, none, invisible, imperceptible, unnoticeable, not visible, not
    noticeable, not perceptible, not present, not seen, plays no role, play no role, leaves no
    traces, leaves no trace, leaves no visible traces, no visible traces"""
# These deny only what follows: "the plot has no holes" says nothing against the plot.
ABSENCES = """everything but, all but, not a single, not one, not the slightest, not a, not an,
    not the least, zero, hard pressed to find, hard to find, difficult to find, no, without,
    without any, free of, free from, neither, lack of, absence of, almost no, nearly no, hardly
    any, none of, devoid of, barely any, scarcely any, neither of, rid of, not a trace of, no
    trace of, no sign of, clear of, devoid"""
# What should be sharper is not sharp; of a fault they state nothing.
WISHES = """wish, wishes, should be, could be, ought to be, should have been, could have been,
    would like, might be, has to be, have to be, needs to be, must be"""
# Statements about these are not about the image.
SOUNDS = "sound, sounds, audio, voice, voices, music, soundtrack, speech, melody"
TURNS = """however, but, yet, although, though, whereas, nevertheless, nonetheless, despite, in
    contrast, on the other hand, even so, unfortunately, conversely, still though"""
CAUSES = """due to, because of, because, caused by, as a result of, owing to, thanks to,
    resulting from, a result of, on account of, brought about by, stems from, stemming from"""
AND = "and, or, plus, as well as, along with, accompanied by, together with, which, that, where"
# Adjectives of everyday things too: before the noun of one ("a sharp knife") they state nothing.
EVERYDAY = """clearly, steadily, smoothly, sharply, constant, consistent, uniform, sharp, clean,
    clear, dark, bright, soft, colorful, colourful, natural, even, rich, dull, single, smooth,
    fluid, pale, vivid, steady, stable, balanced"""
# Expressions without a judgement whose words would otherwise have one.
SKIPPED = """every few, few seconds, few moments, few minutes, few steps, first few, last few,
    were it not for, if it were not for, if it was not for, if not for, not only, more or less,
    no doubt, without doubt, light weight, market stall, market stalls, at least, focus on,
    focuses on, low light, blur of, well as, in detail, like new, traffic light, traffic lights,
    street light, street lights, on the whole, sunlight, in general, high speed, at high, low
    angle, high angle, still image, the tone of, short term, long term, small object, small
    objects, few people, many people, little girl, little boy, quality of the, stable quality of"""


class Term(NamedTuple):
    """The meaning of one expression.

    `senses` are pairs of attribute and polarity (0 for a noun that does not judge), `polarity` and
    `strength` what a word adds to the attribute next to it.
    """

    kind: Kind
    senses: tuple[tuple[str, int], ...] = ()
    polarity: int = 0
    strength: Strength | None = None
    scale: bool = False  # a fault that "good" may judge ("noise level"), an excess that may end
    everyday: bool = False  # an adjective of everyday things too
    subjects: tuple[str, ...] = ()
    acts: tuple[tuple[str, str, int], ...] = ()  # of an event: (subject, attribute, polarity)


def _attribute_terms() -> Iterator[tuple[str, Term]]:
    """The expressions of the attributes, each with all its senses, that of `ALONE` first."""
    kinds: dict[str, Kind] = {}
    senses: dict[str, list[tuple[str, int]]] = {}
    for name, attribute in ATTRIBUTES.items():
        cells: tuple[tuple[tuple[str, ...], Kind, int], ...] = (
            (attribute.nouns, "noun", 0),
            (attribute.faults, "fault", -1),
            (attribute.good, "quality", 1),
            (attribute.bad, "quality", -1),
        )
        for phrases, kind, polarity in cells:
            for phrase in phrases:
                kinds.setdefault(phrase, kind)
                senses.setdefault(phrase, []).append((name, polarity))
    everyday = frozenset(split_expressions(EVERYDAY))
    for phrase, phrase_senses in senses.items():
        alone = [sense for sense in phrase_senses if sense[0] == ALONE.get(phrase)]
        rest = [sense for sense in phrase_senses if sense not in alone]
        term = Term(kinds[phrase], (*alone, *rest))
        scale = phrase.endswith((" level", " levels"))
        yield phrase, term._replace(scale=scale, everyday=phrase in everyday)


def _degree_terms() -> Iterator[tuple[str, Term]]:
    cells = [(cell, Term("modifier", strength=strength)) for strength, cell in MODIFIERS.items()]
    cells += [
        (cell, Term("rating", polarity=polarity, strength=strength))
        for (polarity, strength), cell in RATINGS.items()
    ]
    cells += [(CONTROLLED, Term("control", polarity=1, strength="good"))]
    cells += [(THAN_RIGHT, Term("excess", polarity=-1, strength="plain", scale=True))]
    cells += [(GROWTH, Term("growth", polarity=1, strength="severe"))]
    cells += [(LOSSES, Term("loss", polarity=-1, strength="plain"))]
    cells += [
        (cell, Term("excess", polarity=-1, strength=strength)) for strength, cell in EXCESS.items()
    ]
    cells += [(cell, Term("amount", polarity=polarity)) for polarity, cell in AMOUNTS.items()]
    for cell, term in cells:
        for phrase in split_expressions(cell):
            yield phrase, term


def _structure_terms() -> Iterator[tuple[str, Term]]:
    cells: tuple[tuple[str, Kind], ...] = (
        (NEGATORS, "negator"), (ABSENCES, "absence"), (MISSING, "missing"),
        (TURNS, "turn"), (CAUSES, "cause"),
        (AND, "and"),
        ("with, while having, featuring", "with"), ("free", "free"), (SKIPPED, "skip"),
        ("less, fewer", "less"), ("how", "how"), ("instead, instead of", "instead"),
        (WISHES, "wish"), ("so", "so"), ("nor", "nor"), (SOUNDS, "sound"),
    )  # fmt: skip
    for cell, kind in cells:
        for phrase in split_expressions(cell):
            yield phrase, Term(kind)


def _event_terms(known: dict[str, Term]) -> Iterator[tuple[str, Term]]:
    """Subjects and events; an event that is a term already stays one, and is an event too."""
    subjects: dict[str, list[str]] = {}
    for subject, words in SUBJECTS.items():
        for phrase in split_expressions(words):
            subjects.setdefault(phrase, []).append(subject)
    for phrase, classes in subjects.items():
        yield phrase, known.get(phrase, Term("subject"))._replace(subjects=tuple(classes))
    acts: dict[str, list[tuple[str, str, int]]] = {}
    for subject, attribute, polarity, cell in EVENTS:
        for phrase in split_expressions(cell):
            acts.setdefault(phrase, []).append((subject, attribute, polarity))
    for phrase, cells in acts.items():
        names = tuple(subjects.get(phrase, ()))
        yield phrase, known.get(phrase, Term("event"))._replace(acts=tuple(cells), subjects=names)


def _by_first_word(
    pairs: Iterable[tuple[str, Term]],
) -> dict[str, list[tuple[tuple[str, ...], Term]]]:
    table: dict[str, list[tuple[tuple[str, ...], Term]]] = {}
    for phrase, term in pairs:
        words = tuple(phrase.split())
        table.setdefault(words[0], []).append((words[1:], term))
    for entries in table.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return table


def _terms() -> Iterator[tuple[str, Term]]:
    """All terms; an attribute's own expression comes before a word that only strengthens."""
    known: dict[str, Term] = {}
    for phrase, term in (*_attribute_terms(), *_degree_terms(), *_structure_terms()):
        known.setdefault(phrase, term)
    known.update(_event_terms(known))
    yield from known.items()


LEXICON = _by_first_word(_terms())


def term_at(words: Sequence[str], at: int) -> tuple[Term, int] | None:
    """The longest expression that begins at a word, and the position after it."""
    for rest, term in LEXICON.get(words[at], ()):
        end = at + 1 + len(rest)
        if not rest or tuple(words[at + 1 : end]) == rest:
            return term, end
    return None
