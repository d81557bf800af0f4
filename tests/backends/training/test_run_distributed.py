"""A model sharded over two processes on a CPU, by FSDP or ZeRO-3, learns what one process does.

The shipped configurations are run as they are, but for device and number of processes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")

import psutil  # noqa: E402 - which accelerate brings
from qbuild_backends.inference import loading  # noqa: E402
from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from vqa2_training import (  # noqa: E402
    child_script,
    free_port,
    image_pairs,
    spec,
    train,
    video_pairs,
)

from qbuild.backends.protocol import Computing  # noqa: E402

torch.set_num_threads(1)

CONFIGS = Path(str(files("qbuild_backends.training"))) / "accelerate"
# Of 7 images and 10 videos, in batches by length, one batch has both: the first process shows an
# image while the second shows a video. The last batch has one sample, and three empty passes.
# AdamW and fifty layers under batch norms make rounding large, so steps are small: at 1e-4 the
# losses of ten steps drift apart by 2e-4.
SETTINGS = {
    "batch": 4,
    "per_device_batch": 1,
    "epochs": 2,
    "learning_rate": 2e-5,
    "motion_extractor_rate": 1e-6,
    "on_bad_sample": "skip",
    "save_every": 2,
    "log_every": 1,
}
BY = [
    "fsdp",
    pytest.param(
        "zero3",
        marks=pytest.mark.skipif(find_spec("deepspeed") is None, reason="needs deepspeed"),
    ),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distributed")
    image_pairs(folder, 7)
    video_pairs(folder, 10)
    broken = folder / "media" / "v9.mp4"
    broken.write_bytes(broken.read_bytes()[:2000])
    return folder


@pytest.fixture(scope="module")
def alone(place):
    """What one process makes of it."""
    return train(replace(given(place), output=place / "one"))


def given(place, **more):
    return spec(place, place / "images.parquet", place / "videos.parquet", **SETTINGS | more)


def on_two_processes(place, by, output, kill_after=0, **more):
    """Launch with the shipped configuration, made for two processes on a CPU."""
    text = (CONFIGS / f"{by}.yaml").read_text()
    for shipped, here in (
        ("use_cpu: false", "use_cpu: true"),
        ("num_processes: 8", "num_processes: 2"),
    ):
        assert text.count(shipped) == 1
        text = text.replace(shipped, here)
    config = place / f"{by}.yaml"
    config.write_text(text)
    script = child_script(place, output, SETTINGS | more)
    launch = [
        "accelerate.commands.launch",
        "--config_file",
        config,
        "--main_process_port",
        free_port(),
    ]
    printed = []
    with subprocess.Popen(
        [sys.executable, "-m", *map(str, launch), str(script)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        for line in child.stderr:
            printed.append(line)
            if kill_after and line.startswith(f"step {kill_after}/"):
                kill(child.pid)
    assert child.returncode == (-signal.SIGKILL if kill_after else 0), "".join(printed[-80:])
    return place / output, "".join(printed)


def kill(launcher):
    """Kill the launcher and its processes at once."""
    parent = psutil.Process(launcher)
    for process in (*parent.children(recursive=True), parent):
        process.kill()


def losses(checkpoint):
    lines = (checkpoint / "losses.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def check_alike(found, expected):
    """The same losses and weights, to the rounding of sums.

    AdamW makes steps of up to its rate even for gradients that are only rounding: the weights
    agree on average, and none is far off.
    """
    assert losses(found) == pytest.approx(losses(expected), rel=1e-4)
    weights, wanted = (load_file(at / "model.safetensors") for at in (found, expected))
    assert weights.keys() == wanted.keys()
    for name, tensor in wanted.items():
        if "running_" in name or "num_batches" in name:
            continue  # of the videos that a process saw, in the order it saw them
        off = (weights[name] - tensor).abs()
        assert off.max() < 1e-4, name
        assert off.mean() < 1e-6, name


@pytest.mark.slow
@pytest.mark.parametrize("by", BY)
def test_two_processes_that_share_a_model_give_the_checkpoint_of_one(place, alone, by):
    found, _ = on_two_processes(place, by, f"whole-{by}", gradient_checkpointing=True)
    check_alike(found, alone)
    assert sorted(file.name for file in found.iterdir()) == sorted(
        file.name for file in alone.iterdir()
    )
    assert len((found / "skipped.jsonl").read_text().splitlines()) == 1
    printed, expected = (json.loads((at / "qbuild.json").read_text()) for at in (found, alone))
    assert printed["inputs"] == expected["inputs"]
    assert printed["report"]["parameters"] == expected["report"]["parameters"]
    model = loading.load_model(FAMILY, str(found), Computing(device="cpu")).model
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


@pytest.mark.slow
@pytest.mark.parametrize("by", BY)
def test_a_killed_distributed_run_resumes_to_the_same_checkpoint(place, alone, by):
    on_two_processes(place, by, f"killed-{by}", kill_after=3)
    assert not (place / f"killed-{by}").exists()
    found, printed = on_two_processes(place, by, f"killed-{by}")
    assert re.search(r"resuming from step [2468]\n", printed)
    assert "step 1/" not in printed
    check_alike(found, alone)


@pytest.mark.slow
@pytest.mark.parametrize("by", BY)
def test_bfloat16_passes_leave_weights_in_float32_and_the_losses_near(place, alone, by):
    found, _ = on_two_processes(place, by, f"bfloat16-{by}", precision="bfloat16")
    assert losses(found) == pytest.approx(losses(alone), rel=1e-2)
    weights, wanted = (load_file(at / "model.safetensors") for at in (found, alone))
    rounded = {name for name, tensor in weights.items() if torch.equal(tensor.bfloat16(), tensor)}
    assert all(tensor.dtype == wanted[name].dtype for name, tensor in weights.items())
    assert all(wanted[name].bfloat16().equal(wanted[name]) for name in rounded)


def test_an_empty_pass_does_not_end_a_run_that_trains_only_the_motion_branch(tmp_path):
    settings = {"plan": "1-motion", "per_device_batch": 2, "batch": 4}
    found = train(spec(tmp_path, video_pairs(tmp_path, 5), **settings))
    assert len(losses(found)) == 2
