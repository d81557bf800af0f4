"""From uint8 frames to motion tokens: normalising, grouping, positions in long videos."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

from qbuild_backends.models.vqa2 import motion_tokens  # noqa: E402
from qbuild_backends.models.vqa2.motion_tokens import MotionExtractor  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402
from vqa2_toys import fixed_init  # noqa: E402


@pytest.fixture(scope="module")
def extractor() -> MotionExtractor:
    return fixed_init(MotionExtractor(preset("tiny"))).eval()


def frames(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 48, 48, 3), generator=generator, dtype=torch.uint8)


@torch.inference_mode()
def test_white_and_black_are_normalised_by_mean_and_deviation(extractor):
    video = torch.zeros(1, 2, 4, 4, 3, dtype=torch.uint8)
    video[:, 1] = 255
    black, white = extractor.normalised(video).unbind(2)
    assert black.unique().tolist() == pytest.approx([-2.0])
    assert white.unique().tolist() == pytest.approx([(1 - 0.45) / 0.225])


@torch.inference_mode()
def test_a_video_has_the_same_features_in_any_company(extractor):
    a, b, c = frames(8, 1), frames(12, 2), frames(8, 3)
    together = extractor.features(torch.cat((a, b, c)), torch.tensor([8, 12, 8]))
    for part, video in zip(together.split([8, 12, 8]), (a, b, c), strict=True):
        alone = extractor.features(video, torch.tensor([len(video)]))
        assert (part - alone).abs().max() <= 2e-5 * alone.abs().max()


@torch.inference_mode()
def test_samples_without_motion_take_no_place(extractor):
    video = frames(8)
    some = extractor(video, torch.tensor([0, 8, 0]))
    assert torch.equal(some, extractor(video, torch.tensor([8])))


@torch.inference_mode()
def test_videos_go_together_only_while_memory_lasts(extractor, monkeypatch):
    video = frames(24)
    counts = torch.tensor([8, 8, 8])
    together = extractor.features(video, counts)
    monkeypatch.setattr(motion_tokens, "MAX_PIXELS", 1)
    alone = extractor.features(video, counts)
    assert (together - alone).abs().max() <= 2e-5 * alone.abs().max()


def test_positions_of_a_short_video_are_the_first_rows(extractor):
    table = extractor.position_embedding.weight
    assert torch.equal(extractor.positions(100), table[:100])
    assert torch.equal(extractor.positions(256), table)


@torch.inference_mode()
def test_a_long_video_interpolates_the_table_over_its_frames(extractor):
    table = extractor.position_embedding.weight
    stretched = extractor.positions(511)  # twice as dense: every second one is a row
    assert stretched.shape == (511, 256)
    assert torch.allclose(stretched[::2], table, atol=1e-5)
    assert torch.allclose(stretched[1::2], (table[:-1] + table[1:]) / 2, atol=1e-5)


def test_positions_learn_through_a_long_video():
    extractor = fixed_init(MotionExtractor(preset("tiny")))
    extractor.positions(300).sum().backward()
    assert (extractor.position_embedding.weight.grad > 0).all()


@torch.inference_mode()
def test_a_long_video_is_normalised_by_the_chunk_with_the_same_features(extractor, monkeypatch):
    video, counts = frames(120), torch.tensor([120])
    whole = extractor.features(video, counts)
    seen: list[int] = []
    plain = extractor.normalised
    monkeypatch.setattr(extractor, "normalised", lambda v: seen.append(v.shape[1]) or plain(v))
    monkeypatch.setattr(extractor.pathway, "chunk", 16)
    chunked = extractor.features(video, counts)
    assert seen == 7 * [16] + [8]
    assert (chunked - whole).abs().max() <= 2e-5 * whole.abs().max()
