"""Which medium is asked what, so that answers are balanced over the whole run.

    forms      media that can be asked the same forms take them in turn
    binary     as many Yes as No, and of each distortion as many as can be: the No questions are
               shared out by a largest flow from media to the names that the Yes questions ask for
    which      a distortion is a wrong choice three times as often as it is the right one, as far
               as can be, by the same flow
    letters    right answers stand at each place equally often, within each name too

Everything is decided by rank among random keys of seed and media id, never by the place of a row:
the same media in another order are asked the same. Memory: some 60 bytes a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qbuild.core.canonical import row_seed
from qbuild.core.rows.duplicates import Duplicates, find_duplicates
from qbuild.quality.distortions import DISTORTIONS
from qbuild.quality.sampling import allocate, draw_stratified, row_keys
from qbuild.stages.distortion_qa.flow import shared_out
from qbuild.stages.distortion_qa.media import CODES, Media, gather, part_of, sets_of
from qbuild.stages.distortion_qa.questions import CHOICES, FORMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qbuild.core.engine.stage import Inputs

    Ints = NDArray[np.int64]
    Keys = NDArray[np.uint64]
    Flags = NDArray[np.bool_]

# Why a medium is asked nothing
ASKED, OUTSIDE, UNLABELLED, UNASKABLE, SURPLUS = range(5)
REASONS = ("", "outside", "unlabelled", "unaskable", "surplus")
NOT_ASKED = -1
BINARY, WHICH, SEVERITY = range(3)  # columns of the plan, in the order of FORMS


@dataclass(frozen=True)
class Plan:
    """What each row of the inputs is asked, and which are repeats of others."""

    duplicates: Duplicates
    asked: NDArray[np.int8]  # [rows, forms], code of the distortion, or NOT_ASKED
    right: NDArray[np.int8]  # [rows, forms], place of the right choice
    wrong: NDArray[np.int8]  # [rows, 3], codes of the wrong choices of a which-question
    falling: Flags  # [rows], whether the degrees stand strongest first
    left_out: NDArray[np.int8]  # [rows], why a row is asked nothing


def made(inputs: Inputs, forms: tuple[str, ...], pairs: int, seed: int) -> Plan:
    """The plan of all rows of the inputs."""
    media, hashes = gather(inputs)
    duplicates = find_duplicates(inputs, "media_id", hashes)
    usable = duplicates.kept(len(hashes))
    can, fate = _askable(media, forms)
    can[~usable], fate[~usable] = False, ASKED
    takes = _in_turn(can, media.present, _keys(hashes, seed, "form"), pairs)
    asked = np.full(can.shape, NOT_ASKED, dtype=np.int8)
    right = np.zeros(can.shape, dtype=np.int8)
    wrong = np.full((len(can), CHOICES - 1), NOT_ASKED, dtype=np.int8)
    falling = np.zeros(len(can), dtype=bool)
    for form, name in enumerate(FORMS):
        rows = np.flatnonzero(takes[:, form])
        keys = _keys(hashes[rows], seed, name)
        rows, keys = rows[np.argsort(keys, kind="stable")], np.sort(keys)
        part = part_of(media, rows)
        if form == BINARY:
            asked[rows, form], right[rows, form] = _binary(part, keys)
        elif form == WHICH:
            asked[rows, form] = codes = _chosen(part.present)
            right[rows, form] = _spread(codes, CHOICES)
            wrong[rows] = _wrong_names(part.absent, codes)
        else:
            asked[rows, form] = codes = _chosen(sets_of(part.severities > 0))
            degrees = part.severities[np.arange(len(rows)), codes].astype(np.int64)
            right[rows, form], falling[rows] = _degrees(codes, degrees)
    surplus = takes.any(axis=1) & (asked == NOT_ASKED).all(axis=1)
    fate[surplus] = SURPLUS
    return Plan(duplicates, asked, right, wrong, falling, fate)


# ----------------------------------------------------------------------------------------- forms


def _askable(media: Media, forms: tuple[str, ...]) -> tuple[Flags, NDArray[np.int8]]:
    """Which forms each medium can be asked, `[rows, forms]`, and why where it is none.

    Without one of the thirteen and with a label outside them, nobody knows what else it shows.
    """
    has, lacks = media.present > 0, media.absent > 0
    unknown = ~has & media.outside
    wrong = np.bitwise_count(media.absent) >= CHOICES - 1
    can = np.stack([has | lacks, has & wrong, (media.severities > 0).any(axis=1)], axis=1)
    can &= np.array([form in forms for form in FORMS]) & ~unknown[:, None]
    fate = np.where(can.any(axis=1), ASKED, UNASKABLE)
    fate[~has & ~lacks] = UNLABELLED
    fate[unknown] = OUTSIDE
    return can, fate.astype(np.int8)


def _keys(hashes: Keys, seed: int, purpose: str) -> Keys:
    return row_keys(hashes, row_seed(seed, purpose))


def _in_turn(can: Flags, present: Ints, keys: Keys, pairs: int) -> Flags:
    """Which forms each medium takes: those it can be asked, `pairs` of them, starting in turn."""
    takes = np.zeros_like(can)
    kinds = (can * (1 << np.arange(can.shape[1]))).sum(axis=1)
    for kind in np.unique(kinds[kinds > 0]):
        rows = np.flatnonzero(kinds == kind)
        rows = rows[np.lexsort((keys[rows], present[rows]))]
        forms = np.flatnonzero(can[rows[0]])
        for turn in range(min(pairs, len(forms))):
            takes[rows, forms[(np.arange(len(rows)) + turn) % len(forms)]] = True
    return takes


def _chosen(sets: Ints) -> Ints:
    """One distortion of each set, in order the one that was chosen least so far."""
    times = [0] * len(DISTORTIONS)
    chosen = np.empty(len(sets), dtype=np.int64)
    members = {number: [c for c in CODES.tolist() if number >> c & 1] for number in set(sets)}
    for at, number in enumerate(sets):
        code = min(members[number], key=times.__getitem__)
        times[code] += 1
        chosen[at] = code
    return chosen


def _spread(groups: Ints, places: int) -> Ints:
    """A place for each row, all places equally often, within each group too (to one)."""
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[np.argsort(groups, kind="stable")] = np.arange(len(groups))
    return ranks % places


def _wrong_names(absent: Ints, codes: Ints) -> Ints:
    """Three distortions that each medium lacks, each name as often as it is the right one."""
    wanted = np.bincount(codes, minlength=len(DISTORTIONS))
    wrong, left = np.empty((len(codes), CHOICES - 1), dtype=np.int64), absent
    for turn in range(CHOICES - 1):
        wrong[:, turn] = _absent_names(left, wanted)
        left = left & ~(1 << wrong[:, turn])
    return wrong


def _degrees(codes: Ints, severities: Ints) -> tuple[Ints, Flags]:
    """Place of the right degree, and whether degrees fall; 1 shares its two places with 5."""
    falling = np.zeros(len(codes), dtype=bool)
    for low in (1, 2, 3):
        rows = np.flatnonzero((severities == low) | (severities == 6 - low))
        last = _spread(severities[rows] * len(DISTORTIONS) + codes[rows], 2) == 1
        falling[rows] = last == (severities[rows] == low)
    return np.where(falling, 5 - severities, severities - 1), falling


# ---------------------------------------------------------------------------------------- binary


def _binary(media: Media, keys: Keys) -> tuple[Ints, Ints]:
    """The distortion asked about and the place of the right answer, for media in order of keys.

    Yes and No differ by one at most; media beyond that are asked nothing.
    """
    yes, no = _sides(media, keys)
    asked = np.full(len(keys), NOT_ASKED, dtype=np.int64)
    asked[yes] = _chosen(media.present[yes])
    wanted = np.bincount(asked[yes], minlength=len(DISTORTIONS))
    asked[no] = _absent_names(media.absent[no], wanted)
    right = np.zeros(len(keys), dtype=np.int64)
    both = np.flatnonzero(yes | no)
    right[both] = _spread(no[both] * len(DISTORTIONS) + asked[both], 2)
    return asked, right


def _sides(media: Media, keys: Keys) -> tuple[Flags, Flags]:
    """Which media are asked what they have, and which what they lack."""
    has, lacks = media.present > 0, media.absent > 0
    either = has & lacks
    forced, count = int((has & ~lacks).sum()), int(either.sum())
    half = min(max(len(keys) // 2, forced), forced + count)
    kinds, strata = np.unique(media.present[either], return_inverse=True)
    sizes = allocate(np.bincount(strata, minlength=len(kinds)).tolist(), half - forced)
    yes = has & ~lacks
    if count:
        yes[either] = draw_stratified(strata, keys[either], sizes)
    no = lacks & ~yes
    most = min(int(yes.sum()), int(no.sum())) + 1
    return _first(yes, most), _first(no, most)


def _first(flags: Flags, most: int) -> Flags:
    """At most so many of the flags, the first ones."""
    return flags & (np.cumsum(flags) <= most)


def _absent_names(absent: Ints, wanted: Ints) -> Ints:
    """A distortion that each medium lacks, each name as often as wanted, or as near as can be."""
    sets, groups = np.unique(absent, return_inverse=True)
    allowed = (sets[:, None] >> CODES & 1).astype(bool)
    shares = shared_out(np.bincount(groups, minlength=len(sets)), allowed, wanted)
    names = np.empty(len(absent), dtype=np.int64)
    order = np.argsort(groups, kind="stable")
    names[order] = np.repeat(np.tile(CODES, len(sets)), shares.ravel())
    return names
