"""The tiny model learns on this CPU: its figures on photographs that it never saw.

Our own stages make the data from photographs that lie in installed packages (scikit-image,
scikit-learn): crops of 112 pixels, spoiled by `corrupt --family vqa2`, levels and pairs of the
known severities, `train`, then `score` and `evaluate`, or `answer`. Crops of a photograph are on
one side only; split b is not looked at while settings are tried. Steps are fixed, not seconds, so
that a run repeats.

    python benchmarks/learn.py scorer --split a      # quality from severity: SRCC
    python benchmarks/learn.py distortion --split a  # which of the eleven: accuracy

What makes so small a model learn in minutes: its patch embedding begins as whitened DCT filters.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE = 112
PHOTOGRAPHS = {  # name → package and file; the two of one scene bear its name
    "astronaut": ("skimage", "data/astronaut.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "ihc": ("skimage", "data/ihc.png"),
    "motorcycle-left": ("skimage", "data/motorcycle_left.png"),
    "motorcycle-right": ("skimage", "data/motorcycle_right.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}
HELD_OUT = {"a": ("coffee", "flower"), "b": ("astronaut", "china")}
SCORED = ("spatial-blur", "noise", "compression-artifact")
QUESTION = "Which distortion is seen most in this {kind}?"  # of the tokenizer's own sentences
RECIPE = {
    "plan": "ugc-scorer",
    "frame": "none",
    "batch": 32,
    "per_device_batch": 32,
    "learning_rate": 3e-4,  # at 1e-3 the language model stays at the odds of the words
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
    held = HELD_OUT[given.split]
    learnt = [name for name in PHOTOGRAPHS if name not in held]
    begun = time.perf_counter()
    write_crops(work / "train", learnt, given.crops, seed=1, augmented=True)
    write_crops(work / "test", held, given.test_crops, seed=2, augmented=False)
    pairs = scoring_pairs if given.task == "scorer" else distortion_pairs
    training, testing = (pairs(work / side) for side in ("train", "test"))
    dct_base(work)
    made = time.perf_counter() - begun
    report = train(work, training, given)
    measure = scorer_figures if given.task == "scorer" else distortion_figures
    figures = measure(work, testing, held)
    took = {"made_s": round(made), **{k: report["run"][k] for k in ("seconds", "waited_share")}}
    print(json.dumps({"task": given.task, "split": given.split, **figures, **took}, indent=2))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the tiny model; print its figures.")
    parser.add_argument("task", choices=("scorer", "distortion"))
    parser.add_argument("--split", choices=sorted(HELD_OUT), default="a")
    parser.add_argument("--steps", type=int, default=3_000)
    parser.add_argument("--crops", type=int, default=900, help="of each photograph learnt from")
    parser.add_argument("--test-crops", type=int, default=160, help="of each held out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("work/learn"))
    return parser.parse_args()


# ------------------------------------------------------------------------------------ data


def photograph(name: str) -> np.ndarray:
    """uint8 [h, w, 3]; nothing is downloaded."""
    package, file = PHOTOGRAPHS[name]
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        sys.exit(f"{package} is not installed; it holds the photograph {name}")
    with Image.open(Path(found.submodule_search_locations[0]) / file) as image:
        return np.asarray(image.convert("RGB"))


def write_crops(
    folder: Path, names: Sequence[str], count: int, *, seed: int, augmented: bool
) -> None:
    """`count` crops of each photograph, in a folder for each quarter of them: `crops/0` … `3`."""
    for name in names:
        pixels = photograph(name)
        for number in range(count):
            draw = np.random.default_rng([seed, sorted(PHOTOGRAPHS).index(name), number])
            place = folder / "crops" / str(number % 4) / f"{name}-{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(crop(pixels, draw, augmented)).save(place, compress_level=1)


def crop(pixels: np.ndarray, draw: np.random.Generator, augmented: bool) -> np.ndarray:
    """A square of 112 to 280 pixels brought to 112; augmented in form, channels and tone."""
    side = int(draw.integers(SIDE, min(280, *pixels.shape[:2]) + 1))
    top, left = (int(draw.integers(0, edge - side + 1)) for edge in pixels.shape[:2])
    whole = Image.fromarray(pixels[top : top + side, left : left + side])
    found = np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    if not augmented:
        return found
    found = np.rot90(found, int(draw.integers(4)))
    found = found[:, :: int(draw.choice([-1, 1]))]
    if draw.random() < 0.5:
        found = found[..., draw.permutation(3)]
    curve = 255 * (np.arange(256) / 255) ** float(np.exp(draw.uniform(-0.4, 0.4)))
    return curve.round().astype(np.uint8)[np.ascontiguousarray(found)]


def qbuild(*words: object) -> Any:
    """What a command of qbuild reports."""
    program = Path(sys.executable).with_name("qbuild")
    done = subprocess.run(
        [program, *map(str, words), "--json"], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"qbuild {words[0]}: {done.stdout}")
    return json.loads(done.stdout)


def spoil(folder: Path, crops: Path, name: str) -> Path:
    """Crops spoiled with one distortion at severities drawn by seed: a corruption artifact."""
    made = folder / "spoiled" / name
    made.parent.mkdir(exist_ok=True)
    given = ("--family", "vqa2", "--corruption", name, "--severity", "random", "--seed", 0)
    qbuild("corrupt", crops, "-o", made, "--dataset", name, *given)
    return made


def rows_of(made: Path) -> Iterator[dict[str, Any]]:
    from qbuild.core.artifact import Artifact

    yield from Artifact.open(made).table().to_pylist()


def scoring_pairs(folder: Path) -> Path:
    """Pairs on blur, noise and compression at five severities, and clean crops beside them.

    The score of severity s is 95 - 18 s; a quarter of the crops stays clean.
    """
    lines = [f"crops/0/{file.name},95" for file in sorted((folder / "crops/0").iterdir())]
    for number, name in enumerate(SCORED, 1):
        made = spoil(folder, folder / "crops" / str(number), name)
        lines += [
            f"spoiled/{name}/media/{row['path']},{95 - 18 * row['severity']}"
            for row in rows_of(made)
        ]
    (folder / "scores.csv").write_text("\n".join(["path,mos", *lines]) + "\n")
    levels, pairs = folder / "levels.parquet", folder / "pairs.parquet"
    given = ("--dataset", "made", "--range", "0:100")
    qbuild("mos-to-levels", folder / "scores.csv", "-o", levels, *given)
    qbuild("scoring-qa", levels, "-o", pairs, "--preset", "release")
    return pairs


def distortion_pairs(folder: Path) -> Path:
    """Pairs that ask which of the eleven distortions a crop has; a severity of each at random.

    `distortion-qa` gives four to choose from; here the answer is any of the eleven, one token.
    """
    import pyarrow as pa

    from qbuild.core.description import of_rows
    from qbuild.core.distortions import BY_SLUG, SPATIAL, slug
    from qbuild.core.instruction import Pairs, instruction_table
    from qbuild.core.schema import load_schema
    from qbuild.core.writer import ArtifactWriter

    rows, crops = [], sorted((folder / "crops").rglob("*.png"))
    for number, name in enumerate(map(slug, SPATIAL)):
        share = folder / "shares" / name
        share.mkdir(parents=True)
        for file in crops[number :: len(SPATIAL)]:
            (share / file.name).hardlink_to(file)
        for row in rows_of(spoil(folder, share, name)):
            path = f"spoiled/{name}/media/{row['path']}"
            rows.append({"media_id": f"made:{path}", "path": path, "answer": BY_SLUG[name]})
    columns = {key: [row[key] for row in rows] for key in ("media_id", "path")}
    columns |= {"split": ["train"] * len(rows), "source": [None] * len(rows)}
    table = pa.table(columns, schema=pa.schema([(key, pa.string()) for key in columns]))
    questions = [QUESTION.format(kind="image")] * len(rows)
    answers = [f" {row['answer']}" for row in rows]
    made = Pairs("distortion", "learn", ["image"] * len(rows), None, questions, answers, True)
    schema = load_schema("instruction")
    writer = ArtifactWriter(folder / "pairs.parquet", schema)
    writer.add(instruction_table(table, made))
    writer.seal(of_rows(schema, {"name": "learn", "version": 1}, *writer.finish_rows()))
    writer.commit()
    return folder / "pairs.parquet"


# ----------------------------------------------------------------------------------- model


def dct_base(work: Path) -> None:
    """The tiny preset, its patch embedding 80 luma and 16 chroma DCT filters, as `work/base`.

    Each filter's answers have mean 0 and deviation 1 on 200 crops. With the default start the
    model learns next to nothing in these steps.
    """
    import torch
    from qbuild_backends.vqa2 import folder

    model, processor = folder.tiny(0)
    embedding = model.model.vision_tower.embeddings.patch_embedding
    filters = torch.from_numpy(dct_filters(embedding.kernel_size[0])).float()
    files = sorted((work / "train" / "crops" / "0").iterdir())
    chosen = [
        np.asarray(Image.open(files[at])) for at in np.linspace(0, len(files) - 1, 200, dtype=int)
    ]
    pixels = torch.from_numpy(np.stack(chosen)).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        seen = torch.nn.functional.conv2d(pixels, filters, stride=filters.shape[-1])
        deviation, mean = torch.std_mean(seen, dim=(0, 2, 3))
        embedding.weight.copy_(filters / deviation[:, None, None, None])
        embedding.bias.copy_(-mean / deviation)
    (work / "base").mkdir()
    folder.save(work / "base", model, processor)


def dct_filters(side: int) -> np.ndarray:
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


def train(work: Path, pairs: Path, given: argparse.Namespace) -> Any:
    settings = RECIPE | {
        "base": str(work / "base"),
        "max_steps": given.steps,
        "epochs": 1_000,
        "warmup": min(0.2, 100 / given.steps),
        "save_every": given.steps,
        "cache": str(work / "frames"),
    }
    (work / "learn.yaml").write_text(json.dumps({"backend": "vqa2", **settings}))
    words = ("--backend", "vqa2", "--config", work / "learn.yaml", "--seed", given.seed)
    return qbuild("train", pairs, "-o", work / "model", *words, "--media-root", pairs.parent)


# --------------------------------------------------------------------------------- figures


def scorer_figures(work: Path, pairs: Path, held: Sequence[str]) -> dict[str, Any]:
    """SRCC and PLCC over all held-out crops, and SRCC on each photograph's own."""
    from scipy.stats import spearmanr

    levels = pairs.with_name("levels.parquet")
    scores = work / "scores.parquet"
    model = ("--backend", "vqa2", "--model", work / "model", "--words", "release")
    qbuild("score", levels, "-o", scores, *model, "--media-root", pairs.parent, "--batch", 64)
    found = qbuild(
        "evaluate", scores, levels, "-o", work / "metrics.parquet", "--trained-on", work / "model"
    )
    truth = {row["media_id"]: row["mos"] for row in rows_of(levels)}
    rows = [(row["media_id"], row["score"]) for row in rows_of(scores)]
    each = {}
    for name in held:
        own = [(truth[one], score) for one, score in rows if f"/{name}-" in one]
        each[name] = round(float(spearmanr(*zip(*own, strict=True)).statistic), 3)
    return {"rows": found["rows"], "srcc": found["srcc"], "plcc": found["plcc"], "each": each}


def distortion_figures(work: Path, pairs: Path, held: Sequence[str]) -> dict[str, Any]:
    """The share of held-out crops whose distortion is named, over all and on each photograph."""
    answers = work / "answers.parquet"
    model = ("--backend", "vqa2", "--model", work / "model", "--frame", "none")
    more = ("--media-root", pairs.parent, "--batch", 64, "--max-new-tokens", 4)
    qbuild("answer", pairs, "-o", answers, *model, *more)
    truth = {row["sample_id"]: row["turns"][-1]["parts"][0]["text"] for row in rows_of(pairs)}
    right = [
        (row["media_id"], row["answer"].strip() == truth[row["sample_id"]].strip())
        for row in rows_of(answers)
    ]
    each = {
        name: round(float(np.mean([hit for one, hit in right if f"/{name}-" in one])), 3)
        for name in held
    }
    return {
        "rows": len(right),
        "accuracy": round(float(np.mean([hit for _, hit in right])), 3),
        "each": each,
    }


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin halve a shared machine
    main()
