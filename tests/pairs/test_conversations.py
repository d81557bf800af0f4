from __future__ import annotations

import pytest

from qbuild.pairs.conversations import asks_for_proposal, judged_form, read_as
from qbuild.pairs.parse import Pair


@pytest.mark.parametrize(
    ("question", "proposes"),
    [
        ("How could the camera shake be avoided?", True),
        ("What should be improved?", True),
        ("How would you rate the sharpness?", False),
        ("Why is it blurry?", False),
        ("What noise can be seen?", False),
    ],
)
def test_a_question_for_a_remedy_asks_for_a_proposal(question, proposes):
    assert asks_for_proposal(question) == proposes
    assert judged_form("vqa2/conversation", question) == (None if proposes else "open")
    assert judged_form("vqa2/temporal", question) is None


def test_the_pair_of_an_own_conversation_is_an_extended_one():
    pair = Pair("in-context", "Is it?", None, "It is.")
    assert [one.form for one in read_as("vqa2/conversation", [pair])] == ["extended"]
    assert [one.form for one in read_as("vqa2/in-context", [pair])] == ["in-context"]
