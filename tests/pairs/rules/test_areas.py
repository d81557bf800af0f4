from __future__ import annotations

import pytest

from qbuild.pairs.rules.areas import (
    find_area,
    find_count,
    find_severity,
    is_duration,
    is_middling,
    with_next_word,
)


@pytest.mark.parametrize(
    ("text", "stated", "area"),
    [
        ("The picture is sharp, but the sky is a little overexposed.", "overexposed", "sky"),
        ("The faces on the left are underexposed.", "underexposed", "faces on the left"),
        ("The text on the shop window on the right is crisp.", "crisp",
         "text on the shop window on the right"),
        ("The left part of the picture is dark and the right part is overexposed.",
         "overexposed", "right part"),
        ("The left part of the picture is dark and the right part is overexposed.",
         "dark", "left part"),
        ("The picture is overexposed.", "overexposed", None),
        ("The colors of the sky are faded.", "faded", None),
        ("There is noise.", "noise", None),
        ("It is blurry.", "sharp", None),
    ],
)  # fmt: skip
def test_an_area_is_the_subject_of_its_clause(text, stated, area):
    assert find_area(text, stated) == area


@pytest.mark.parametrize(
    ("text", "stated", "count"),
    [
        ("The image freezes twice and then plays.", "freezes", "twice"),
        ("It freezes, about three times.", "freezes", "three times"),
        ("It freezes.", "freezes", None),
        ("It freezes for two seconds.", "freezes", None),
    ],
)
def test_a_count_follows_what_is_counted(text, stated, count):
    assert find_count(text, stated) == count


def test_a_severity_is_the_adjective_before_the_noun():
    assert find_severity("There is very heavy noise.", "noise") == "very heavy"
    assert find_severity("Noticeable noise.", "noise") == "noticeable"
    assert find_severity("There is noise.", "noise") is None


def test_a_verb_after_a_noun_names_the_state():
    assert with_next_word("The focus hunts at first.", "focus") == "focus hunts"
    assert with_next_word("Poor focus.", "focus") == "focus"


def test_a_duration_is_no_moment():
    assert is_duration("The focus hunts for about two seconds.", "about two seconds")
    assert not is_duration("The focus hunts at two seconds.", "two seconds")


def test_a_noun_may_be_called_middling():
    assert is_middling("The brightness of the sky stays moderate.", "brightness")
    assert is_middling("Acceptable exposure.", "exposure")
    assert not is_middling("The brightness is good.", "brightness")
