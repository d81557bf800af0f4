"""The fast pathway against SlowFast's own, in chunks against whole, folded against plain."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.models.vqa2.fast_pathway import RADIUS, FastPathway  # noqa: E402
from qbuild_backends.models.vqa2.layouts import PARTS, PATHWAY  # noqa: E402
from vqa2_toys import fixed_init, pytorchvideo_slowfast  # noqa: E402


@pytest.fixture(scope="module")
def pathway() -> FastPathway:
    return fixed_init(FastPathway()).eval()


def frames(count: int, size: int = 32, videos: int = 1, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(videos, 3, count, size, size, generator=generator)


def test_the_pathway_has_the_published_number_of_parameters():
    assert sum(weight.numel() for weight in FastPathway().parameters()) == 514_152


@torch.inference_mode()
def test_its_maps_are_the_full_networks_fast_output_bit_for_bit():
    whole = pytorchvideo_slowfast()
    layout = PARTS["slowfast"]
    own = {
        ours.removeprefix(PATHWAY): tensor
        for name, tensor in whole.state_dict().items()
        if (ours := layout.ours(name)) is not None
    }
    pathway = FastPathway().eval()
    pathway.load_state_dict(own)  # strict: every tensor of ours is named
    video = frames(8, size=64)
    both = [video[:, :, ::4], video]
    for block in whole.blocks[:5]:
        both = block(both)
    assert both[1].std() > 0
    assert torch.equal(pathway.maps(video), both[1])
    assert torch.equal(pathway(video), both[1].mean((3, 4)).transpose(1, 2))


@torch.inference_mode()
@pytest.mark.parametrize("count", [37, 48, 64, 75])
@pytest.mark.parametrize("chunk", [1, 12, 20])
def test_chunks_give_the_tokens_of_the_whole_video(pathway, count, chunk):
    video = frames(count)
    whole = FastPathway.forward(pathway, video)
    pieces = torch.cat(list(pathway.stream(video.split(chunk, dim=2))), dim=1)
    assert pieces.shape == whole.shape == (1, count, 256)
    assert (pieces - whole).abs().max() <= 2e-5 * whole.abs().max()


@torch.inference_mode()
def test_a_token_depends_on_the_radius_and_on_nothing_beyond(pathway):
    video = frames(2 * RADIUS + 5)
    changed = video.clone()
    changed[:, :, 0] += 1
    moved = (pathway(changed) - pathway(video)).abs().amax((0, 2))
    assert moved[RADIUS] > 0
    assert moved[RADIUS + 1 :].max() == 0


@torch.inference_mode()
def test_a_long_video_goes_in_chunks_by_itself(pathway, monkeypatch):
    seen = []
    maps = FastPathway.maps
    monkeypatch.setattr(pathway, "chunk", 16)
    monkeypatch.setattr(
        FastPathway, "maps", lambda self, part: seen.append(part.shape[2]) or maps(self, part)
    )
    short, long = frames(16 + 2 * RADIUS), frames(100)
    pathway(short)
    assert seen == [52]
    seen.clear()
    tokens = pathway(long)
    assert max(seen) <= 16 + 2 * RADIUS
    assert (tokens - pathway._tokens(long)).abs().max() <= 2e-5 * tokens.abs().max()


def test_in_training_a_video_stays_whole(monkeypatch):
    pathway = FastPathway(chunk=4).train()
    monkeypatch.setattr(pathway, "stream", None)
    assert pathway(frames(50)).shape == (1, 50, 256)
