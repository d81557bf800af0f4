"""What is assigned over all depictions of a run: right answers, extended conversations, aspects.

A separate draw per depiction is balanced only in expectation. Here Yes and No differ by one at
most, and extended conversations have exactly their share; both depend on the ids and the seed, not
on the order of rows, the size of batches or the number of requests at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qbuild.core.canonical import row_seed

Depiction = Mapping[str, Any]
YES_NO = ("Yes", "No")


@dataclass(frozen=True)
class Assignment:
    """Right answers of yes/no questions by depiction; which depictions are asked for more.

    `without_extended` are pathway feedbacks that get no extended conversation. `joined` has, for
    the first aspect of each generated video, all its aspects as one depiction, and None for the
    others; it is empty where each aspect is asked about separately.
    """

    wants: Mapping[str, str]
    without_extended: Collection[str] = ()
    joined: Mapping[str, Depiction | None] | None = None

    def join(self, depiction: Depiction) -> Depiction | None:
        """The depiction to ask about; None where it is part of another one."""
        if self.joined is None or depiction["kind"] != "aspect":
            return depiction
        return self.joined[depiction["depiction_id"]]


NOTHING_ASSIGNED = Assignment({})


def draw_want(own_id: str, seed: int) -> str:
    """The right answer of a depiction's yes/no question, drawn independently of the others."""
    return YES_NO[row_seed(seed, own_id, "want") % 2]


def balance_wants(ids: Iterable[str], seed: int) -> dict[str, str]:
    """The right answer for each id, 1:1: independent draws with as few changes as possible.

    Of an odd number, one more is Yes or No, as the draws have it.
    """
    wants = {own_id: draw_want(own_id, seed) for own_id in ids}
    sides = {side: [one for one, want in wants.items() if want == side] for side in YES_NO}
    more, less = sorted(YES_NO, key=lambda side: -len(sides[side]))
    surplus = (len(sides[more]) - len(sides[less])) // 2
    order = sorted(sides[more], key=lambda own_id: (row_seed(seed, own_id, "balance"), own_id))
    return wants | dict.fromkeys(order[:surplus], less)


def leave_out(ids: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """The ids beyond a share of them, rounded to a whole number and drawn by seed."""
    order = sorted(set(ids), key=lambda own_id: (row_seed(seed, own_id, "extended"), own_id))
    return frozenset(order[round(share * len(order)) :])


def join_aspects(depictions: Iterable[Depiction]) -> dict[str, Depiction | None]:
    """The aspects of each medium and annotator as one depiction, under the id of the first one."""
    groups: dict[tuple[str, str | None], dict[str, Depiction]] = {}
    for row in depictions:
        if row["kind"] == "aspect":
            group = groups.setdefault((row["media_id"], row["annotator"]), {})
            group.setdefault(row["depiction_id"], row)
    joined: dict[str, Depiction | None] = {}
    for group in groups.values():
        first, *others = group.values()
        text = " ".join(_ended(str(row["text"])) for row in group.values())
        joined |= dict.fromkeys((row["depiction_id"] for row in others), None)
        joined[first["depiction_id"]] = {**first, "text": text, "aspect": None}
    return joined


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def assign(
    depictions: Callable[[], Iterable[Depiction]],
    seed: int,
    extended_share: float,
    *,
    together: bool,
    is_asked: Callable[[Depiction], bool],
) -> Assignment:
    """The assignment of a run; `depictions` gives its rows again on each call.

    Only depictions about which a yes/no question is made (`is_asked`) count for the balance.
    """
    joined = join_aspects(depictions()) if together else None
    first = Assignment({}, (), joined)
    yes_no: set[str] = set()
    pathway: set[str] = set()
    for row in depictions():
        depiction = first.join(row)
        if depiction is None:
            continue
        if depiction["kind"] == "pathway":
            pathway.add(depiction["depiction_id"])
        if is_asked(depiction):
            yes_no.add(depiction["depiction_id"])
    wants = balance_wants(yes_no, seed)
    return Assignment(wants, leave_out(pathway, extended_share, seed), joined)
