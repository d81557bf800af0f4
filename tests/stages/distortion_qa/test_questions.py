"""qbuild/stages/distortion_qa/questions.py: the sentences and choices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbuild.quality.distortions import DISTORTIONS, MOTION
from qbuild.quality.published_text import choice_text
from qbuild.stages.distortion_qa import questions

seeds = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("form", questions.FORMS)
@pytest.mark.parametrize("kind", ["image", "video"])
def test_each_form_and_kind_has_six_wordings_or_more_that_name_the_kind(form, kind):
    made = {
        "binary": lambda seed: questions.ask_binary("noise", kind, True, 0, seed),
        "which": lambda seed: questions.ask_which("noise", DISTORTIONS[:3], kind, 0, seed),
        "severity": lambda seed: questions.ask_severity("noise", kind, 2, False, seed),
    }[form]
    texts = {made(seed << 32 | seed).text for seed in range(100)}
    assert len(texts) == len(questions.QUESTIONS[form]) * len(questions.NOUNS[kind]) >= 12
    assert all(any(noun in text for noun in questions.NOUNS[kind]) for text in texts)
    other = questions.NOUNS["video" if kind == "image" else "image"]
    assert not any(f" {noun}" in text for noun in other for text in texts)


@given(st.booleans(), st.sampled_from([0, 1]), seeds)
def test_yes_is_right_if_the_distortion_is_present(present, right, seed):
    question = questions.ask_binary("noise", "image", present, right, seed)
    assert question.options[question.right] == ("Yes" if present else "No")
    assert set(question.options) == {"Yes", "No"}


@given(st.integers(0, 3), seeds)
def test_which_has_one_right_choice_and_three_absent_ones(right, seed):
    absent = ["motion blur", "flicker", "low contrast"]
    question = questions.ask_which("noise", absent, "video", right, seed)
    assert question.options[right] == "Noise"
    wrong = [option for option in question.options if option != "Noise"]
    assert sorted(wrong) == ["Flicker or camera shake", "Low contrast", "Motion blur"]
    assert choice_text(question.text, question.options)


def test_degrees_rise_or_fall():
    rising = questions.ask_severity("noise", "image", 0, False, 1)
    falling = questions.ask_severity("noise", "image", 4, True, 1)
    assert rising.options == falling.options[::-1] == questions.SEVERITY_WORDS
    assert rising.options[rising.right] == falling.options[falling.right] == "Slight"


def test_camera_shake_is_named_with_flicker():
    assert "flicker or camera shake" in questions.ask_binary(MOTION[0], "video", True, 0, 3).text


@given(st.lists(st.sampled_from(DISTORTIONS), unique=True), seeds)
def test_shuffled_names_are_the_same_names(names, seed):
    assert sorted(questions.shuffled(names, seed)) == sorted(names)


def test_every_order_of_the_wrong_choices_occurs():
    assert len({tuple(questions.shuffled("abc", seed)) for seed in range(6)}) == 6
