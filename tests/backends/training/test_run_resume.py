"""A run killed at any moment resumes to the same losses and the same weights."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")

from safetensors.torch import load_file  # noqa: E402
from vqa2_training import (  # noqa: E402
    image_pairs,
    spec,
    train,
    video_pairs,
)

torch.set_num_threads(1)

STEPS = 24
SUPPORT = Path(__file__).resolve().parents[2] / "support"
CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {support!r})
import torch
torch.set_num_threads(1)
from vqa2_training import spec, train
place = Path({place!r})
train(spec(place, place / "images.parquet", place / "videos.parquet", **{settings!r}))
"""
SETTINGS = {"epochs": 8, "save_every": 3, "log_every": 1, "workers": 2}


def losses(checkpoint):
    lines = (checkpoint / "losses.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def run_and_kill(place, step, later):
    """Start the run in its own process; kill it `later` seconds after it reported that step."""
    code = CHILD.format(support=str(SUPPORT), place=str(place), settings=SETTINGS)
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    try:
        for line in child.stderr:
            if line.startswith(f"step {step}/"):
                time.sleep(later)
                break
    finally:
        child.kill()
        child.communicate()


def check_after_kills(folder, kills, seed):
    chance = random.Random(seed)
    whole, broken = folder / "whole", folder / "broken"
    image_pairs(whole)
    video_pairs(whole)
    shutil.copytree(whole, broken)  # x264 may write another file the second time
    pairs = [Path("images.parquet"), Path("videos.parquet")]
    expected = train(spec(whole, *(whole / one for one in pairs), **SETTINGS))
    moments = sorted(chance.sample(range(1, STEPS + 1), kills))
    for step in moments:
        run_and_kill(broken, step, chance.uniform(0, 0.1))
    found = train(spec(broken, *(broken / one for one in pairs), **SETTINGS))
    assert len(losses(found)) == STEPS
    assert losses(found) == pytest.approx(losses(expected), abs=1e-6)
    weights = load_file(found / "model.safetensors")
    for name, tensor in load_file(expected / "model.safetensors").items():
        assert torch.allclose(weights[name], tensor, atol=1e-6), name


def test_a_run_killed_twice_ends_with_the_same_losses(tmp_path):
    check_after_kills(tmp_path, kills=2, seed=1)


@pytest.mark.slow
def test_a_run_killed_ten_times_ends_with_the_same_losses(tmp_path):
    check_after_kills(tmp_path, kills=10, seed=2)
