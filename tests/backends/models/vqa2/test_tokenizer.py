"""The tiny preset's own tokenizer: one answer, one token; the same on every machine."""

from __future__ import annotations

import pytest

pytest.importorskip("transformers", reason="needs the model backends' transformers")

from qbuild_backends.models.vqa2.presets import TINY_VOCABULARY, preset
from qbuild_backends.models.vqa2.tokenizer import MARKS, tiny_tokenizer

from qbuild.quality.distortions import DISTORTIONS
from qbuild.quality.published_text import LEVEL_WORDS

WORDS = [word for words in LEVEL_WORDS.values() for word in words]


@pytest.mark.parametrize("answer", [*WORDS, *map(str.lower, WORDS), *DISTORTIONS, "smooth"])
def test_an_answer_is_one_token_after_a_blank(answer):
    ids = tiny_tokenizer().encode(f" {answer}", add_special_tokens=False)
    assert len(ids) == 1
    assert tiny_tokenizer().decode(ids) == f" {answer}"


def test_training_it_again_gives_the_same_vocabulary():
    one, other = tiny_tokenizer(), tiny_tokenizer()
    assert one.get_vocab() == other.get_vocab()
    assert one.backend_tokenizer.to_str() == other.backend_tokenizer.to_str()
    assert len(one) <= TINY_VOCABULARY


def test_any_text_comes_back_as_it_was():
    text = "Café — 质量? <b>x</b>\n\ttwo  blanks, motion blur."
    tokenizer = tiny_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_the_special_tokens_have_the_ids_of_the_preset():
    config, ids = preset("tiny"), tiny_tokenizer().convert_tokens_to_ids(list(MARKS))
    assert ids == list(range(6))
    assert ids[3:] == [config.image_token_id, config.video_token_id, config.motion_token_id]
    assert (ids[0], ids[1]) == (config.text.pad_token_id, config.text.eos_token_id)
