"""The tiny preset's patch embedding: responses to photographs are of one strength."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.models.vqa2.patch_embedding import LUMA, RESPONSE  # noqa: E402


@pytest.fixture(scope="module")
def embedding():
    return FAMILY.tiny(3)[0].model.vision_tower.embeddings.patch_embedding


def test_the_preset_begins_with_the_same_filters_for_every_seed(embedding):
    other = FAMILY.tiny(4)[0].model.vision_tower.embeddings.patch_embedding
    assert torch.equal(embedding.weight, other.weight)
    assert embedding.bias[0] > 0.5  # photographs are darker than the middle of their range
    assert not embedding.bias[1:].any()


def test_filters_are_orthogonal_within_a_colour_and_chroma_ignores_grey(embedding):
    filters = embedding.weight.detach().flatten(1)
    filters = filters / filters.norm(dim=1, keepdim=True)
    for part in (filters[:LUMA], filters[LUMA : LUMA + 8], filters[LUMA + 8 :]):
        assert torch.allclose(part @ part.T, torch.eye(len(part)), atol=1e-5)
    grey = torch.full((1, 3, 16, 16), 0.7)
    responses = torch.nn.functional.conv2d(grey, embedding.weight)
    assert responses[0, LUMA:].abs().max() < 0.05
    assert responses[0, 0].abs() > 1


def test_responses_to_a_photograph_are_about_as_strong_at_all_frequencies(embedding):
    images = pytest.importorskip("skimage", reason="needs the photographs of scikit-image").data
    pixels = images.coffee()[: 16 * 25, : 16 * 37].astype(np.float32)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        deviations = embedding(tensor)[0].std(dim=(1, 2))
    assert deviations.quantile(0.1) > RESPONSE / 4
    assert deviations.quantile(0.9) < 2 * RESPONSE
