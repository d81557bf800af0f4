"""Scores out of logits: which tokens, which weights, which temperature; Q-Bench's own figures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qbuild_backends.level_reader import LevelReader, level_weights, score_of
from scipy.stats import pearsonr, spearmanr

from qbuild.core.errors import CombinedError, UsageError
from qbuild.quality.published_text import LEVEL_WORDS

PREFIX = "The quality of the video is"
WORDS = ("low", "poor", "fair", "good", "high")

# Q-Bench's published SRCC and PLCC of LLaVA-v1.5, temperature 100
PUBLISHED = {"koniq": (0.448, 0.460), "livec": (0.445, 0.481), "agi": (0.664, 0.754)}


@pytest.fixture(scope="module")
def tokenizer():
    pytest.importorskip("transformers", reason="needs the model backends' transformers")
    from qbuild_backends.models.vqa2.tokenizer import tiny_tokenizer

    return tiny_tokenizer()


@pytest.mark.parametrize("name", PUBLISHED)
def test_stored_logits_of_q_bench_give_its_published_figures(data_folder, name):
    text = (data_folder / f"predictions/q-bench_llava_v1.5/{name}.json").read_text("utf-8")
    rows = json.loads(f"[{text.replace('}{', '},{')}]")
    logits = [[row["logit_poor"], row["logit_good"]] for row in rows]
    truth = [float(row["gt_score"]) for row in rows]
    scores = score_of(logits, temperature=100)
    figures = spearmanr(scores, truth)[0], pearsonr(scores, truth)[0]
    assert figures == pytest.approx(PUBLISHED[name], abs=0.0005)


def test_the_temperature_divides_the_logits():
    assert score_of([0.0, 3.0], temperature=1) == pytest.approx(1 / (1 + np.exp(-3)))
    assert score_of([0.0, 3.0], temperature=100) == pytest.approx(1 / (1 + np.exp(-0.03)))


def test_huge_logits_do_not_overflow():
    assert score_of([[1e4, 0.0], [0.0, 1e4]]) == pytest.approx([0.0, 1.0])


def test_the_release_s_weights_rank_as_the_papers_do():
    logits = np.random.default_rng(0).normal(size=(50, 5))
    paper, release = score_of(logits), score_of(logits, (0.2, 0.4, 0.6, 0.8, 1.0))
    assert np.array_equal(np.argsort(paper), np.argsort(release))
    assert release == pytest.approx(0.2 + 0.8 * paper)


def test_any_number_of_words_is_weighed_evenly():
    assert level_weights(2).tolist() == [0, 1]
    assert level_weights(5).tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("weights", [(0.0, 1.0), (0, 1, 2, 3, float("nan"))])
def test_weights_that_do_not_fit_the_words_are_refused(weights):
    with pytest.raises(UsageError, match="expected 5 finite numbers, one per word"):
        score_of(np.zeros(5), weights)


@pytest.mark.parametrize("temperature", [0, -1, float("inf"), float("nan")])
def test_a_temperature_that_is_no_number_above_0_is_refused(temperature):
    with pytest.raises(UsageError, match=f"temperature {temperature}; expected a number above 0"):
        score_of(np.zeros(5), temperature=temperature)


def test_one_word_is_no_scale():
    with pytest.raises(UsageError, match="1 word; expected at least two"):
        score_of([[1.0]])


def test_each_word_is_the_token_that_stands_after_the_prefix(tokenizer):
    reader = LevelReader(tokenizer, WORDS, PREFIX)
    whole = tokenizer.encode(f"{PREFIX} high", add_special_tokens=False)
    assert reader.token_ids[-1] == whole[-1]
    assert [tokenizer.decode([number]) for number in reader.token_ids] == [f" {w}" for w in WORDS]


@pytest.mark.parametrize("words", LEVEL_WORDS.values())
def test_the_tiny_tokenizer_tells_both_sets_of_words(tokenizer, words):
    assert len(set(LevelReader(tokenizer, words, PREFIX).token_ids)) == 5


def test_a_word_may_bring_its_own_blank(tokenizer):
    plain = LevelReader(tokenizer, WORDS, PREFIX)
    own = LevelReader(tokenizer, [f" {word}" for word in WORDS])
    assert own.token_ids == plain.token_ids


def test_logits_are_read_where_the_words_are_and_nowhere_else(tokenizer):
    import torch

    reader = LevelReader(tokenizer, WORDS, PREFIX, temperature=2.0)
    logits = torch.randn(3, len(tokenizer), generator=torch.Generator().manual_seed(0))
    levels = reader.read(logits)
    own = logits[:, list(reader.token_ids)].double().numpy()
    assert levels.score01.numpy() == pytest.approx(score_of(own, temperature=2.0), abs=1e-6)
    assert levels.score15.numpy() == pytest.approx(1 + 4 * score_of(own, temperature=2.0), abs=1e-5)
    assert levels.probabilities.sum(-1).numpy() == pytest.approx(np.ones(3), abs=1e-6)
    logits[:, 0] += 100  # no level word
    assert torch.equal(reader.read(logits).score01, levels.score01)


def test_the_best_word_alone_scores_1_and_5(tokenizer):
    import torch

    reader = LevelReader(tokenizer, WORDS, PREFIX)
    logits = torch.zeros(len(tokenizer))
    logits[reader.token_ids[-1]] = 1_000
    levels = reader.read(logits)
    assert (levels.score01, levels.score15) == (1, 5)


def test_bf16_logits_are_read_in_float32(tokenizer):
    import torch

    reader = LevelReader(tokenizer, WORDS, PREFIX)
    assert reader.read(torch.zeros(len(tokenizer), dtype=torch.bfloat16)).score01.item() == 0.5


def test_a_word_of_several_tokens_is_named_with_them(tokenizer):
    with pytest.raises(UsageError) as caught:
        LevelReader(tokenizer, ("terrible", "good"), PREFIX)
    said = str(caught.value)
    pieces = tokenizer.tokenize(" terrible")
    assert len(pieces) > 1
    assert f"'terrible' after '{PREFIX}' is {pieces}" in said
    assert "expected one token of its own. Choose other words" in said


def test_words_that_begin_alike_are_both_named(tokenizer):
    with pytest.raises(CombinedError) as caught:
        LevelReader(tokenizer, ("terrible", "lousy", "good"), PREFIX)
    assert "'lousy'" in str(caught.value.problems[1])
    assert "shares its first token with 'terrible'" in str(caught.value.problems[1])


def test_a_word_named_twice_is_refused(tokenizer):
    with pytest.raises(UsageError, match=r"'good' after .* shares its first token with 'good'"):
        LevelReader(tokenizer, ("good", "good"), PREFIX)
