"""What is assigned over all depictions of a run."""

from __future__ import annotations

import random

import pytest

from qbuild.pairs.assignment import balance_wants, draw_want, join_aspects, leave_out

IDS = [f"{number:032x}" for number in range(101)]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100, 101])
def test_yes_and_no_differ_by_one_at_most(count):
    for seed in range(20):
        wants = list(balance_wants(IDS[:count], seed).values())
        assert abs(wants.count("Yes") - wants.count("No")) == count % 2


def test_the_balance_does_not_depend_on_the_order():
    shuffled = random.Random(0).sample(IDS, len(IDS))
    assert balance_wants(IDS, 3) == balance_wants(shuffled, 3)


def test_as_few_answers_as_possible_differ_from_the_draws():
    drawn = {own_id: draw_want(own_id, 3) for own_id in IDS}
    surplus = abs(list(drawn.values()).count("Yes") * 2 - len(IDS)) // 2
    balanced = balance_wants(IDS, 3)
    assert sum(drawn[own_id] != balanced[own_id] for own_id in IDS) == surplus


@pytest.mark.parametrize(("share", "left"), [(0, 101), (0.207, 80), (1, 0)])
def test_a_share_is_drawn_exactly(share, left):
    assert len(leave_out(IDS, share, 0)) == left
    assert leave_out(IDS, share, 0) == leave_out(IDS[::-1], share, 0)


def test_aspects_are_joined_by_medium_and_annotator():
    def aspect(number, medium, annotator, text):
        return {"kind": "aspect", "depiction_id": str(number), "media_id": medium,
                "annotator": annotator, "text": text, "aspect": "visual quality"}  # fmt: skip

    rows = [
        aspect(1, "m", "a", "Blurry"),
        aspect(2, "m", "b", "Sharp."),
        aspect(3, "m", "a", "Dim."),
    ]
    joined = join_aspects([*rows, {"kind": "overall"}, rows[0]])
    assert {name: row and row["text"] for name, row in joined.items()} == {
        "1": "Blurry. Dim.",
        "2": "Sharp.",
        "3": None,
    }
