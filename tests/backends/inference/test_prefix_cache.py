"""The beginning that prompts share: computed once, and the same scores as without."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

import vqa2_toys  # noqa: E402
from images import write_image  # noqa: E402
from qbuild_backends.inference import prefix_cache  # noqa: E402
from qbuild_backends.inference.prefix_cache import common_prefix  # noqa: E402
from qbuild_backends.inference.scoring import Scorer  # noqa: E402
from qbuild_backends.models.inputs import Encoded  # noqa: E402
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402
from vqa2_toys import fixed_init  # noqa: E402

from qbuild.backends.protocol import Computing, Scoring  # noqa: E402
from qbuild.core.media_roots import Medium  # noqa: E402

FEATURES = (90, 91)


def sample(*ids):
    return Encoded(np.array(ids), np.zeros(len(ids), bool), {})


@pytest.mark.parametrize(
    ("samples", "wanted"),
    [
        ([(1, 2, 3, 90, 4)], [1, 2, 3]),
        ([(1, 2, 3, 91, 4), (1, 2, 5, 91, 4)], [1, 2]),
        ([(1, 2, 3), (1, 2, 3)], [1, 2]),  # the last id is read: it is not of the prefix
        ([(1, 2, 3, 4), (1, 2)], [1]),
        ([(1, 2), (3, 2)], []),
        ([(90, 1, 2)], []),
        ([(1,), (1, 2)], []),
    ],
)
def test_what_is_shared_ends_at_a_difference_a_feature_or_the_last_id(samples, wanted):
    assert common_prefix([sample(*ids) for ids in samples], FEATURES).tolist() == wanted


@pytest.fixture(scope="module")
def loaded():
    model = fixed_init(Vqa2ForConditionalGeneration(preset("tiny")), 1).eval()
    return vqa2_toys.loaded(model)


@pytest.fixture(scope="module")
def read(loaded, tmp_path_factory):
    """The model's inputs for six images."""
    place = tmp_path_factory.mktemp("pictures")
    files = [write_image(place / f"{seed}.png", seed=seed) for seed in range(6)]
    media = [Medium(file.name, file.name, file) for file in files]
    return list(Scorer(loaded, Scoring()).encoded(media, []))


def lengths_read(loaded, samples, batch):
    """The shapes of what the language model reads, and the logits of the samples."""
    shapes: list[tuple[int, int]] = []
    hook = loaded.model.model.language_model.register_forward_pre_hook(
        lambda _, __, given: shapes.append(
            tuple(given.get("input_ids", given.get("inputs_embeds")).shape[:2])
        ),
        with_kwargs=True,
    )
    scorer = Scorer(loaded, Scoring(computing=Computing("cpu", batch=batch)))
    with hook:
        found = [scorer.logits(samples[at : at + batch]) for at in range(0, len(samples), batch)]
    return shapes, np.concatenate(found)


def test_images_share_a_prefix_that_is_computed_once(loaded, read):
    whole = len(read[0].ids)
    shapes, _ = lengths_read(loaded, read, 2)
    first = shapes[0][1]
    assert shapes == [(1, first)] + 3 * [(2, whole - first)]
    assert first > 10


def test_scores_are_those_of_whole_prompts(loaded, read, monkeypatch):
    _, found = lengths_read(loaded, read, 4)
    monkeypatch.setattr(prefix_cache, "MIN_SHARE", 2.0)
    shapes, wanted = lengths_read(loaded, read, 4)
    assert [length for _, length in shapes] == 2 * [len(read[0].ids)]
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_a_beginning_that_is_not_worth_it_is_computed_with_the_rest(loaded, read):
    longer = [
        Encoded(np.append(one.ids, [7] * 500), np.append(one.answer, [False] * 500), one.media)
        for one in read[:2]
    ]
    shapes, _ = lengths_read(loaded, longer, 2)
    assert shapes == [(2, len(longer[0].ids))]


def test_another_beginning_takes_the_place_of_the_last(loaded, read):
    other = [Encoded(np.insert(one.ids, 1, 9), np.insert(one.answer, 1, 0), one.media)
             for one in read]  # fmt: skip
    together = Scorer(loaded, Scoring())
    found = [together.logits(samples) for samples in (read, other, read)]
    wanted = [Scorer(loaded, Scoring()).logits(samples) for samples in (read, other)]
    assert found == [wanted[0], wanted[1], wanted[0]]
    assert found[0] != found[1]
