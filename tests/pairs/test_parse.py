"""Answers to pairs: what models write is parsed, the unusable is rejected with its reason."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qbuild.core.rows.rejections import RejectedError
from qbuild.pairs.parse import MAX_LENGTH, Pair, read_pairs
from qbuild.pairs.templates import load_templates

TEMPLATES = load_templates()
THREE, ONE = TEMPLATES["vqa2/quality-centric"], TEMPLATES["vqa2/in-context"]
YES_NO, WHAT_HOW = TEMPLATES["q-instruct/yes-no"], TEMPLATES["q-instruct/what-how"]
BINARY = {
    "form": "binary",
    "question": "Is it sharp?",
    "options": ["Yes", "No"],
    "answer": "B",
}
MULTI = {
    "form": "multi",
    "question": "How is the light?",
    "options": ["good", "poor", "fair", "dim"],
    "answer": "D",
}
OPEN = {"form": "open", "question": "How is the focus?", "options": None, "answer": "Slightly off."}


def as_json(*pairs):
    return json.dumps({"pairs": list(pairs)})


def reason_of(raw, template=THREE):
    with pytest.raises(RejectedError) as error:
        read_pairs(raw, template)
    assert len(error.value.message) < 400
    return error.value.reason


def test_three_pairs_are_read_from_json():
    assert read_pairs(as_json(BINARY, MULTI, OPEN), THREE) == [
        Pair("binary", "Is it sharp?", ("Yes", "No"), "B"),
        Pair("multi", "How is the light?", ("good", "poor", "fair", "dim"), "D"),
        Pair("open", "How is the focus?", None, "Slightly off."),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        "```json\n{}\n```",
        "Here is the JSON you asked for:\n\n{}\n\nLet me know!",
        "  \n{}\n ",
    ],
)
def test_json_is_found_in_its_wrapping(raw):
    assert len(read_pairs(raw.replace("{}", as_json(BINARY, MULTI, OPEN)), THREE)) == 3


def test_a_list_or_a_single_pair_is_read_as_the_object():
    assert read_pairs(json.dumps([BINARY]), YES_NO) == read_pairs(json.dumps(BINARY), YES_NO)


@pytest.mark.parametrize(
    ("answer", "letter"),
    [("D", "D"), ("d", "D"), ("(D)", "D"), ("D.", "D"), ("D. dim", "D"), ("dim.", "D"),
     ("(B) poor", "B"), ("B) Poor.", "B"), ("Option C", "C"), ("A: good", "A"), ("A good", "A"),
     ("B. poor, as it is dark", "B")],
)  # fmt: skip
def test_the_right_choice_is_known_by_letter_or_words(answer, letter):
    (_, pair, _) = read_pairs(as_json(BINARY, {**MULTI, "answer": answer}, OPEN), THREE)
    assert (pair.answer, pair.right) == (letter, MULTI["options"]["ABCD".index(letter)])


@pytest.mark.parametrize("answer", ["E", "B. dim", "B. poorly", "none of these", "AB", "1"])
def test_an_unknown_letter_or_one_of_another_choice_is_rejected(answer):
    assert reason_of(as_json(BINARY, {**MULTI, "answer": answer}, OPEN)) == "letter"


REJECTED = {
    "not-json": ['{"pairs": [', "```json\n{'a': 1}\n```", "[" * 100_000, '{"a":' * 100_000],
    "not-pairs": ['{"a": 1}', "I am sorry.", as_json(1, 2, 3), '{"pairs": {"a": 1}}', ""],
    "count": [as_json(BINARY, OPEN), as_json(BINARY, MULTI, OPEN, OPEN)],
    "form": [
        as_json(BINARY, OPEN, OPEN),
        as_json({**OPEN, "form": "x" * 9999}, MULTI, OPEN),
        as_json({**OPEN, "form": ["open"]}, MULTI, OPEN),
    ],
    "options": [
        as_json({**BINARY, "options": None}, MULTI, OPEN),
        as_json({**BINARY, "options": ["Yes", "Maybe"]}, MULTI, OPEN),
        as_json(BINARY, {**MULTI, "options": ["a", "b", "c"]}, OPEN),
        as_json(BINARY, {**MULTI, "options": ["a", "b", "c", "C."]}, OPEN),
        as_json(BINARY, {**MULTI, "options": ["a", "b", "c", 4]}, OPEN),
        as_json(BINARY, {**MULTI, "options": ["a", "b", "c", " "]}, OPEN),
        as_json(BINARY, MULTI, {**OPEN, "options": ["a", "b"], "answer": "A"}),
    ],
    "empty": [as_json(BINARY, MULTI, {**OPEN, "answer": " \n"}), as_json({"form": "binary",
              "options": ["Yes", "No"], "answer": "A"}, MULTI, OPEN)],
    "too-long": [
        as_json(BINARY, MULTI, {**OPEN, "answer": "a" * (MAX_LENGTH + 1)}),
        as_json(BINARY, {**MULTI, "options": ["a", "b", "c", "d" * (MAX_LENGTH + 1)]}, OPEN),
    ],
    "not-text": [
        as_json(BINARY, MULTI, {**OPEN, "answer": "a\ud800"}),
        as_json(BINARY, MULTI, {**OPEN, "question": "a\x00b"}),
        as_json(BINARY, {**MULTI, "options": ["a", "b", "c", "\x1b[0m"]}, OPEN),
    ],
    "nothing-to-ask": ['{"pairs": []}', "None", "**None.**", "[]"],
}  # fmt: skip


@pytest.mark.parametrize("reason", REJECTED)
def test_what_cannot_be_used_is_rejected_with_its_reason(reason):
    assert [reason_of(raw) for raw in REJECTED[reason]] == [reason] * len(REJECTED[reason])


def test_choices_lose_their_letters_and_the_yes_no_ones_their_full_stops():
    options = ["A. yes.", "B. no."]
    (pair,) = read_pairs(as_json({**BINARY, "options": options}), YES_NO)
    assert pair.options == ("Yes", "No")


def test_up_to_six_what_and_how_pairs_are_accepted():
    assert len(read_pairs(as_json(OPEN, OPEN), WHAT_HOW)) == 2
    assert reason_of(as_json(*[OPEN] * 7), WHAT_HOW) == "count"


TOKENS = st.sampled_from(
    ["Question", "Question 1:", "Question: How?", "Answer", "Answer: B", "A. ", "B) ", "(C) ", "D:",
     "\n", "\n\n", "**", "```", "{", "}", "[", '"pairs"', ": ", "None", "Yes", " ", "\ud800", "\0",
     "\u2028", "\uff1a", "a"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(TOKENS, max_size=40).map("".join)))
def test_no_answer_raises_anything_but_its_own_error(raw):
    for template in (THREE, ONE, WHAT_HOW):
        try:
            pairs = read_pairs(raw, template)
        except RejectedError:
            continue
        for pair in pairs:
            assert pair.question.encode()
            assert pair.right.encode()


LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.floats())
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner)
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "form": VALUE | st.sampled_from(["open", "multi", "binary", "in-context"]),
        "question": VALUE,
        "options": VALUE | st.lists(st.text(max_size=3), max_size=9),
        "answer": VALUE | st.sampled_from("ABCD"),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ENTRY, max_size=4))
def test_no_json_raises_anything_but_its_own_error(pairs):
    for template in (THREE, ONE, WHAT_HOW):
        with suppress(RejectedError):
            for pair in read_pairs(json.dumps({"pairs": pairs}), template):
                assert isinstance(pair.right, str)


@pytest.mark.parametrize(
    "piece",
    ["Question: ", "Question:\n", "Answer: ", "Question: A. a Answer: ", "A. ", "A. B. ", " ", "\n",
     "```", "*", "Question 1\n", "{", '{"', "(", "Question", "- ", "\t\n", "Question: x\nAnswer: "],
)  # fmt: skip
def test_200_kb_of_anything_is_parsed_in_linear_time(piece):
    """A quadratic parser would need hours here."""
    raw = "Question: a" + piece * (200_000 // len(piece))
    for text in (raw, raw + "b", piece * (200_000 // len(piece)) + "b"):
        with suppress(RejectedError):
            read_pairs(text, ONE)
