from __future__ import annotations

import pytest

from qbuild.language.degrees import DEGREES, degree_of, steps
from qbuild.language.mentions import read


def degree(text: str) -> str | None:
    (mention,) = read(text).mentions
    return mention.degree


def test_the_degrees_run_from_worst_to_best():
    assert [one.rank for one in DEGREES.values()] == [0, 1, 2, 3, 4]
    assert DEGREES["mild"].levels == (1, 2, 3, 4, 5)
    assert DEGREES["excellent"].levels == (5,)


@pytest.mark.parametrize("name", ["very severe", "relatively severe", "mild"])
def test_the_words_of_a_degree_express_it_for_a_fault(name):
    for words in DEGREES[name].words:
        assert degree(f"There is {words} noise.") == name
        assert degree(f"The noise is {words}.") == name


@pytest.mark.parametrize("name", ["good", "excellent"])
def test_the_words_of_a_degree_express_it_for_a_merit(name):
    for words in DEGREES[name].words:
        assert degree(f"The sharpness is {words}.") == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The sharpness is very high.", "excellent"),
        ("The sharpness is very poor.", "very severe"),
        ("The sharpness is relatively poor.", "relatively severe"),
        ("The sharpness is slightly low.", "mild"),
        ("The sharpness is poor.", None),
        ("The picture is extremely blurry.", "very severe"),
        ("The picture is a bit blurry.", "mild"),
        ("The picture is not very sharp.", "mild"),
        ("The picture is sharp.", None),
        ("The flicker is not very severe.", "mild"),
        ("There are flickers with minor amplitude.", "mild"),
        ("There is a small amount of noise.", "mild"),
    ],
)
def test_strength_and_judgement_make_a_degree(text, name):
    assert degree(text) == name


def test_what_does_not_judge_has_no_degree():
    assert degree_of(0, {"strong"}) is None


def test_steps_are_counted_along_the_scale():
    assert steps("very severe", "mild") == 2
    assert steps("good", "excellent") == steps("excellent", "good") == 1
