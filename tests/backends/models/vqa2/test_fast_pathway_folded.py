"""The folded pathway against the plain one."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.models.vqa2.fast_pathway import FastPathway  # noqa: E402
from qbuild_backends.models.vqa2.motion_tokens import MotionExtractor  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402
from vqa2_toys import fixed_init  # noqa: E402


@pytest.fixture(scope="module")
def pathway() -> FastPathway:
    return fixed_init(FastPathway()).eval()


def frames(count: int, height: int = 64, width: int = 64, videos: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randn(videos, 3, count, height, width, generator=generator)


def far(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference, as a share of the largest value."""
    return float((one - other).abs().max() / other.abs().max())


@torch.inference_mode()
@pytest.mark.parametrize(
    "video", [frames(12), frames(1), frames(5, 32, 32, 3), frames(6, 96, 40), frames(3, 33, 31)]
)
def test_folding_moves_no_token_by_more_than_rounding(pathway, video):
    folded, plain = pathway.folded(), pathway(video)
    assert plain.std() > 0
    assert far(folded(video), plain) <= 1e-5
    assert far(folded.maps(video), pathway.maps(video)) <= 1e-5


@torch.inference_mode()
def test_no_batch_norm_is_left_and_the_plain_pathway_stays_as_it_was(pathway):
    before = {name: tensor.clone() for name, tensor in pathway.state_dict().items()}
    folded = pathway.folded()
    folded(frames(4))
    assert not any("norm" in name for name in folded.state_dict())
    assert all(torch.equal(before[name], w) for name, w in pathway.state_dict().items())


@torch.inference_mode()
def test_folded_tokens_do_not_depend_on_chunks_either(pathway):
    video, folded = frames(60, 32, 32), pathway.folded()
    pieces = torch.cat(list(folded.stream(video.split(16, dim=2))), dim=1)
    assert far(pieces, folded._tokens(video)) <= 2e-5


@torch.inference_mode()
def test_bf16_is_near(pathway):
    video = frames(8)
    half = pathway.folded().to(torch.bfloat16)(video.to(torch.bfloat16)).float()
    assert (half - pathway(video)).norm() <= 0.03 * pathway(video).norm()


@torch.inference_mode()
def test_an_extractor_folds_once_and_gives_the_same_tokens():
    extractor = fixed_init(MotionExtractor(preset("tiny"))).eval()
    video = torch.randint(0, 256, (8, 48, 48, 3), dtype=torch.uint8)
    plain = extractor(video, torch.tensor([8]))
    extractor.fold()
    folded = extractor.pathway
    extractor.fold()
    assert extractor.pathway is folded
    assert far(extractor(video, torch.tensor([8])), plain) <= 1e-5
