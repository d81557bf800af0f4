"""LoRA in the language model."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("peft", reason="needs peft, which LoRA comes from")

from qbuild_backends.inference import loading  # noqa: E402
from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.training.adapters import (  # noqa: E402
    add_lora,
    four_bit_options,
    merge_lora,
    unpacked_share,
)
from qbuild_backends.training.base import base_model  # noqa: E402
from qbuild_backends.training.freezing import freeze, group_of, parameter_shares  # noqa: E402
from qbuild_backends.training.run import Run  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from vqa2_toys import batch_of, drawn_clip, tiny_model, tiny_processor  # noqa: E402
from vqa2_training import (  # noqa: E402
    image_pairs,
    settings_of,
    spec,
    train,
    video_pairs,
)

from qbuild.backends.protocol import Computing  # noqa: E402
from qbuild.core.errors import MissingPartError, UsageError  # noqa: E402

HAS_FOUR_BITS = find_spec("bitsandbytes") is not None
four_bits = pytest.mark.skipif(not HAS_FOUR_BITS, reason="needs bitsandbytes, for 4-bit weights")


def lora(**given):
    return settings_of({"base": "tiny", "plan": "ugc-scorer", "lora_rank": 4, **given})


def test_only_adapters_of_the_language_model_are_trained_with_the_other_groups():
    model = tiny_model()
    freeze(FAMILY, model, "ugc-scorer")
    add_lora(model, lora())
    names = [n for n, p in model.named_parameters() if p.requires_grad and "language" in n]
    assert len(names) == 3 * 4 * 2  # layers, targets, A and B
    assert all("lora_" in name for name in names)
    assert not model.lm_head.weight.requires_grad
    assert parameter_shares(FAMILY, model)["vision_tower"].trained > 0


@torch.inference_mode()
def test_merged_adapters_give_the_same_logits_under_the_plain_names():
    model, processor = tiny_model(), tiny_processor()
    names = set(model.state_dict())
    batch = batch_of(processor, drawn_clip())
    before = model(**batch).logits
    freeze(FAMILY, model, "ugc-scorer")
    add_lora(model, lora())
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.normal_(generator=torch.Generator().manual_seed(1), std=0.1)
    changed = model.eval()(**batch).logits
    merge_lora(model)
    assert set(model.state_dict()) == names
    assert torch.allclose(model(**batch).logits, changed, atol=1e-4)
    assert not torch.allclose(before, changed, atol=1e-2)


def test_a_target_that_no_module_bears_lists_those_there_are():
    with pytest.raises(UsageError, match=r"called qq_proj; expected some of .*q_proj"):
        add_lora(tiny_model(), lora(lora_targets="qq_proj,v_proj"))


@pytest.mark.skipif(HAS_FOUR_BITS, reason="bitsandbytes is here")
def test_four_bits_without_bitsandbytes_are_rejected_with_the_reason():
    with pytest.raises(MissingPartError, match="bitsandbytes, which is not installed"):
        four_bit_options(FAMILY, "cpu", "no")


def in_training(**given):
    """The tiny preset in 4 bits with its adapters, as a run begins with it, and its processor."""
    settings = lora(qlora=True, device="cpu", **given)
    model, processor = base_model(FAMILY, settings, seed=0)
    freeze(FAMILY, model, settings.plan)
    add_lora(model, settings)
    return model.train(), processor


@four_bits
def test_only_the_language_models_linears_are_in_four_bits():
    from bitsandbytes.nn import Linear4bit

    model, _ = base_model(FAMILY, lora(qlora=True, device="cpu"), seed=0)
    found = {name for name, module in model.named_modules() if isinstance(module, Linear4bit)}
    assert found == {
        name
        for name, module in tiny_model().named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith("model.language_model.")
    }
    assert model.get_submodule(min(found)).compute_dtype == torch.float32  # on a CPU
    plain = parameter_shares(FAMILY, tiny_model())["language_model"].parameters
    assert (
        unpacked_share(model, parameter_shares(FAMILY, model)["language_model"]).parameters == plain
    )


@four_bits
def test_gradients_go_through_four_bits_to_the_adapters_and_the_branches():
    model, processor = in_training()
    model(**batch_of(processor, drawn_clip())).loss.backward()
    for name, parameter in model.named_parameters():
        given = parameter.grad is not None and bool(parameter.grad.any())
        if "lora_B" in name:
            assert given, name
        elif "language_model" in name and "lora_A" not in name:
            assert parameter.grad is None, name
    for group in ("vision_tower", "projector", "motion_extractor", "motion_projector"):
        grads = [p.grad for n, p in model.named_parameters() if group_of(FAMILY, n) == group]
        assert any(grad is not None and grad.any() for grad in grads), group


@four_bits
def test_a_run_in_four_bits_writes_a_whole_checkpoint_in_the_bases_own_numbers(tmp_path):
    pairs = (image_pairs(tmp_path), video_pairs(tmp_path))
    given = spec(tmp_path, *pairs, qlora=True, lora_rank=4, epochs=3)
    found = train(given)
    lines = (found / "losses.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert losses[-1] < losses[0] - 0.3
    base, weights = FAMILY.tiny(0)[0].state_dict(), load_file(found / "model.safetensors")
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()} == {
        name: (tensor.shape, tensor.dtype) for name, tensor in base.items()
    }
    assert "quantization_config" not in json.loads((found / "config.json").read_text())
    for name in (name for name in base if group_of(FAMILY, name) == "language_model"):
        learnt = weights[name] - base[name]
        if name.split(".")[-2] in ("q_proj", "k_proj", "v_proj", "o_proj") and "weight" in name:
            assert torch.linalg.matrix_rank(learnt, rtol=1e-3) == 4, name
        else:
            assert not learnt.any(), name
    assert loading.load_model(FAMILY, str(found), Computing(device="cpu")).model
    again = spec(tmp_path, *pairs, base=str(found), qlora=True, lora_rank=4, max_steps=1)
    after = train(replace(again, output=tmp_path / "again"))
    told = [json.loads((at / "qbuild.json").read_text())["report"] for at in (found, after)]
    assert told[0]["parameters"] == told[1]["parameters"]


@four_bits
def test_an_interrupted_run_in_four_bits_resumes_to_the_same_losses_and_weights(
    tmp_path, monkeypatch
):
    pairs = (image_pairs(tmp_path), video_pairs(tmp_path))
    given = spec(tmp_path, *pairs, qlora=True, lora_rank=4, epochs=2, save_every=2, log_every=1)
    whole = train(replace(given, output=tmp_path / "whole"))

    def interrupted(_, line):
        if line.startswith("step 3/"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Run, "log", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(given)
    found = train(given)
    assert (found / "losses.jsonl").read_text() == (whole / "losses.jsonl").read_text()
    weights = load_file(found / "model.safetensors")
    for name, tensor in load_file(whole / "model.safetensors").items():
        assert torch.equal(weights[name], tensor), name
