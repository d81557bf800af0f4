"""The texts that are sent back to a model, as 0.1.0 wrote them.

They are part of the next request and so of its id: where one is reworded, the ledgers of users no
longer have the answers that follow it, which are then paid again.
"""

from __future__ import annotations

import json

import pytest

from qbuild.core.rows.rejections import RejectedError, Rejection
from qbuild.llm.answers import read_completion
from qbuild.pairs.parse import Pair, read_pairs
from qbuild.pairs.tasks import Retry, Style, Task, request_of
from qbuild.pairs.templates import load_templates
from qbuild.pairs.verify import PairChecker

TEMPLATE = load_templates()["vqa2/quality-centric"]
BINARY = {"form": "binary", "question": "Is it?", "options": ["Yes", "No"], "answer": "B"}
MULTI = {"form": "multi", "question": "How is it?", "answer": "D"}
MULTI |= {"options": ["good", "poor", "fair", "dim"]}
OPEN = {"form": "open", "question": "How is it?", "options": None, "answer": "Slightly off."}


def raw(binary=BINARY, multi=MULTI, open_=OPEN, **changes):
    """An answer of three pairs, with changes to the second."""
    return json.dumps({"pairs": [binary, {**multi, **changes}, open_]})


UNUSABLE = {
    "the answer is no JSON: Expecting value: line 1 column 12 (char 11)": '{"pairs": [',
    "expected lines `Question: …` and `Answer: …`": "I am sorry.",
    "expected an object with a list `pairs`": '{"a": 1}',
    "pair 1 is no object": raw(binary=1),
    "the notes bear no such question": "None",
    "2 pairs; expected 3": json.dumps([BINARY, OPEN]),
    "forms binary, open, open; expected binary, multi, open": raw(multi=OPEN),
    "pair 1 has form 'essay'; expected binary, multi, open": raw(
        binary={**BINARY, "form": "essay"}
    ),
    "pair 1 has form list; expected binary, multi, open": raw(binary={**OPEN, "form": ["open"]}),
    "pair 1 (binary) has no choices": raw(binary={**BINARY, "options": None}),
    "pair 1: choices ('Yes', 'Maybe'); expected Yes, No": raw(
        binary={**BINARY, "options": ["Yes", "Maybe"]}
    ),
    "pair 2 has 3 choices; expected 4": raw(options=["a", "b", "c"]),
    "pair 2: two choices are the same": raw(options=["a", "b", "c", "C."]),
    "pair 2: choices are not a list of texts": raw(options=["a", "b", "c", 4]),
    "pair 2: 4 choices or empty ones": raw(options=["a", "b", "c", " "]),
    "pair 3 is open and has choices": raw(open_={**OPEN, "options": ["a", "b"], "answer": "A"}),
    "pair 2: answer 'E'; expected A, B, C, D": raw(answer="E"),
    "pair 2: answer B is 'poor' among the choices, 'dim' behind it": raw(answer="B. dim"),
    f"pair 2: answer '{'x' * 79}… (92 signs); expected A, B, C, D": raw(answer="x" * 90),
    f"pair 2: answer A is '{'a' * 79}… (92 signs) among the choices, 'e' behind it": raw(
        options=["a" * 90, "b", "c", "d"], answer="A. e"
    ),
    "pair 2 has no answer": raw(answer=" "),
    "the answer of pair 2 has 2001 signs; expected 2000 at most": raw(answer="a" * 2001),
    "a choice of pair 2 is over 2000 signs": raw(options=["a", "b", "c", "d" * 2001]),
    "the answer of pair 2 holds the sign U+0000, expected text": raw(answer="a\x00"),
}


@pytest.mark.parametrize("message", UNUSABLE)
def test_an_unusable_answer_is_sent_back_with_this_message(message):
    with pytest.raises(RejectedError) as error:
        read_pairs(UNUSABLE[message], TEMPLATE)
    assert error.value.message == message


NOTES = "The sharpness is good from 3 to 7 seconds. The noise is very severe."


@pytest.mark.parametrize(
    ("question", "answer", "message"),
    [
        (
            "How is the sharpness?",
            "It is very poor.",
            "sharpness is held to be good: 'sharpness'",
        ),
        ("How severe is the noise?", "Slight.", "noise is held to be very severe, not mild"),
        ("Is there noise?", "No.", "noise is held to be very severe: 'noise'"),
        (
            "When is the sharpness good?",
            "At the 20th second.",
            "sharpness is held of from 3 to 7 seconds",
        ),
        (
            "What does the depiction say?",
            "Good sharpness.",
            "'the depiction' shows that a text was read; speak as one who saw the video",
        ),
        (
            "Wie scharf ist das Bild?",
            "Gut.",
            "question or answer is in another language than the notes",
        ),
    ],
)
def test_a_faulty_pair_is_sent_back_with_this_message(question, answer, message):
    check = PairChecker(NOTES).check(Pair("open", question, None, answer))
    assert [rejection.message for rejection in check.rejections] == [message]


@pytest.mark.parametrize(
    ("content", "finish", "message"),
    [
        ("half", "length", "cut at the limit of output tokens"),
        (" ", "stop", "the answer is empty"),
        ("prose", "stop", "the answer is no JSON object"),
    ],
)
def test_an_answer_without_content_is_sent_back_with_this_message(content, finish, message):
    choice = {"message": {"content": content}, "finish_reason": finish}
    assert read_completion({"choices": [choice]}, structured=True).message == message


def test_a_retry_has_this_id():
    slots = dict.fromkeys(("text", "question", "aspect", "aspect_level", "area"), "x")
    task = Task(TEMPLATE, {"depiction_id": "d"}, "Yes", {**slots, "medium": "video", "want": "Yes"})
    retry = Retry("", (Rejection("count", "2 pairs; expected 3"), Rejection("empty", "no text")))
    request = request_of(task, Style("m", True, {"max_output_tokens": 60}), (retry,))
    assert request.messages[2] == ("assistant", "(no answer)")
    assert request.messages[3][1] == (
        "This answer cannot be used:\n- 2 pairs; expected 3\n- no text\n"
        "Write the whole answer again, in the same form, without these faults."
    )
    assert request.request_id == "e8e009ce9f6b801c232321ad0287b81e1808ec8778673073f7ecf90cc6ed1d45"
