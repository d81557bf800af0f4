"""qbuild/quality/published_text.py: multiple-choice questions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbuild.quality.published_text import answer_text, choice_text, letters

options = st.lists(
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
    min_size=2,
    max_size=26,
    unique=True,
)


def test_each_option_has_a_line_with_its_letter():
    text = choice_text("Is there noise?", ["Yes", "No"])
    assert text == "Is there noise?\nA. Yes\nB. No"


@given(options)
def test_the_answer_is_a_line_of_the_question(given_options):
    lines = choice_text("Which?", given_options).split("\n")[1:]
    names = letters(len(given_options))
    assert lines == [answer_text(n, o) for n, o in zip(names, given_options, strict=True)]


@pytest.mark.parametrize("count", [0, 1, 27])
def test_more_options_than_letters_are_an_error(count):
    with pytest.raises(ValueError, match=f"{count} choices; expected 2 to 26"):
        letters(count)


@pytest.mark.parametrize(
    ("given_options", "what"),
    [
        (["Noise", "Noise"], "duplicate choices"),
        (["Noise", " "], "' ' cannot be asked"),
        (["Noise", "a\nb"], "cannot be asked; expected one line"),
        (["Noise"], "1 choices"),
    ],
)
def test_duplicate_or_blank_options_are_an_error(given_options, what):
    with pytest.raises(ValueError, match=what):
        choice_text("Which?", given_options)
