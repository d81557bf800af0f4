"""The model with tiny weights: where tokens go, what a batch changes, what generation gives."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

from qbuild_backends.models.inputs import Turn  # noqa: E402
from qbuild_backends.models.vqa2.model import PATCHES_TOGETHER, Vqa2ForConditionalGeneration  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402
from transformers import LlavaOnevisionForConditionalGeneration  # noqa: E402
from vqa2_toys import batch_of, drawn_clip, fixed_init, tiny_model, tiny_processor  # noqa: E402

from qbuild.core.errors import InputError  # noqa: E402


@pytest.fixture(scope="module")
def model() -> Vqa2ForConditionalGeneration:
    return tiny_model()


@pytest.fixture(scope="module")
def processor():
    return tiny_processor()


@torch.inference_mode()
def test_without_motion_it_is_llava_onevision_to_the_bit(model, processor):
    batch = batch_of(processor, drawn_clip(3, None))
    peer = LlavaOnevisionForConditionalGeneration(model.config).eval()
    peer.load_state_dict(model.state_dict(), strict=False)
    pixels = ((batch["key_frames"] / 255 - 0.5) / 0.5).permute(0, 3, 1, 2)[None]
    theirs = peer(input_ids=batch["input_ids"], pixel_values_videos=pixels).logits
    assert torch.equal(model(**batch).logits, theirs)


@torch.inference_mode()
def test_the_layer_that_is_read_is_the_one_before_the_last_of_siglip(model, processor):
    config = preset("tiny")
    config.vision.num_hidden_layers += 1
    config.vision_feature_layer = -2
    longer = fixed_init(Vqa2ForConditionalGeneration(config), seed=1).eval()
    longer.load_state_dict(model.state_dict(), strict=False)
    batch = batch_of(processor, drawn_clip())
    assert torch.equal(longer(**batch).logits, model(**batch).logits)


@pytest.mark.parametrize("training", [True, False])
def test_the_last_layer_read_by_itself_has_the_bits_of_the_tower_that_keeps_all(training):
    model = tiny_model().train(training)
    body, keys = model.model, torch.from_numpy(drawn_clip(3).keys)
    found, gradients = [], []
    for layer in (-1, model.config.vision.num_hidden_layers):  # as the first, and counted
        model.config.vision_feature_layer = layer
        found.append(body.visual_tokens(keys, torch.tensor([3])))
        found[-1].square().sum().backward()
        gradients.append([p.grad for p in body.vision_tower.encoder.parameters()])
        model.zero_grad()
    assert torch.equal(*found)
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_inference_reads_key_frames_a_few_at_a_time_to_the_same_tokens(model):
    together: list[int] = []
    most = PATCHES_TOGETHER["cpu"] // 49  # (112 / 16)² patches a key frame
    body, keys = model.model, torch.from_numpy(drawn_clip(most + 3).keys)
    hook = body.vision_tower.encoder.register_forward_pre_hook(
        lambda _, __, given: together.append(len(given["inputs_embeds"])), with_kwargs=True
    )
    counts = torch.tensor([2, most + 1])
    with hook, torch.inference_mode():
        found = body.visual_tokens(keys, counts)
        assert together == [most, 3]
        whole = body.train().visual_tokens(keys, counts)
        assert together[2:] == [most + 3]
        body.eval()
    assert (found - whole).abs().max() <= 1e-5 * whole.abs().max()


@torch.inference_mode()
def test_visual_and_motion_tokens_replace_their_placeholders(model, processor):
    batch = batch_of(processor, drawn_clip(2, 8))
    ids, body = batch["input_ids"], model.model
    embeds = body.embedded(
        ids, **{name: value for name, value in batch.items() if name.startswith(("key", "motion"))}
    )
    visual = body.visual_tokens(batch["key_frames"], batch["key_counts"])
    motion = body.motion_tokens(batch["motion_frames"], batch["motion_counts"])
    assert torch.equal(embeds[ids == model.config.video_token_id], visual)
    assert torch.equal(embeds[ids == model.config.motion_token_id], motion)
    words = ids > 5
    assert torch.equal(embeds[words], model.get_input_embeddings()(ids)[words])


@torch.inference_mode()
def test_each_video_ends_in_one_newline(model):
    keys = torch.from_numpy(drawn_clip(3).keys)
    tokens = model.model.visual_tokens(keys, torch.tensor([2, 0, 1]))
    assert tokens.shape == (2 * 16 + 1 + 16 + 1, 128)
    newline = (tokens == model.model.image_newline).all(1)
    assert newline.nonzero().flatten().tolist() == [32, 49]


@torch.inference_mode()
def test_a_sample_has_the_same_logits_in_any_company(model, processor):
    clips = drawn_clip(2, 8), drawn_clip(1, 12, seed=1), drawn_clip(1, None, seed=2)
    together = model(**batch_of(processor, *clips))
    for row, clip in enumerate(clips):
        alone = model(**batch_of(processor, clip)).logits[0]
        shared = together.logits[row, : len(alone)]
        assert (shared - alone).abs().max() <= 1e-4 * alone.abs().max()


@torch.inference_mode()
def test_motion_changes_the_answer(model, processor):
    batch = batch_of(processor, drawn_clip(2, 8))
    still = {**batch, "motion_frames": batch["motion_frames"][:1].expand(8, -1, -1, -1)}
    assert (model(**batch).logits[:, -1] - model(**still).logits[:, -1]).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("video_token_id", "34 places for visual tokens, but 33 tokens; expected as many"),
        ("motion_token_id", "9 places for motion tokens, but 8 tokens; expected as many"),
    ],
)
def test_an_extra_placeholder_is_rejected_with_both_counts(model, processor, token, said):
    batch = batch_of(processor, drawn_clip(2, 8))
    batch["input_ids"][0, -1] = getattr(model.config, token)
    with pytest.raises(InputError) as caught:
        model(**batch)
    assert str(caught.value).startswith(f"vqa2 model: {said}")


def test_placeholders_without_any_motion_are_rejected(model, processor):
    batch = batch_of(processor, drawn_clip(2, 8))
    del batch["motion_frames"], batch["motion_counts"]
    with pytest.raises(InputError, match="8 places for motion tokens, but 0 tokens"):
        model(**batch)


@torch.inference_mode()
def test_text_only_input_needs_no_frames(model, processor):
    batch = processor.collate([processor.encode([Turn("user", "Hello")], open_end=True)])
    assert model(**batch).logits.shape == (*batch["input_ids"].shape, 512)


def test_every_part_learns_from_the_answer(processor):
    model = tiny_model().train()
    model(**batch_of(processor, drawn_clip(2, 8), drawn_clip(1, 8, seed=1))).loss.backward()
    without = {name for name, weight in model.named_parameters() if weight.grad is None}
    assert without == {"model.vision_tower.post_layernorm.weight"} | {
        "model.vision_tower.post_layernorm.bias"
    }
    body = model.model
    assert body.motion_extractor.pathway.stem.conv.weight.grad.abs().sum() > 0
    assert (body.motion_extractor.position_embedding.weight.grad.abs().sum(1) > 0).sum() == 8


def test_the_loss_covers_only_the_tokens_of_the_answers(model, processor):
    batch = batch_of(processor, drawn_clip(2, 8))
    with torch.inference_mode():
        out = model(**batch)
        kept = batch["labels"][0, 1:] != -100
        own = torch.nn.functional.cross_entropy(
            out.logits[0, :-1][kept], batch["labels"][0, 1:][kept]
        )
    assert out.loss.item() == pytest.approx(own.item(), rel=1e-5)


@torch.inference_mode()
def test_generation_with_a_cache_matches_the_pass_over_the_whole_text(model, processor):
    clips = drawn_clip(2, 8), drawn_clip(1, 12, seed=1)
    asked = [Turn("user", "<image><image>Why?")]
    samples = [processor.encode(asked, clip, open_end=True) for clip in clips]
    batch = processor.collate(samples, padding="left", labels=False)
    greedy = {"max_new_tokens": 5, "do_sample": False}
    cached = model.generate(**batch, **greedy)
    assert torch.equal(cached, model.generate(**batch, **greedy, use_cache=False))
    alone = processor.collate(samples[:1], labels=False)
    assert torch.equal(model.generate(**alone, **greedy)[0, -5:], cached[0, -5:])


@torch.inference_mode()
def test_only_the_asked_logits_are_computed(model, processor):
    batch = batch_of(processor, drawn_clip(2, 8))
    del batch["labels"]
    last = model(**batch, logits_to_keep=1).logits
    assert last.shape == (1, 1, 512)
    assert torch.allclose(last, model(**batch).logits[:, -1:], atol=1e-4)


@torch.inference_mode()
def test_bf16_runs_on_uint8_frames(processor):
    model = tiny_model().to(torch.bfloat16)
    out = model(**batch_of(processor, drawn_clip(2, 8)))
    assert out.logits.dtype == torch.bfloat16
    assert out.logits.isfinite().all()


def test_weights_begin_alike_for_one_seed_and_carry_through_fifty_layers(processor):
    models = []
    for _ in range(2):
        torch.manual_seed(3)
        models.append(Vqa2ForConditionalGeneration(preset("tiny")).eval())
    one, other = (model.state_dict() for model in models)
    assert all(torch.equal(one[name], other[name]) for name in one)
    frames = torch.from_numpy(drawn_clip(1, 8).motion)
    with torch.inference_mode():
        features = models[0].model.motion_extractor.features(frames, torch.tensor([8]))
    assert features.std() > 1e-2  # .02 a weight, the usual start, leaves 1e-20
