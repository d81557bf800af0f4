"""What a text states about quality: each mention of an attribute, its judgement, time and place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from qbuild.language.binding import bind
from qbuild.language.clauses import Item, lower_ascii, split_items
from qbuild.language.doubts import is_doubtful
from qbuild.language.judging import Bound
from qbuild.language.lexicon import Term
from qbuild.language.times import Place, Time

_MAX_ITEMS = 300  # of a sentence; a longer one is split, so that the time stays linear


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention of an attribute.

    `polarity` is +1 good, -1 bad, 0 not judged; `degree` a name of `DEGREES` or None; `times` in
    the order of the text; `place` words for a part of the frame; `turn`: the clause follows a word
    of contrast; `cause` the words after "due to" and the like.
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
        """The most specific time: in context before direct before overall."""
        order = ("in-context", "direct", "overall")
        return min(self.times, key=lambda time: order.index(time.kind), default=None)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text and its mentions, in order."""

    text: str
    mentions: tuple[Mention, ...]
    times: tuple[Time, ...] = ()
    places: tuple[str, ...] = ()

    @property
    def contradictions(self) -> tuple[str, ...]:
        """The attributes called both good and bad at the same times and place."""
        sides: dict[tuple[str, frozenset[str], str | None], set[int]] = {}
        for one in self.mentions:
            when = frozenset(time.words for time in one.times)
            sides.setdefault((one.attribute, when, one.place), set()).add(one.polarity)
        return tuple(dict.fromkeys(key[0] for key, signs in sides.items() if {1, -1} <= signs))

    def of(self, attributes: Iterable[str]) -> tuple[Mention, ...]:
        """The mentions of these attributes."""
        wanted = frozenset(attributes)
        return tuple(mention for mention in self.mentions if mention.attribute in wanted)


@dataclass(slots=True)
class _Clause:
    """A part of a sentence between commas, turns and stops."""

    pieces: list[Item] = field(default_factory=list)
    leading: list[Time] = field(default_factory=list)
    turn: bool = False


def read(text: str, about: str | None = None) -> Reading:
    """What an English text states about the quality of an image or video; never raises.

    A text in another language, or about something else, has no mentions. `about` is the attribute
    that the text is about, for words like "smooth" that belong to several.
    """
    mentions: list[Mention] = []
    sentence: list[Item] = []
    times: list[Time] = []
    places: list[str] = []
    for item in split_items(lower_ascii(text)):
        if item.kind == "stop" or len(sentence) == _MAX_ITEMS:
            mentions += _read_sentence(sentence, text, about, text[item.start] == "?")
            sentence = []
        if item.kind == "stop":
            continue
        if isinstance(item.what, Time):
            item, time = _as_written(item, item.what, text)  # noqa: PLW2901 - as it is written
            times.append(time)
        elif isinstance(item.what, Place):
            places.append(item.what.words)
        sentence.append(item)
    mentions += _read_sentence(sentence, text, about, asks=False)
    return Reading(text, tuple(mentions), tuple(times), tuple(places))


def _as_written(item: Item, time: Time, text: str) -> tuple[Item, Time]:
    """The item and its time with the capitals of the text, except a leading one."""
    words = text[item.start : item.end]
    written = replace(time, words=words[:1].lower() + words[1:])
    return replace(item, what=written), written


def _read_sentence(sentence: list[Item], text: str, about: str | None, asks: bool) -> list[Mention]:
    if not any(_carries(item) for item in sentence):
        return []
    clauses = _clauses(sentence)
    bound = bind([clause.pieces for clause in clauses], about, [clause.turn for clause in clauses])
    all_times = _assign_times(clauses, bound)
    mentions: list[Mention] = []
    turned = False
    place = cause = None
    for clause, carriers, times in zip(clauses, bound, all_times, strict=True):
        if clause.turn:
            turned, place, cause = True, None, None
        own_place = _place_of(clause)
        own_cause = _cause_of(clause, text)
        if not asks and clause.pieces and carriers:
            _doubt(carriers, text[clause.pieces[0].start : clause.pieces[-1].end])
        for carrier, own_times in zip(carriers, times, strict=True):
            reason = own_cause[1] if own_cause and carrier.start < own_cause[0] else cause
            where = own_place or place
            mentions.append(_mention(carrier, own_times, where, turned, reason, text))
        if not carriers:  # "on the left, ..." and "due to the wind, ..." apply to what follows
            place, cause = own_place or place, own_cause[1] if own_cause else cause
    return mentions


def _doubt(carriers: list[Bound], clause: str) -> None:
    """Judge nothing good in a clause on what is wished, tried, claimed, rare or elsewhere."""
    if any(one.polarity > 0 for one in carriers) and is_doubtful(clause):
        for carrier in carriers:
            if carrier.polarity > 0:
                carrier.polarity, carrier.strengths = 0, set()


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
    return isinstance(item.what, Term) and bool(item.what.senses or item.what.acts)


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
        if isinstance(item.what, Time) and _is_leading(now.pieces):
            now.leading.append(item.what)
        now.pieces.append(item)
    return clauses


def _joins(item: Item) -> bool:
    return isinstance(item.what, Term) and item.what.kind == "and"


def _is_leading(before: list[Item]) -> bool:
    """Whether only other times and small words come before a time."""
    return all(
        item.kind in ("time", "place") or _joins(item) or item.what in _BEFORE_LEADING
        for item in before
    )


def _assign_times(clauses: list[_Clause], bound: list[list[Bound]]) -> list[list[tuple[Time, ...]]]:
    assigned: list[list[tuple[Time, ...]]] = []
    leading: list[Time] = []
    used = False  # a later clause with a time of its own does not get the leading one as well
    waiting: list[Time] = []  # "high-frequency, irregular shakes": before its attribute
    for clause, carriers in zip(clauses, bound, strict=True):
        last = assigned[-1] if assigned else []
        if not carriers and _is_addition(clause) and last and not last[-1]:
            last[-1] = tuple(_times(clause))
            assigned.append([])
            continue
        leading = clause.leading or ([] if clause.turn else leading)
        used = used and not clause.leading
        given = [] if used and _is_placed(clause) else leading
        assigned.append(_times_of(clause, carriers, [*given, *waiting]))
        used = used or bool(carriers)
        waiting = [] if carriers else [time for _, time in _trailing(clause)]
    for at in range(len(clauses) - 2, -1, -1):
        if _continues(bound[at], bound[at + 1], clauses[at + 1]) and not clauses[at + 1].turn:
            assigned[at] = [times or assigned[at + 1][0] for times in assigned[at]]
    return assigned


def _is_addition(clause: _Clause) -> bool:
    """Whether a clause only adds a time to the one before: ", mostly when the door opens"."""
    return bool(clause.pieces) and clause.pieces[0].what in _ADDS


def _is_placed(clause: _Clause) -> bool:
    return any(time.kind != "overall" for time in _times(clause))


def _times(clause: _Clause) -> list[Time]:
    return [item.what for item in clause.pieces if isinstance(item.what, Time)]


def _continues(carriers: list[Bound], following: list[Bound], clause: _Clause) -> bool:
    """Whether a clause only continues the list of the one before it.

    One with a subject does not: "and the picture shakes" has a verb that is a noun elsewhere.
    """
    if not carriers or not following or not all(one.listed for one in following):
        return False
    if any(_is_subject(item) for item in clause.pieces if item.start < following[0].start):
        return False
    return carriers[-1].term.kind == following[0].term.kind != "quality"


def _is_subject(item: Item) -> bool:
    return item.what == "it" or (isinstance(item.what, Term) and item.what.kind == "subject")


def _times_of(
    clause: _Clause, carriers: list[Bound], leading: list[Time]
) -> list[tuple[Time, ...]]:
    """The times of each attribute: the leading ones, and those between it and the next attribute.

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
    cause = _cause_start(clause)
    for at in range(1, len(own)):  # a cause holds when its effect does
        if cause is not None and starts[at] > cause:
            own[at] = own[at] or own[at - 1]
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
    places = [item.what.words for item in clause.pieces if isinstance(item.what, Place)]
    return " and ".join(places) or None


def _cause_start(clause: _Clause) -> int | None:
    return next(
        (
            item.start
            for item in clause.pieces
            if isinstance(item.what, Term) and item.what.kind == "cause"
        ),
        None,
    )


def _cause_of(clause: _Clause, text: str) -> tuple[int, str] | None:
    """The position of a cause in a clause, and its words."""
    for item in clause.pieces:
        if isinstance(item.what, Term) and item.what.kind == "cause":
            words = text[item.end : clause.pieces[-1].end].strip()
            return (item.start, words) if words else None
    return None
