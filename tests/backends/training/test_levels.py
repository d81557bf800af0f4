"""Accuracy of level words, and the warning where predicted levels hardly vary."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.models.inputs import IGNORED  # noqa: E402
from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.training.levels import (  # noqa: E402
    Counts,
    LevelScores,
    LevelTokens,
    format_variation,
)

TOKENS = LevelTokens([(3, 4, 5)])  # bad, fair, good of a vocabulary of 8


def logits_of(*tokens):
    """Logits (1, p, 8) that predict these tokens with certainty."""
    found = torch.full((1, len(tokens), 8), -20.0)
    for place, token in enumerate(tokens):
        found[0, place, token] = 20.0
    return found


def test_only_level_words_count_for_accuracy():
    expected = torch.tensor([[1, 4, 2, IGNORED]])
    assert TOKENS.count(logits_of(7, 4, 7, 7), expected) == Counts(1, 1)
    assert TOKENS.count(logits_of(1, 3, 2, 7), expected) == Counts(1, 0)
    assert Counts().accuracy() is None
    assert Counts(4, 1).accuracy() == 0.25


def scores_of(predicted):
    scores = LevelScores(TOKENS)
    for expected, token in zip([3, 4, 5, 3, 4, 5, 3, 5], predicted, strict=True):
        scores.add(logits_of(1, token), torch.tensor([[1, expected]]))
    return scores


def test_predictions_that_vary_like_the_labels_are_not_warned_of():
    scores = scores_of([3, 4, 5, 3, 4, 5, 3, 5])
    assert scores.predicted == pytest.approx(scores.expected)
    assert format_variation(scores.figures(), "validation") == ""


def test_predictions_that_are_all_alike_are_warned_of_with_both_deviations():
    warning = format_variation(scores_of([4] * 8).figures(), "validation")
    assert "standard deviation 0.0000 over 8 validation samples" in warning
    assert "that of their labels is 0.4" in warning


def test_labels_that_do_not_vary_and_few_samples_are_not_judged():
    few = LevelScores(TOKENS)
    few.add(logits_of(1, 4), torch.tensor([[1, 3]]))
    assert few.figures() == {}
    alike = LevelScores(TOKENS, expected=[0.5] * 9, predicted=[0.5] * 9)
    assert alike.figures() == {}


def test_the_level_words_of_a_family_are_tokens_after_its_answer():
    _, processor = FAMILY.tiny(0)
    words = [
        processor.tokenizer.decode(list(ids)) for ids in LevelTokens.of(FAMILY, processor).sets
    ]
    assert " low poor fair good high" in words
    assert " bad poor fair good excellent" in words
