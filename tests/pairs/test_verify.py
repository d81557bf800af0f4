"""What keeps a pair from becoming data, besides grounding, which has its own tests."""

from __future__ import annotations

import pytest
from depictions import planted

from qbuild.pairs.parse import Pair
from qbuild.pairs.verify import PairChecker, foreign, unlike_english

TEXT = "The video has good sharpness throughout the playback. However, it is very dark at the end."


def opened(question, answer):
    return Pair("open", question, None, answer)


def reasons(pair, text=TEXT):
    return [rejection.reason for rejection in PairChecker(text).check(pair).rejections]


def test_a_faithful_pair_has_no_fault():
    assert reasons(opened("How is the sharpness of this video?", "It is good.")) == []


def test_a_contradiction_and_a_trace_are_rejected_and_an_invention_is_flagged():
    assert reasons(opened("How is the sharpness?", "It is very poor.")) == ["contradicted-polarity"]
    assert reasons(opened("What does the depiction say?", "Good sharpness.")) == ["trace"]
    check = PairChecker(TEXT).check(opened("How much noise is there?", "There is severe noise."))
    assert (check.rejections, check.flags) == ((), ("unheld-attribute",))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Wie scharf ist das Bild in diesem Video?", "Gut."),
        ("Quelle est la netteté de cette vidéo ?", "Bonne."),
        ("¿Cómo es la nitidez de este video?", "Buena."),
        ("画面清晰吗", "清晰"),
        ("Насколько резкое изображение", "Очень"),
        ("How is the sharpness of this video?", "画面非常清晰而且没有噪点"),
        (
            "How is the sharpness of this video?",
            "Die Schärfe ist gut und bleibt es über die ganze Dauer der Aufnahme hinweg.",
        ),
    ],
)
def test_another_language_than_that_of_the_notes_is_rejected(question, answer):
    assert "language" in reasons(opened(question, answer))


def test_notes_in_another_language_may_have_pairs_in_it():
    assert reasons(opened("画面清晰吗", "清晰"), "画面很清晰, 但是光线较暗") == []
    assert foreign("画面", "abc")
    assert not foreign("naïve café", "abc")


def test_faithful_english_pairs_do_not_count_as_another_language():
    for pair in planted(600, 1, 3):
        assert not unlike_english(pair.question), pair.question
        assert not unlike_english(pair.answer, 12), pair.answer


def test_a_question_asked_twice_is_a_duplicate_unless_it_now_has_choices():
    checker = PairChecker(TEXT)
    assert checker.reject_duplicate(opened("How is  the Sharpness?", "Good.")) is None
    duplicate = checker.reject_duplicate(opened("how is the sharpness?", "Very good."))
    assert duplicate.reason == "repeat"
    choices = Pair("multi", "How is the sharpness?", ("good", "bad", "fair", "poor"), "A")
    assert checker.reject_duplicate(choices) is None
