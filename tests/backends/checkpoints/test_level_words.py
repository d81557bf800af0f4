"""The level words that a checkpoint was trained on."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.checkpoints.level_words import (
    LEVEL_WORDS,
    read_level_words,
    write_level_words,
)
from qbuild_backends.models.inputs import Turn

from qbuild.core.errors import InputError


def conversation(answer):
    return Turn("user", "The quality of the image is low."), Turn("assistant", answer)


def test_the_words_are_those_of_answers_that_state_a_level(tmp_path):
    answers = [
        "The quality of the image is high.",
        "The aesthetics of the image is poor.\n",
        "The quality of the image is good, I think.",
        "It is excellent.",
    ]
    write_level_words(tmp_path, map(conversation, answers), tmp_path / "base")
    assert read_level_words(tmp_path) == {"high", "poor"}


def test_a_training_without_levels_keeps_the_words_of_its_base(tmp_path):
    base, place = tmp_path / "base", tmp_path / "place"
    base.mkdir()
    place.mkdir()
    write_level_words(place, [conversation("It is blurred.")], base)
    assert not (place / LEVEL_WORDS).exists()
    write_level_words(base, [conversation("The quality of the video is bad.")], base)
    write_level_words(place, [conversation("It is blurred.")], base)
    assert read_level_words(place) == {"bad"}


@pytest.mark.parametrize("text", ["{", "{}", "[1]", "3"])
def test_a_damaged_record_is_an_error_that_names_the_file(tmp_path, text):
    (tmp_path / LEVEL_WORDS).write_text(text)
    with pytest.raises(InputError, match=r"level_words.json: .* expected a list of words"):
        read_level_words(tmp_path)
