from __future__ import annotations

import pairs
import pytest

from qbuild.core.rows.rejections import RejectedError
from qbuild.dialects.conversation import read_turns, write_turns


def make_turns(*values, speakers=("human", "gpt")):
    return {
        "conversations": [{"from": s, "value": v} for s, v in zip(speakers, values, strict=True)]
    }


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([["What does <image> mean?"], ["A."]], "placeholder-in-text"),
        ([["One", "two"], ["A."]], "adjacent-text"),
        ([["One", ""], ["A."]], "empty-text"),
        ([["  \n"], ["A."]], "empty-value"),
        ([["A question alone"]], "roles-not-alternating"),
    ],
)
def test_a_row_that_cannot_be_read_back_is_rejected(parts, reason):
    with pytest.raises(RejectedError) as caught:
        write_turns(pairs.pair(media=[], turns=pairs.turns(*parts)), "<image>")
    assert caught.value.reason == reason


def test_a_system_turn_is_rejected_like_a_system_prompt():
    turns = [{**pairs.turns(["Judge."])[0], "role": "system"}, *pairs.turns(["Q?"], ["A."])]
    with pytest.raises(RejectedError) as caught:
        write_turns(pairs.pair(media=[], turns=turns), "<image>")
    assert caught.value.reason == "system-not-supported"


def test_another_dialects_placeholder_is_plain_text():
    row = pairs.pair(media=[], turns=pairs.turns(["What does <|image|> mean?"], ["A picture."]))
    assert write_turns(row, "<image>")[0]["value"] == "What does <|image|> mean?"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "missing-conversations"),
        ({"gt_score": 3.1, "img_path": "a.jpg"}, "rating-file"),
        ({"conversations": []}, "bad-conversations"),
        ({"conversations": "Q"}, "bad-conversations"),
        ({"conversations": ["Q", "A"]}, "bad-conversations"),
        (make_turns("Q", 3), "bad-conversations"),
        (make_turns("Q", "  "), "empty-value"),
        (make_turns("Q", "A", speakers=("human", "bot")), "unknown-speaker"),
        (make_turns("Q", "A", speakers=("human", ["gpt"])), "unknown-speaker"),
        (make_turns("Q", "A", speakers=("gpt", "human")), "roles-not-alternating"),
        (make_turns("Q", "Q", speakers=("human", "human")), "roles-not-alternating"),
        (make_turns("Q", speakers=("human",)), "roles-not-alternating"),
        (make_turns("Q", "\ud83d"), "not-unicode"),
    ],
)
def test_an_invalid_conversation_is_rejected_with_its_reason(record, reason):
    with pytest.raises(RejectedError) as caught:
        read_turns(record)
    assert caught.value.reason == reason
    assert "; expected" in caught.value.message
