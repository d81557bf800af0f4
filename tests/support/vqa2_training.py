"""Small training data of the tiny VQA² model: images, videos, pairs about them, settings."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pyarrow as pa
from clips import make_clip
from images import write_image
from pairs import medium, pair, turns
from tables import write_artifact

from qbuild.backends.protocol import TrainSpec
from qbuild.core.schema import load_schema

WORDS = ("high", "good", "fair", "poor", "low")
QUESTION = "\nHow would you rate the quality of this {}?"

# One pass of two samples, no words around videos: a step takes some 50 ms.
QUICK = {
    "base": "tiny",
    "plan": "ugc-scorer",
    "video_prompt": "none",
    "batch": 4,
    "per_device_batch": 2,
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "warmup": 0.03,
    "hold": 0.0,
    "epochs": 1,
    "workers": 0,
    "device": "cpu",
    "gradient_checkpointing": False,
}

# A process of several that train together on what `image_pairs` and `video_pairs` wrote.
_CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {support!r})
import torch
torch.set_num_threads(1)
from vqa2_training import spec, train
if __name__ == "__main__":  # processes that decode import this file
    place = Path({place!r})
    given = spec(place, place / "images.parquet", place / "videos.parquet", **{settings!r})
    train(replace(given, output=place / {output!r}))
"""


def child_script(place: Path, output: str, settings: dict[str, Any]) -> Path:
    """A script that trains into `place / output`, to be launched in several processes."""
    script = place / f"{output}.py"
    support = str(Path(__file__).resolve().parent)
    script.write_text(
        _CHILD.format(support=support, place=str(place), output=output, settings=settings)
    )
    return script


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def image_pairs(folder: Path, count: int = 8, **what: Any) -> Path:
    """Scoring pairs on images below `folder/media`, as an artifact."""
    rows = []
    for at in range(count):
        write_image(folder / "media" / f"p{at}.png", seed=at)
        rows.append(_row(at, f"p{at}.png", "image", **what))
    return artifact(folder / "images.parquet", rows)


def video_pairs(folder: Path, count: int = 4, frames: int = 8, **what: Any) -> Path:
    """Scoring pairs on videos of `frames` frames and more, as an artifact."""
    rows = []
    (folder / "media").mkdir(parents=True, exist_ok=True)
    for at in range(count):
        make_clip(folder / "media" / f"v{at}.mp4", frames=frames + 4 * at, width=64, height=48)
        rows.append(_row(100 + at, f"v{at}.mp4", "video", **what))
    return artifact(folder / "videos.parquet", rows)


def _row(at: int, path: str, kind: str, **what: Any) -> dict[str, Any]:
    given = {
        "sample_id": f"{at:032x}",
        "media": [medium(path, kind)],
        "turns": turns([0, QUESTION.format(kind)], [f"The quality is {WORDS[at % 5]}."]),
    }
    return pair(**(given | what))


def artifact(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as an instruction artifact."""
    table = pa.Table.from_pylist(rows, schema=load_schema("instruction").arrow)
    return write_artifact(path, table, "instruction", "scoring-qa")


def train(given: TrainSpec) -> Path:
    """`qbuild train` with the backend vqa2."""
    from qbuild_backends.models.vqa2.family import FAMILY
    from qbuild_backends.training.run import train

    return train(FAMILY, "vqa2", given)


def settings_of(given: dict[str, Any]):
    """The settings of a run of vqa2."""
    from qbuild_backends.models.vqa2.settings import Vqa2Settings
    from qbuild_backends.training.settings import read_settings

    return read_settings(Vqa2Settings, given)


def spec(folder: Path, *pairs: Path, seed: int = 0, **settings: Any) -> TrainSpec:
    """What to train on, quickly, into `folder/checkpoint`."""
    chosen = QUICK | settings
    return TrainSpec(pairs, folder / "checkpoint", (str(folder / "media"),), seed, chosen)
