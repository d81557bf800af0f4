from __future__ import annotations

import pytest

from qbuild.language.mentions import read
from qbuild.language.times import Time
from qbuild.pairs.rules.phrases import (
    definite,
    enumerate_words,
    give_reason,
    is_clause,
    is_plural,
    join_times,
    with_degree,
)


def direct(part) -> Time:
    return Time("direct", "", part)


@pytest.mark.parametrize(
    ("times", "phrase"),
    [
        ([direct("beginning"), direct("end")], "at the beginning and at the end"),
        ([direct("end"), direct("end")], "at the end"),
        ([Time("overall", "throughout", "throughout"), direct("end")], "at the end"),
        ([Time("overall", "often", "frequent"), Time("in-context", "when he runs")],
         "frequently when he runs"),
        ([Time("in-context", "when he walking up")], "when he is walking up"),
        ([Time("direct", "after 3 seconds", None, (3.0, None))], "after 3 seconds"),
        ([Time("direct", "", None, (3.0, 6.0))], "from 3 to 6 seconds"),
        ([Time("direct", "", None, (2.0, 2.0))], "at the 2nd second"),
        ([direct("beginning"), Time("direct", "in the first few seconds", "beginning")],
         "at the beginning and in the first few seconds"),
        ([Time("overall", "several times", "frequent")], "several times"),
        ([], ""),
    ],
)  # fmt: skip
def test_times_are_joined_once(times, phrase):
    assert join_times(times) == phrase


@pytest.mark.parametrize(
    ("text", "cause", "reason"),
    [
        ("It is blurry due to the rain.", "the rain", "because of the rain"),
        ("It shakes because it was filmed in a car.", "it was filmed in a car",
         "because it was filmed in a car"),
        ("It shakes because the lens moved.", "the lens moved", "because the lens moved"),
        ("It shakes due to the person filming starts running.",
         "the person filming starts running", "because the person filming starts running"),
        ("It shakes due to the person filming starting to run.",
         "the person filming starting to run", "because of the person filming starting to run"),
        ("It is dark because of the light that comes from behind.",
         "the light that comes from behind", "because of the light that comes from behind"),
    ],
)  # fmt: skip
def test_a_cause_has_the_conjunction_that_it_needs(text, cause, reason):
    assert give_reason(cause, text) == reason
    assert is_clause(cause) == (not reason.startswith("because of"))


def test_nouns_have_an_article_that_fits():
    assert definite("camera shake") == "the camera shake"
    assert definite("a low resolution") == "the low resolution"
    assert with_degree("a color cast", "extremely severe") == "an extremely severe color cast"
    assert with_degree("noise", "slight") == "slight noise"
    assert with_degree("noise", "") == "noise"


@pytest.mark.parametrize(
    ("noun", "plural"),
    [("colors", True), ("compression artifacts", True), ("faces on the left", True),
     ("text on the windows", False), ("sharpness", False), ("people", True), ("glass", False)],
)  # fmt: skip
def test_the_verb_agrees_with_the_head_of_a_noun_phrase(noun, plural):
    assert is_plural(noun) == plural


def test_a_list_has_each_word_once():
    assert enumerate_words(["blur", "noise", "blur", "glare"]) == "blur, noise and glare"
    assert enumerate_words(["blur"]) == "blur"


def test_the_words_of_a_phrase_are_read_as_the_same_time():
    (time,) = read("It is blurry after 3 seconds.").times
    assert join_times([time]) == "after 3 seconds"
