"""What a text says of quality: each mention of an attribute, how good it is, when and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from qbuild.language.binding import Bound, bind
from qbuild.language.clauses import Item, items, lowered
from qbuild.language.lexicon import Term
from qbuild.language.times import Place, Time

_LONGEST = 300  # items of a sentence; what has no end is cut there, so that time stays linear


@dataclass(frozen=True, slots=True)
class Mention:
    """One attribute as a clause speaks of it.

    `polarity` is +1 good, -1 bad, 0 where the clause does not judge; `degree` a name of `DEGREES`
    or None; `times` in the order of the text; `place` words for a part of the frame; `turn` says
    that the clause follows a word of contrast; `cause` holds the words after "due to" and its like.
    """

    attribute: str
    polarity: int
    degree: str | None
    times: tuple[Time, ...]
    place: str | None
    turn: bool
    cause: str | None
    words: str

    @property
    def time(self) -> Time | None:
        """The time that tells most: one in context before a direct one before an overall one."""
        order = ("in-context", "direct", "overall")
        return min(self.times, key=lambda time: order.index(time.kind), default=None)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text and its mentions, in order."""

    text: str
    mentions: tuple[Mention, ...]
    times: tuple[Time, ...] = ()
    places: tuple[str, ...] = ()

    def of(self, attributes: Iterable[str]) -> tuple[Mention, ...]:
        """The mentions of these attributes."""
        wanted = frozenset(attributes)
        return tuple(mention for mention in self.mentions if mention.attribute in wanted)


@dataclass(slots=True)
class _Clause:
    """A stretch between commas, turns and stops, while it is read."""

    pieces: list[Item] = field(default_factory=list)
    leading: list[Time] = field(default_factory=list)
    turn: bool = False


def read(text: str, about: str | None = None) -> Reading:
    """What an English text says of the quality of a picture or video; never raises.

    A text in another language, or about something else, has no mentions. `about` names the
    attribute that an answer is about, for words like "smooth" that tell of several.
    """
    found: list[Mention] = []
    sentence: list[Item] = []
    times: list[Time] = []
    places: list[str] = []
    for item in items(lowered(text)):
        if item.kind == "stop" or len(sentence) == _LONGEST:
            found += _sentence(sentence, text, about)
            sentence = []
        if item.kind == "stop":
            continue
        if isinstance(item.what, Time):
            item, time = _as_written(item, item.what, text)  # noqa: PLW2901 - as it is written
            times.append(time)
        elif isinstance(item.what, Place):
            places.append(item.what.words)
        sentence.append(item)
    found += _sentence(sentence, text, about)
    return Reading(text, tuple(found), tuple(times), tuple(places))


def _as_written(item: Item, time: Time, text: str) -> tuple[Item, Time]:
    """The item and its time with the capitals of names, but none at its beginning."""
    words = text[item.start : item.end]
    written = replace(time, words=words[:1].lower() + words[1:])
    return replace(item, what=written), written


def _sentence(sentence: list[Item], text: str, about: str | None) -> list[Mention]:
    """The mentions of one sentence."""
    if not any(_carries(item) for item in sentence):
        return []
    clauses = _clauses(sentence)
    bound = bind([clause.pieces for clause in clauses], about)
    told = _told(clauses, bound)
    found: list[Mention] = []
    turned = False
    place = cause = None
    for clause, carriers, times in zip(clauses, bound, told, strict=True):
        if clause.turn:
            turned, place, cause = True, None, None
        where = _place_of(clause)
        said = _cause_of(clause, text)
        for carrier, own in zip(carriers, times, strict=True):
            reason = said[1] if said and carrier.start < said[0] else cause
            found.append(_mention(carrier, own, where or place, turned, reason, text))
        if not carriers:  # "on the left, ..." and "due to the wind, ..." tell of what follows
            place, cause = where or place, said[1] if said else cause
    return found


def _mention(
    carrier: Bound,
    times: tuple[Time, ...],
    place: str | None,
    turn: bool,
    cause: str | None,
    text: str,
) -> Mention:
    words = text[carrier.start : carrier.end]
    judged = carrier.attribute, carrier.polarity, carrier.degree
    return Mention(*judged, times, place, turn, cause, words)


def _carries(item: Item) -> bool:
    return isinstance(item.what, Term) and bool(item.what.senses)


_ADDS = frozenset(("mostly", "mainly", "especially", "particularly", "notably", "chiefly"))
_BEFORE_LEADING = frozenset(("in", "also", "then", "especially", "particularly", "only", "even"))


def _clauses(sentence: list[Item]) -> list[_Clause]:
    """The sentence cut at commas, turns, and at a time that follows "and"."""
    clauses = [_Clause()]
    for at, item in enumerate(sentence):
        turn = isinstance(item.what, Term) and item.what.kind == "turn"
        if turn or item.kind == "comma":
            clauses.append(_Clause(turn=turn or (clauses[-1].turn and not clauses[-1].pieces)))
            continue
        if item.kind == "time" and at and _joins(sentence[at - 1]) and clauses[-1].pieces:
            clauses.append(_Clause())
        now = clauses[-1]
        if isinstance(item.what, Time) and _is_first(now.pieces):
            now.leading.append(item.what)
        now.pieces.append(item)
    return clauses


def _joins(item: Item) -> bool:
    return isinstance(item.what, Term) and item.what.kind == "and"


def _is_first(pieces: list[Item]) -> bool:
    """Whether nothing stands before a time but other times and small words."""
    return all(
        piece.kind in ("time", "place") or _joins(piece) or piece.what in _BEFORE_LEADING
        for piece in pieces
    )


def _told(clauses: list[_Clause], bound: list[list[Bound]]) -> list[list[tuple[Time, ...]]]:
    """The times of every attribute of each clause."""
    told: list[list[tuple[Time, ...]]] = []
    leading: list[Time] = []
    used = False  # a later clause with a time of its own is not at the leading one as well
    waiting: list[Time] = []  # "high-frequency, irregular shakes": told before what it is told of
    for clause, carriers in zip(clauses, bound, strict=True):
        if not carriers and _is_addition(clause) and told and told[-1] and not told[-1][-1]:
            told[-1][-1] = tuple(_times(clause))
            told.append([])
            continue
        leading = clause.leading or ([] if clause.turn else leading)
        used = used and not clause.leading
        given = [] if used and _is_placed(clause) else leading
        told.append(_times_of(clause, carriers, [*given, *waiting]))
        used = used or bool(carriers)
        waiting = [] if carriers else [time for _, time in _trailing(clause)]
    for at in range(len(clauses) - 2, -1, -1):
        if _continues(bound[at], bound[at + 1]) and not clauses[at + 1].turn:
            told[at] = [times or told[at + 1][0] for times in told[at]]
    return told


def _is_addition(clause: _Clause) -> bool:
    """Whether a clause only adds a time to the one before: ", mostly when the door opens"."""
    return bool(clause.pieces) and clause.pieces[0].what in _ADDS


def _is_placed(clause: _Clause) -> bool:
    return any(time.kind != "overall" for time in _times(clause))


def _times(clause: _Clause) -> list[Time]:
    return [item.what for item in clause.pieces if isinstance(item.what, Time)]


def _continues(carriers: list[Bound], following: list[Bound]) -> bool:
    """Whether a clause only goes on with the list of the one before it."""
    if not carriers or not following or not all(one.listed for one in following):
        return False
    return carriers[-1].term.kind == following[0].term.kind != "quality"


def _times_of(
    clause: _Clause, carriers: list[Bound], leading: list[Time]
) -> list[tuple[Time, ...]]:
    """The times of each attribute: those behind it, up to the next one, else the leading ones.

    Several attributes before one time share it.
    """
    trailing = _trailing(clause)
    starts = [carrier.start for carrier in carriers]
    own = [
        tuple(what for start, what in trailing if begin < start and (end is None or start < end))
        for begin, end in zip(starts, [*starts[1:], None], strict=False)
    ]
    for at in range(len(own) - 2, -1, -1):
        own[at] = own[at] or own[at + 1]
    first = tuple(what for start, what in trailing if starts and start < starts[0])
    return [
        (*leading, *first, *times) if at == 0 else (*leading, *times)
        for at, times in enumerate(own)
    ]


def _trailing(clause: _Clause) -> list[tuple[int, Time]]:
    """The times of a clause that do not lead it, each with its start."""
    return [
        (item.start, item.what)
        for item in clause.pieces
        if isinstance(item.what, Time) and item.what not in clause.leading
    ]


def _place_of(clause: _Clause) -> str | None:
    found = [item.what.words for item in clause.pieces if isinstance(item.what, Place)]
    return " and ".join(found) or None


def _cause_of(clause: _Clause, text: str) -> tuple[int, str] | None:
    """Where a clause names a cause, and in which words."""
    for item in clause.pieces:
        if isinstance(item.what, Term) and item.what.kind == "cause":
            words = text[item.end : clause.pieces[-1].end].strip()
            return (item.start, words) if words else None
    return None
