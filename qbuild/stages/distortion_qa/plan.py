"""The questions of each medium, chosen so that answers are balanced over the whole run.

    forms      media that allow the same forms get them in turn
    binary     as many Yes as No, also per distortion as far as possible: the No questions are
               distributed by a maximum flow from media to the names of the Yes questions
    which      a distortion is a wrong choice three times as often as it is the right one, as far
               as possible, by the same flow
    letters    right answers have each position equally often, also per name

Every choice depends on the rank among random keys of seed and media id, never on the position of
a row: the same media in another order get the same questions. Memory: about 60 bytes per row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qbuild.core.canonical import row_seed
from qbuild.core.engine.stage import Inputs
from qbuild.core.rows.duplicates import Duplicates, find_duplicates
from qbuild.quality.arrays import Ints, Keys, Mask
from qbuild.quality.distortions import DISTORTIONS
from qbuild.quality.sampling import allocate, draw_stratified, row_keys
from qbuild.stages.distortion_qa.flow import distribute
from qbuild.stages.distortion_qa.media import CODES, Media, read_all_media, sets_of, take_media
from qbuild.stages.distortion_qa.questions import CHOICES, FORMS

# Why a medium gets no question
ASKED, OUTSIDE, UNLABELLED, UNASKABLE, SURPLUS = range(5)
SKIP_REASONS = ("", "outside", "unlabelled", "unaskable", "surplus")
NOT_ASKED = -1
BINARY, WHICH, SEVERITY = range(3)  # columns of the plan, in the order of FORMS


@dataclass(frozen=True)
class Plan:
    """The questions of each row of the inputs, and which rows are duplicates."""

    duplicates: Duplicates
    asked: NDArray[np.int8]  # [rows, forms], code of the distortion, or NOT_ASKED
    right: NDArray[np.int8]  # [rows, forms], index of the right choice
    wrong: NDArray[np.int8]  # [rows, 3], codes of the wrong choices of a `which` question
    falling: Mask  # [rows], whether the strongest degree is first
    skipped: NDArray[np.int8]  # [rows], index of SKIP_REASONS


def make_plan(inputs: Inputs, forms: tuple[str, ...], pairs: int, seed: int) -> Plan:
    """The plan for all rows of the inputs."""
    media, hashes = read_all_media(inputs)
    duplicates = find_duplicates(inputs, "media_id", hashes)
    usable = duplicates.kept(len(hashes))
    allowed, skipped = _allowed_forms(media, forms)
    allowed[~usable], skipped[~usable] = False, ASKED
    takes = _take_turns(allowed, media.present, _keys(hashes, seed, "form"), pairs)
    asked = np.full(allowed.shape, NOT_ASKED, dtype=np.int8)
    right = np.zeros(allowed.shape, dtype=np.int8)
    wrong = np.full((len(allowed), CHOICES - 1), NOT_ASKED, dtype=np.int8)
    falling = np.zeros(len(allowed), dtype=bool)
    for form, name in enumerate(FORMS):
        rows = np.flatnonzero(takes[:, form])
        keys = _keys(hashes[rows], seed, name)
        rows, keys = rows[np.argsort(keys, kind="stable")], np.sort(keys)
        part = take_media(media, rows)
        if form == BINARY:
            asked[rows, form], right[rows, form] = _binary(part, keys)
        elif form == WHICH:
            asked[rows, form] = codes = _choose(part.present)
            right[rows, form] = _alternate(codes, CHOICES)
            wrong[rows] = _wrong_names(part.absent, codes)
        else:
            asked[rows, form] = codes = _choose(sets_of(part.severities > 0))
            degrees = part.severities[np.arange(len(rows)), codes].astype(np.int64)
            right[rows, form], falling[rows] = _degrees(codes, degrees)
    skipped[takes.any(axis=1) & (asked == NOT_ASKED).all(axis=1)] = SURPLUS
    return Plan(duplicates, asked, right, wrong, falling, skipped)


# ----------------------------------------------------------------------------------------- forms


def _allowed_forms(media: Media, forms: tuple[str, ...]) -> tuple[Mask, NDArray[np.int8]]:
    """The forms that each medium allows, `[rows, forms]`, and the reason if there are none.

    The distortions of a medium with a label outside the thirteen and none of them are unknown.
    """
    has, lacks = media.present > 0, media.absent > 0
    unknown = ~has & media.outside
    wrong = np.bitwise_count(media.absent) >= CHOICES - 1
    allowed = np.stack([has | lacks, has & wrong, (media.severities > 0).any(axis=1)], axis=1)
    allowed &= np.array([form in forms for form in FORMS]) & ~unknown[:, None]
    skipped = np.where(allowed.any(axis=1), ASKED, UNASKABLE)
    skipped[~has & ~lacks] = UNLABELLED
    skipped[unknown] = OUTSIDE
    return allowed, skipped.astype(np.int8)


def _keys(hashes: Keys, seed: int, purpose: str) -> Keys:
    return row_keys(hashes, row_seed(seed, purpose))


def _take_turns(allowed: Mask, present: Ints, keys: Keys, pairs: int) -> Mask:
    """The forms that each medium gets: `pairs` of the allowed ones, starting in turn."""
    takes = np.zeros_like(allowed)
    kinds = (allowed * (1 << np.arange(allowed.shape[1]))).sum(axis=1)
    for kind in np.unique(kinds[kinds > 0]):
        rows = np.flatnonzero(kinds == kind)
        rows = rows[np.lexsort((keys[rows], present[rows]))]
        forms = np.flatnonzero(allowed[rows[0]])
        for turn in range(min(pairs, len(forms))):
            takes[rows, forms[(np.arange(len(rows)) + turn) % len(forms)]] = True
    return takes


def _choose(sets: Ints) -> Ints:
    """One distortion of each set: in order, the one chosen least often so far."""
    times = [0] * len(DISTORTIONS)
    chosen = np.empty(len(sets), dtype=np.int64)
    members = {number: [c for c in CODES.tolist() if number >> c & 1] for number in set(sets)}
    for at, number in enumerate(sets):
        code = min(members[number], key=times.__getitem__)
        times[code] += 1
        chosen[at] = code
    return chosen


def _alternate(groups: Ints, positions: int) -> Ints:
    """A position for each row; all positions equally often, also within each group (to one)."""
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[np.argsort(groups, kind="stable")] = np.arange(len(groups))
    return ranks % positions


def _wrong_names(absent: Ints, codes: Ints) -> Ints:
    """Three distortions that each medium lacks, each name as often as it is the right one."""
    wanted = np.bincount(codes, minlength=len(DISTORTIONS))
    wrong, remaining = np.empty((len(codes), CHOICES - 1), dtype=np.int64), absent
    for turn in range(CHOICES - 1):
        wrong[:, turn] = _absent_names(remaining, wanted)
        remaining = remaining & ~(1 << wrong[:, turn])
    return wrong


def _degrees(codes: Ints, severities: Ints) -> tuple[Ints, Mask]:
    """Index of the right degree, and whether degrees fall; 1 and 5 share two positions."""
    falling = np.zeros(len(codes), dtype=bool)
    for low in (1, 2, 3):
        rows = np.flatnonzero((severities == low) | (severities == 6 - low))
        last = _alternate(severities[rows] * len(DISTORTIONS) + codes[rows], 2) == 1
        falling[rows] = last == (severities[rows] == low)
    return np.where(falling, 5 - severities, severities - 1), falling


# ---------------------------------------------------------------------------------------- binary


def _binary(media: Media, keys: Keys) -> tuple[Ints, Ints]:
    """The distortion asked about and the index of the right answer, for media ordered by key.

    Yes and No differ by one at most; media beyond that get no question.
    """
    yes, no = _split(media, keys)
    asked = np.full(len(keys), NOT_ASKED, dtype=np.int64)
    asked[yes] = _choose(media.present[yes])
    wanted = np.bincount(asked[yes], minlength=len(DISTORTIONS))
    asked[no] = _absent_names(media.absent[no], wanted)
    right = np.zeros(len(keys), dtype=np.int64)
    both = np.flatnonzero(yes | no)
    right[both] = _alternate(no[both] * len(DISTORTIONS) + asked[both], 2)
    return asked, right


def _split(media: Media, keys: Keys) -> tuple[Mask, Mask]:
    """Which media are asked about a distortion they have, and which about one they lack."""
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
    return yes & (np.cumsum(yes) <= most), no & (np.cumsum(no) <= most)


def _absent_names(absent: Ints, wanted: Ints) -> Ints:
    """A distortion that each medium lacks, each name as often as wanted if possible."""
    sets, groups = np.unique(absent, return_inverse=True)
    allowed = (sets[:, None] >> CODES & 1).astype(bool)
    shares = distribute(np.bincount(groups, minlength=len(sets)), allowed, wanted)
    names = np.empty(len(absent), dtype=np.int64)
    order = np.argsort(groups, kind="stable")
    names[order] = np.repeat(np.tile(CODES, len(sets)), shares.ravel())
    return names
