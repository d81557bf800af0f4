"""The tiny model learns on this CPU: its figures on photographs that it never saw.

Our own stages make the data from photographs in installed packages; `train` learns, and
`score` with `evaluate`, or `answer`, measures it. Crops and pans of a photograph are on
one side only; split b is not looked at while settings are tried. Steps are fixed, not seconds, so
that a run repeats.

    python benchmarks/learn.py scorer      # blur, noise and compression of known severity: SRCC
    python benchmarks/learn.py distortion  # which of the eleven distortions: accuracy
    python benchmarks/learn.py motion      # smooth, shake, flicker or stuttering: accuracy, with
                                           # motion tokens and without (the paper's ablation)
    ... [--split a|b] [--steps N] [--seed 0] [--work work/learn]

What makes so small a model learn in minutes: its patch embedding begins as whitened DCT filters.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from learn_data import HELD_OUT, PAIRS, PHOTOGRAPHS, qbuild, rows_of, write_media
from numpy.typing import NDArray

LOUDNESS = 3.0  # deviation of a filter's answers: at 1 the first steps of training drown them


@dataclass(frozen=True)
class Task:
    """How many media of each photograph are learnt from and held out; steps, samples in one."""

    media: int
    held: int
    steps: int
    batch: int


TASKS = {
    "scorer": Task(media=900, held=160, steps=2_400, batch=32),
    "distortion": Task(media=1_000, held=160, steps=2_400, batch=32),
    "motion": Task(media=200, held=160, steps=500, batch=16),
}
RECIPE = {
    "video_prompt": "none",
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "hold": 0.5,
    "gradient_checkpointing": False,
    "device": "cpu",
    "workers": 1,
    "log_every": 100,
}


def main() -> None:
    given = arguments()
    work = given.work / f"{given.task}-{given.split}"
    if work.exists():
        sys.exit(f"{work} is there already; choose another --work, or remove it")
    begun = time.perf_counter()
    training, testing = make(work, given.task, HELD_OUT[given.split])
    took = {"made_s": round(time.perf_counter() - begun)}
    figures = MEASURES[given.task](work, training, testing, given)
    print(json.dumps({"task": given.task, "split": given.split, **figures, **took}, indent=2))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the tiny model; print its figures.")
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument("--split", choices=sorted(HELD_OUT), default="a")
    parser.add_argument("--steps", type=int, default=0, help="0: as many as the task's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("work/learn"))
    return parser.parse_args()


def make(work: Path, task: str, held: Sequence[str]) -> tuple[Path, Path]:
    """The pairs to learn from and those held out."""
    learnt, sizes = [name for name in PHOTOGRAPHS if name not in held], TASKS[task]
    write_media(task, work / "train", learnt, sizes.media, seed=1)
    write_media(task, work / "test", held, sizes.held, seed=2)
    return PAIRS[task](work / "train"), PAIRS[task](work / "test")


# ----------------------------------------------------------------------------------- model


def dct_base(work: Path, seed: int) -> Path:
    """The tiny preset, its patch embedding 80 luma and 16 chroma DCT filters, as `work/base`.

    Each filter's answers have mean 0 and deviation LOUDNESS on 200 clean crops or frames. With the
    default start the model learns next to nothing in these steps.
    """
    import torch
    from qbuild_backends.checkpoints.saving import save
    from qbuild_backends.models.vqa2.family import FAMILY

    model, processor = FAMILY.tiny(seed)
    embedding = model.model.vision_tower.embeddings.patch_embedding
    filters = torch.from_numpy(dct_filters(embedding.kernel_size[0])).float()
    pixels = clean_pixels(work / "train" / "clean" / "0", processor.settings.key_size)
    with torch.no_grad():
        seen = torch.nn.functional.conv2d(pixels, filters, stride=filters.shape[-1])
        deviation, mean = torch.std_mean(seen, dim=(0, 2, 3))
        gain = LOUDNESS / deviation
        embedding.weight.copy_(filters * gain[:, None, None, None])
        embedding.bias.copy_(-mean * gain)
    (work / "base").mkdir()
    save(work / "base", model, processor)
    return work / "base"


def clean_pixels(folder: Path, size: int) -> Any:
    """The first frame of 200 images or videos as a tensor [200, 3, size, size] in [-1, 1]."""
    import torch
    from made_media import clip_of
    from qbuild_backends.models.vqa2.clips import Vqa2Clips

    files = sorted(folder.iterdir())
    chosen = (files[at] for at in np.linspace(0, len(files) - 1, 200, dtype=int))
    keys = [clip_of(file, Vqa2Clips(size, None)).keys[0] for file in chosen]
    return torch.from_numpy(np.stack(keys)).permute(0, 3, 1, 2) / 127.5 - 1


def dct_filters(side: int) -> NDArray[np.float64]:
    """[96, 3, side, side]: 80 of luma and 8 each of Cb and Cr, from the lowest frequencies on."""
    places = np.arange(side)
    waves = np.cos(np.pi * (places + 0.5) * places[:, None] / side)  # [frequency, place]
    order = sorted(np.ndindex(side, side), key=lambda uv: (sum(uv), uv))
    luma, blue, red = (0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081)
    made = [
        np.multiply.outer(colour, np.outer(waves[u], waves[v]))
        for colour, count in ((luma, 80), (blue, 8), (red, 8))
        for u, v in order[:count]
    ]
    return np.stack(made)


def train(work: Path, name: str, pairs: Path, given: argparse.Namespace, **own: Any) -> Any:
    """What `qbuild train` reports of the model that it writes as `work/name`."""
    task = TASKS[given.task]
    steps = given.steps or task.steps
    base = work / "base"
    settings = RECIPE | {
        "base": str(base if base.is_dir() else dct_base(work, given.seed)),
        "batch": task.batch,
        "per_device_batch": task.batch,
        "max_steps": steps,
        "epochs": 1_000,
        "warmup": min(0.2, 100 / steps),
        "save_every": steps,
        "cache": str(work / "frames"),
    }
    file = work / f"{name}.yaml"
    file.write_text(json.dumps({"backend": "vqa2", **settings, **own}))
    words = ("--backend", "vqa2", "--config", file, "--seed", given.seed)
    return qbuild("train", pairs, "-o", work / name, *words, "--media-root", pairs.parent)


# --------------------------------------------------------------------------------- figures


def scorer(work: Path, training: Path, testing: Path, given: argparse.Namespace) -> dict[str, Any]:
    """SRCC and PLCC over all held-out crops, and SRCC on each photograph's own."""
    from scipy.stats import spearmanr

    report = train(work, "model", training, given, plan="ugc-scorer")
    levels, scores = testing.with_name("levels.parquet"), work / "scores.parquet"
    model = ("--backend", "vqa2", "--model", work / "model")
    qbuild("score", levels, "-o", scores, *model, "--media-root", testing.parent, "--batch", 64)
    found = qbuild(
        "evaluate", scores, levels, "-o", work / "metrics.parquet", "--trained-on", work / "model"
    )
    truth = {row["media_id"]: row["mos"] for row in rows_of(levels)}
    rows = [(row["media_id"], row["score"]) for row in rows_of(scores)]
    each = {}
    for name in HELD_OUT[given.split]:
        own = np.array([(truth[one], score) for one, score in rows if f"/{name}-" in one])
        each[name] = round(float(spearmanr(own[:, 0], own[:, 1]).statistic), 3)
    figures = {key: found[key] for key in ("rows", "srcc", "plcc")}
    return {**figures, "each": each, **run_of(report)}


def distortion(
    work: Path, training: Path, testing: Path, given: argparse.Namespace
) -> dict[str, Any]:
    """The share of held-out crops whose distortion is named."""
    report = train(work, "model", training, given, plan="assistant")
    return {**named_right(work, "model", testing, given), **run_of(report)}


def motion(work: Path, training: Path, testing: Path, given: argparse.Namespace) -> dict[str, Any]:
    """The share of held-out pans that are answered correctly, with motion tokens and without."""
    found = {}
    for name, has in (("with", True), ("without", False)):
        report = train(work, name, training, given, plan="assistant", motion=has)
        found[name] = {**named_right(work, name, testing, given), **run_of(report)}
    return found


MEASURES = {"scorer": scorer, "distortion": distortion, "motion": motion}


def named_right(work: Path, model: str, pairs: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Accuracy of the model's answers, over all and on each photograph."""
    answers = work / f"{model}-answers.parquet"
    chosen = ("--backend", "vqa2", "--model", work / model, "--video-prompt", "none")
    more = ("--media-root", pairs.parent, "--batch", 64, "--max-new-tokens", 4)
    qbuild("answer", pairs, "-o", answers, *chosen, *more)
    truth = {row["sample_id"]: row["turns"][-1]["parts"][0]["text"] for row in rows_of(pairs)}
    right = [
        (row["media_id"], row["answer"].strip() == truth[row["sample_id"]].strip())
        for row in rows_of(answers)
    ]
    each = {
        name: round(float(np.mean([hit for one, hit in right if f"/{name}-" in one])), 3)
        for name in HELD_OUT[given.split]
    }
    accuracy = round(float(np.mean([hit for _, hit in right])), 3)
    return {"rows": len(right), "accuracy": accuracy, "each": each}


def run_of(report: Any) -> dict[str, Any]:
    """Steps, last loss, seconds and share of them waited for data, of a training run."""
    run = report["run"]
    return {
        "steps": run["steps"],
        "last_loss": round(report["last_loss"], 4),
        "seconds": round(run["seconds"]),
        "waited_share": run["waited_share"],
    }


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin halve a shared machine
    main()
