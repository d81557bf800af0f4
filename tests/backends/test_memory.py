"""Out-of-memory errors name the setting to lower; other errors pass unchanged."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.inference.loading import inference_memory  # noqa: E402
from qbuild_backends.training.run import memory_advice  # noqa: E402
from vqa2_training import settings_of  # noqa: E402

from qbuild.backends.protocol import Computing  # noqa: E402
from qbuild.core.errors import StageError  # noqa: E402

CPU = torch.device("cpu")


def allocate_too_much():
    torch.empty(1 << 55, dtype=torch.uint8)


@pytest.mark.parametrize(("batch", "option"), [(8, "--batch"), (1, "--readers")])
def test_inference_out_of_memory_names_the_option_to_lower(batch, option):
    with pytest.raises(StageError) as caught, inference_memory(Computing(batch=batch), CPU):
        allocate_too_much()
    assert caught.value.exit_code == 1
    assert str(caught.value).startswith(f"model: out of memory on cpu at --batch {batch} (")
    assert f"Lower {option}, or use --dtype bfloat16" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "todo"),
    [
        ({"per_device_batch": 4}, "Lower per_device_batch to 2; batch stays"),
        ({"gradient_checkpointing": False}, "Turn gradient_checkpointing on"),
        ({}, "Train with lora_rank=64"),
        ({"lora_rank": 4}, "or use shorter videos"),
    ],
)
def test_training_out_of_memory_names_the_next_setting_to_change(given, todo):
    settings = settings_of({"base": "tiny", "plan": "assistant"} | given)
    assert todo in memory_advice(settings)


def test_a_memory_error_without_a_message_is_reported_by_its_name():
    with pytest.raises(StageError, match=r"\(MemoryError\)"), inference_memory(Computing(), CPU):
        raise MemoryError


def test_other_errors_of_the_model_are_left_as_they_are():
    with pytest.raises(RuntimeError, match="shapes"), inference_memory(Computing(), CPU):
        torch.ones(2, 3) @ torch.ones(2, 3)
