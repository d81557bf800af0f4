"""Passes of a sharded model through all its branches, and settings that do not work with it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")

from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.training import distributed  # noqa: E402
from qbuild_backends.training.freezing import freeze, group_of, train_mode  # noqa: E402
from qbuild_backends.training.losses import sample_losses  # noqa: E402
from qbuild_backends.training.optimiser import make_optimiser  # noqa: E402
from vqa2_toys import batch_of, drawn_clip, tiny_model, tiny_processor, turns  # noqa: E402
from vqa2_training import settings_of  # noqa: E402

from qbuild.core.errors import UsageError  # noqa: E402

torch.set_num_threads(1)


def test_lora_is_rejected_where_the_model_is_sharded_over_devices():
    settings = settings_of({"base": "tiny", "plan": "assistant", "lora_rank": 4})
    spread = SimpleNamespace(distributed_type=SimpleNamespace(value="FSDP"))
    with pytest.raises(UsageError, match="cannot be merged under FSDP"):
        distributed.check_lora(spread, settings)


def test_a_blank_clip_gives_every_branch_a_gradient_of_zero_and_changes_no_number():
    processor = tiny_processor()
    picture = batch_of(processor, drawn_clip(keys=1, motion=None))
    text = processor.collate([processor.encode(turns(0))])
    for batch, left_out in ((picture, {"motion"}), (text, {"vision", "projector", "motion"})):
        plain, blanked = trained_model(), trained_model()
        branches = distributed.Branches(FAMILY, blanked, adamw(blanked))
        branches.add_blank_clips(blanked, processor.branches("video"))
        branches.fill_all = True
        expected, found = (sample_losses(model, batch) for model in (plain, blanked))
        assert torch.equal(expected, found)
        expected.sum().backward()
        found.sum().backward()
        wanted = dict(plain.named_parameters())
        for name, parameter in blanked.named_parameters():
            if not parameter.requires_grad:
                continue
            if wanted[name].grad is None:
                assert group_of(FAMILY, name).startswith(tuple(left_out)), name
                assert parameter.grad is None or not parameter.grad.any(), name
            else:
                assert torch.equal(parameter.grad, wanted[name].grad), name
        for name, buffer in blanked.named_buffers():
            assert torch.equal(buffer, plain.get_buffer(name)), name


def trained_model():
    model = tiny_model()
    freeze(FAMILY, model, "ugc-scorer")
    train_mode(model)
    return model


def adamw(model):
    settings = {"base": "tiny", "plan": "ugc-scorer", "recipe": "paper"}
    return make_optimiser(FAMILY, model, settings_of(settings))


def test_a_branch_that_no_pass_went_through_is_left_where_it_is():
    model = trained_model()
    chosen = adamw(model)
    branches = distributed.Branches(FAMILY, model, chosen)
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    for seen in (set(branches.names), {"text", "visual"}):
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        branches.seen = seen
        chosen.step()
    for name, tensor in model.named_parameters():
        if tensor.requires_grad:
            steps = 1 if group_of(FAMILY, name).startswith("motion") else 2
            assert chosen.state[tensor]["step"] == steps, name
            assert torch.allclose(before[name] - tensor, torch.tensor(steps * 1e-5), atol=2e-6)
