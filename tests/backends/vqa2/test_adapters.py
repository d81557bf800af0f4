"""LoRA in the language model."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("peft", reason="needs peft, which LoRA comes from")

from qbuild_backends.vqa2.adapters import add_lora, in_four_bits, merge_lora  # noqa: E402
from qbuild_backends.vqa2.freezing import shares, trainable  # noqa: E402
from qbuild_backends.vqa2.settings import settings_of  # noqa: E402
from vqa2_toys import batch_of, drawn_clip, tiny_model, tiny_processor  # noqa: E402

from qbuild.core.errors import MissingPartError, UsageError  # noqa: E402


def lora(**given):
    return settings_of({"base": "tiny", "plan": "ugc-scorer", "lora_rank": 4, **given})


def test_only_adapters_of_the_language_model_are_trained_beside_the_other_groups():
    model = tiny_model()
    trainable(model, "ugc-scorer")
    add_lora(model, lora())
    names = [n for n, p in model.named_parameters() if p.requires_grad and "language" in n]
    assert len(names) == 3 * 4 * 2  # layers, targets, A and B
    assert all("lora_" in name for name in names)
    assert not model.lm_head.weight.requires_grad
    assert shares(model)["vision_tower"].trained > 0


@torch.inference_mode()
def test_merged_adapters_give_the_same_logits_under_the_plain_names():
    model, processor = tiny_model(), tiny_processor()
    names = set(model.state_dict())
    batch = batch_of(processor, drawn_clip())
    before = model(**batch).logits
    trainable(model, "ugc-scorer")
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


@pytest.mark.skipif("bitsandbytes" in sys.modules, reason="bitsandbytes is here")
def test_four_bits_without_bitsandbytes_are_refused_with_the_reason():
    with pytest.raises(MissingPartError, match="bitsandbytes, which is not installed"):
        in_four_bits()
