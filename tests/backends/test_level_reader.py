"""The token of each level word after a prefix; words that cannot be distinguished are rejected."""

from __future__ import annotations

import pytest
from qbuild_backends.level_reader import level_token_ids

from qbuild.core.errors import CombinedError, UsageError
from qbuild.quality.published_text import LEVEL_WORDS

PREFIX = "The quality of the video is"
WORDS = ("low", "poor", "fair", "good", "high")


@pytest.fixture(scope="module")
def tokenizer():
    pytest.importorskip("transformers", reason="needs the model backends' transformers")
    from qbuild_backends.models.vqa2.tokenizer import tiny_tokenizer

    return tiny_tokenizer()


def test_each_word_is_the_token_that_follows_the_prefix(tokenizer):
    token_ids = level_token_ids(tokenizer, WORDS, PREFIX)
    whole = tokenizer.encode(f"{PREFIX} high", add_special_tokens=False)
    assert token_ids[-1] == whole[-1]
    assert [tokenizer.decode([number]) for number in token_ids] == [f" {w}" for w in WORDS]


@pytest.mark.parametrize("words", LEVEL_WORDS.values())
def test_the_tiny_tokenizer_distinguishes_both_sets_of_words(tokenizer, words):
    assert len(set(level_token_ids(tokenizer, words, PREFIX))) == 5


def test_a_word_may_bring_its_own_blank(tokenizer):
    plain = level_token_ids(tokenizer, WORDS, PREFIX)
    assert level_token_ids(tokenizer, [f" {word}" for word in WORDS], "") == plain


def test_a_word_of_several_tokens_is_named_with_them(tokenizer):
    with pytest.raises(UsageError) as caught:
        level_token_ids(tokenizer, ("terrible", "good"), PREFIX)
    said = str(caught.value)
    pieces = tokenizer.tokenize(" terrible")
    assert len(pieces) > 1
    assert f"'terrible' after '{PREFIX}' is {pieces}" in said
    assert "expected one token per word. Choose other words" in said


def test_words_that_begin_alike_are_both_named(tokenizer):
    with pytest.raises(CombinedError) as caught:
        level_token_ids(tokenizer, ("terrible", "lousy", "good"), PREFIX)
    assert "'lousy'" in str(caught.value.problems[1])
    assert "shares its first token with 'terrible'" in str(caught.value.problems[1])


def test_a_duplicate_word_is_rejected(tokenizer):
    with pytest.raises(UsageError, match=r"'good' after .* shares its first token with 'good'"):
        level_token_ids(tokenizer, ("good", "good"), PREFIX)
