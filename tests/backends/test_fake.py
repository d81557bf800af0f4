"""The fake backend: reproducible scores, and every output marked as fake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from qbuild.backends.protocol import Backend, Prompt, TrainSpec
from qbuild.backends.registry import load_backend
from qbuild.core.media_roots import Medium

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def backend() -> Backend:
    return load_backend("fake")


@pytest.fixture
def media(tmp_path: Path) -> list[Medium]:
    for number in range(40):
        (tmp_path / f"{number}.bin").write_bytes(bytes([number]))
    return [Medium(f"d:{n}", f"{n}.bin", tmp_path / f"{n}.bin") for n in range(40)]


def test_scores_depend_only_on_the_bytes(backend, media, tmp_path):
    (tmp_path / "copy.bin").write_bytes(media[3].file.read_bytes())
    copy = Medium("other:copy", "copy.bin", tmp_path / "copy.bin")
    first, again = (next(backend.score([medium])) for medium in (media[3], copy))
    assert (first.score, first.logits) == (again.score, again.logits)


def test_scores_lie_between_0_and_1_and_differ(backend, media):
    scores = [scored.score for scored in backend.score(media)]
    assert all(0 <= score < 1 for score in scores)
    assert len(set(scores)) == len(scores)


def test_scores_come_in_the_order_given(backend, media):
    assert [scored.media_id for scored in backend.score(media)] == [m.media_id for m in media]


def test_the_largest_logit_is_of_the_word_nearest_to_the_score(backend, media):
    for scored in backend.score(media):
        best = max(range(5), key=scored.logits.__getitem__)
        assert best == round(scored.score * 4)
        assert len(scored.words) == len(scored.logits) == 5


def test_answers_are_marked_as_fake_and_reproducible(backend, media):
    samples = [Prompt(f"s{n}", (medium,), "How good?") for n, medium in enumerate(media)]
    answers = list(backend.answer(samples))
    assert all(answered.answer.startswith("fake answer: ") for answered in answers)
    assert [answered.sample_id for answered in answers] == [sample.sample_id for sample in samples]
    assert answers == list(backend.answer(samples))
    assert len({answered.answer for answered in answers}) > 1


def test_the_name_of_the_model_is_marked_fake():
    assert load_backend("fake").model == "fake"
    assert load_backend("fake", "tiny").model == "fake (tiny)"


def test_training_leaves_a_folder_marked_as_untrained(backend, tmp_path):
    spec = TrainSpec((), tmp_path / "out/checkpoint", (), seed=3, settings={})
    folder = backend.train(spec)
    assert (folder / "fake.json").read_text() == '{"fake":true,"seed":3,"trained":false}\n'


def test_it_needs_nothing(backend):
    assert backend.needs().distributions == ()
