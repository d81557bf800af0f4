"""Several devices: the configurations that ship, and two processes that agree with one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")

from accelerate.commands.config.config_args import load_config_from_file  # noqa: E402
from vqa2_toys import tiny_model  # noqa: E402
from vqa2_training import (  # noqa: E402
    child_script,
    free_port,
    image_pairs,
    spec,
    train,
    video_pairs,
)

torch.set_num_threads(1)
CONFIGS = Path(str(files("qbuild_backends.training"))) / "accelerate"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("one-device", "NO"), ("fsdp", "FSDP"), ("zero3", "DEEPSPEED")],
)
def test_accelerate_reads_each_configuration_that_ships(name, kind):
    found = load_config_from_file(str(CONFIGS / f"{name}.yaml"))
    assert found.distributed_type == kind


def test_the_layers_that_fsdp_wraps_are_the_models_own():
    found = load_config_from_file(str(CONFIGS / "fsdp.yaml"))
    wrapped = found.fsdp_config["fsdp_transformer_layer_cls_to_wrap"].split(",")
    assert set(wrapped) <= {type(module).__name__ for module in tiny_model().modules()}


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one(tmp_path):
    pairs = (image_pairs(tmp_path), video_pairs(tmp_path))
    settings = {"epochs": 2, "batch": 4, "per_device_batch": 1, "save_every": 2}
    given = spec(tmp_path, *pairs, **settings)
    one = train(replace(given, output=tmp_path / "one"))
    script = child_script(tmp_path, "two", settings)
    launch = ["-m", "torch.distributed.run", "--nproc_per_node=2", f"--master_port={free_port()}"]
    subprocess.run(
        [sys.executable, *launch, str(script)],
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
    )
    losses = [(tmp_path / name / "losses.jsonl").read_text() for name in ("one", "two")]
    numbers = [
        [float(line.split(":")[1].split(",")[0]) for line in text.splitlines()] for text in losses
    ]
    assert numbers[1] == pytest.approx(numbers[0], abs=1e-4)
    assert one.is_dir()
