"""Sizes of the presets, counted on the meta device, against the published numbers."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402

from qbuild.core.errors import UsageError  # noqa: E402


def counted(name: str) -> dict[str, int]:
    """Parameters of the parts of a preset's model, and of the whole, tied weights once."""
    with torch.device("meta"):
        model = Vqa2ForConditionalGeneration(preset(name))
    parts = {"": model, "lm_head": model.lm_head} | dict(model.model.named_children())
    return {key: sum(w.numel() for w in part.parameters()) for key, part in parts.items()}


def test_7b_has_the_paper_s_parameters():
    count = counted("7b")
    assert count["vision_tower"] == 397_747_744  # Table 10: 397.75M
    assert count["multi_modal_projector"] == 16_980_992  # 16.98M
    assert count["motion_projector"] == 13_769_728  # 13.77M
    assert count["motion_extractor"] == 514_152 + 2_000 * 256
    assert count["language_model"] + count["lm_head"] == 7_615_616_512  # Qwen2-7B
    assert count[""] == 8_045_144_712


def test_0_5b_is_qwen2_0_5b_behind_the_same_tower():
    count = counted("0.5b")
    assert count["vision_tower"] == 397_747_744
    assert count["language_model"] == 494_032_768  # Qwen2-0.5B, whose head is tied
    assert count["motion_projector"] == 1_033_984
    assert count[""] == 895_678_344


@pytest.mark.parametrize("name", ["0.5b", "7b"])
def test_a_key_frame_is_196_tokens_at_the_published_sizes(name):
    assert (preset(name).key_size, preset(name).tokens_per_key) == (384, 196)


def test_motion_frames_are_the_papers_unless_the_release_is_asked_for():
    paper, release = preset("7b"), preset("7b", "release")
    assert (paper.motion_size, paper.motion_mean, paper.motion_deviation) == (224, 0.45, 0.225)
    assert (release.motion_size, release.motion_mean, release.motion_deviation) == (384, 0.5, 0.5)
    assert (preset("tiny", "release").motion_size, preset("tiny", "release").motion_mean) == (
        48,
        0.5,
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("7B",), "preset 7B: is not known. Did you mean 7b?"),
        (("7b", "papr"), "motion preset papr: is not known. Did you mean paper?"),
    ],
)
def test_an_unknown_name_is_reported_with_similar_ones(given, said):
    with pytest.raises(UsageError) as caught:
        preset(*given)
    assert str(caught.value) == said
