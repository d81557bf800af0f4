"""The text form in the variants that models write."""

from __future__ import annotations

import pytest

from qbuild.core.rows.rejections import RejectedError
from qbuild.pairs.text_form import choice_letter, pairs_in_text

PLAIN = [
    {"question": "Is it sharp?", "options": ["Yes", "No"], "answer": "A. Yes"},
    {"question": "How is the light?", "options": ["good", "poor", "dim", "fair"], "answer": "C"},
    {"question": "How is the focus?", "options": None, "answer": "It lies behind the cook."},
]
WRITTEN = {
    "as asked": """Question 1:
Question: Is it sharp? A. Yes B. No
Answer: A. Yes
Question 2:
Question: How is the light? A. good B. poor C. dim D. fair
Answer: C
Question 3:
Question: How is the focus?
Answer: It lies behind the cook.""",
    "choices on lines": """Question: Is it sharp?
A) Yes
B) No
Answer: A. Yes

Question: How is the light?
- A. good.
- B. poor.
- C. dim.
- D. fair.

Answer: C

Question: How is the focus?
Answer:
It lies behind the cook.""",
    "bold and bullets": """Here are three questions and answers:

• **Question 1**
**Question:** Is it sharp? (A) Yes (B) No
**Answer:** A. Yes

• **Question 2**
**Question:** How is the light? A. good B. poor C. dim D. fair.
**Answer:** C

• **Question 3**
**Question:** How is the focus?
**Answer:** It lies behind the cook.

I hope this helps!""",
    "on one line": "Question 1: Is it sharp? A. Yes B. No Answer: A. Yes "
    "Question 2: How is the light? A. good B. poor C. dim D. fair Answer: C "
    "Question 3: How is the focus? Answer: It lies behind the cook.",
    "numbered": """1. Question 1: Is it sharp? A. Yes B. No
   Answer 1: A. Yes
2. Question 2: How is the light? A. good B. poor C. dim D. fair
   Answer 2: C
3. Question 3: How is the focus?
   Answer 3: It lies behind the cook.""",
    "wide colons": "Question 1\uff1aIs it sharp? A. Yes B. No\nAnswer\uff1aA. Yes\n"
    "Question 2\uff1aHow is the light? A. good B. poor C. dim D. fair\nAnswer\uff1aC\n"
    "Question 3\uff1aHow is the focus?\nAnswer\uff1aIt lies behind the cook.",
    "small letters": """question: Is it sharp? A. Yes B. No
answer: A. Yes
question: How is the light? A. good B. poor C. dim D. fair
correct answer: C
question: How is the focus?
answer: It lies behind the cook.

Explanation: none of these goes beyond what was seen.""",
    "explained": """Question: Is it sharp? A. Yes B. No
Answer: A. Yes
Explanation: it is.
Question: How is the light? A. good B. poor C. dim D. fair
Answer: C
(The light is dim.)
Question: How is the focus?
Answer: It lies behind the cook.""",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_same_pairs_are_read_however_they_are_written(name):
    assert pairs_in_text(WRITTEN[name]) == PLAIN


def test_a_letter_in_the_question_is_not_a_choice():
    (pair,) = pairs_in_text("Question: Is vitamin C. shown? A. Yes B. No\nAnswer: B")
    assert (pair["question"], pair["options"]) == ("Is vitamin C. shown?", ["Yes", "No"])


def test_a_single_letter_is_not_a_choice():
    (pair,) = pairs_in_text("Question: How is plan A. filmed?\nAnswer: Well.")
    assert (pair["question"], pair["options"]) == ("How is plan A. filmed?", None)


@pytest.mark.parametrize("text", ["None", "none.", "**None**", " None \n"])
def test_the_word_none_is_read_as_no_pairs(text):
    assert pairs_in_text(text) == []


@pytest.mark.parametrize("text", ["", "Certainly!", "Question: How?", "Answer: B", "Answer: A\nB"])
def test_text_without_question_and_answer_has_no_pairs(text):
    assert pairs_in_text(text) is None


def test_words_of_another_choice_after_a_letter_are_rejected():
    with pytest.raises(RejectedError, match="answer B is 'poor' among the choices, 'dim'"):
        choice_letter("B. dim", ["good", "poor", "dim"])
    assert choice_letter("something else", ["good", "poor"]) is None
