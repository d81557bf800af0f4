"""Training data of `learn.py`: pairs on crops and pans of photographs, distorted by our stages.

The photographs are those in scikit-image, scikit-learn and matplotlib as installed: no download.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 112  # of a crop, in pixels
PAN_SIDE, RATE, FRAMES = 96, 12, 24  # of a pan: pixels, frames/s, frames
GREY = ("brick", "camera", "cell", "clock_motion", "coins", "grass", "gravel", "moon")  # tinted
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
    "hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    **{name: ("skimage", f"data/{name}.png") for name in GREY},
}
HELD_OUT = {"a": ("coffee", "flower"), "b": ("astronaut", "china")}
SCORED = ("spatial-blur", "noise", "compression-artifact")
# What `motion-clips` does to a quarter of the pans each, and its name as an answer of one token.
MOVED = {"temporal": "smooth", "shake": "shake", "flicker": "flicker", "stutter": "stuttering"}
PARTS = {"scorer": 4, "distortion": 1, "motion": 8}  # folders of media to distort
QUESTION = "Which distortion is seen most in this {kind}?"  # of the tokenizer's own sentences

Pixels = NDArray[np.uint8]


@cache
def photograph(name: str) -> Pixels:
    """uint8 [h, w, 3]."""
    package, file = PHOTOGRAPHS[name]
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        sys.exit(f"{package} is not installed; it holds the photograph {name}")
    with Image.open(Path(found.submodule_search_locations[0]) / file) as image:
        return np.asarray(image.convert("RGB"))


def qbuild(*words: object) -> Any:
    """What a command of qbuild reports."""
    program = Path(sys.executable).with_name("qbuild")
    done = subprocess.run(
        [program, *map(str, words), "--json"], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"qbuild {words[0]}: {done.stdout}")
    return json.loads(done.stdout)


def rows_of(made: Path) -> Iterator[dict[str, Any]]:
    """The rows of an artifact."""
    from qbuild.core.artifact.reader import Artifact

    yield from Artifact.open(made).table().to_pylist()


# ------------------------------------------------------------------------- crops and pans


def write_media(task: str, folder: Path, names: Sequence[str], count: int, seed: int) -> None:
    """`count` crops, or pans, of each photograph, in folders by turns: `clean/0` and so on.

    Those to learn from (seed 1) vary in form, colour and tone; those held out are as they are.
    """
    write, suffix = (_write_pan, "mp4") if task == "motion" else (_write_crop, "png")
    for name in names:
        for number in range(count):
            draw = np.random.default_rng([seed, sorted(PHOTOGRAPHS).index(name), number])
            place = folder / "clean" / str(number % PARTS[task]) / f"{name}-{number}.{suffix}"
            place.parent.mkdir(parents=True, exist_ok=True)
            write(place, photograph(name), draw, augmented=seed == 1)


def _write_crop(place: Path, pixels: Pixels, draw: np.random.Generator, augmented: bool) -> None:
    """A square of 112 to 280 pixels brought to 112."""
    side = int(draw.integers(SIDE, min(280, *pixels.shape[:2]) + 1))
    top, left = (int(draw.integers(0, edge - side + 1)) for edge in pixels.shape[:2])
    whole = Image.fromarray(pixels[top : top + side, left : left + side])
    found: Pixels = np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    if augmented:
        found = _varied(draw)(np.rot90(found, int(draw.integers(4))))
    Image.fromarray(found).save(place, compress_level=1)


def _write_pan(place: Path, pixels: Pixels, draw: np.random.Generator, augmented: bool) -> None:
    """A window of 110 to 300 pixels that moves by .6 to 1.4 of our own pixels a frame."""
    import av
    import cv2

    from qbuild.media.video.write import VideoFormat, VideoWriter

    size = np.array(pixels.shape[1::-1], float)
    side = draw.uniform(110, min(300, 0.8 * size.min()))
    angle, scale = draw.uniform(0, 2 * np.pi), PAN_SIDE / side
    step = draw.uniform(0.6, 1.4) / scale * np.array([np.cos(angle), np.sin(angle)])
    travel = step * (FRAMES - 1)
    low = np.maximum(side / 2, side / 2 - travel)
    high = np.maximum(low, np.minimum(size - side / 2, size - side / 2 - travel))
    start, vary = draw.uniform(low, high), _varied(draw) if augmented else np.ascontiguousarray
    with VideoWriter(place, VideoFormat(PAN_SIDE, PAN_SIDE, Fraction(RATE)), qp=12) as writer:
        for number in range(FRAMES):
            to = PAN_SIDE / 2 - scale * (start + step * number)
            matrix = np.array([[scale, 0, to[0]], [0, scale, to[1]]])
            seen = cv2.warpAffine(pixels, matrix, (PAN_SIDE, PAN_SIDE), borderMode=2)  # reflected
            frame = av.VideoFrame.from_ndarray(vary(np.asarray(seen, np.uint8)), format="rgb24")
            writer.write(frame.reformat(format="yuv420p"))


def _varied(draw: np.random.Generator) -> Callable[[Pixels], Pixels]:
    """A mirror, an order of the channels and a tone curve of each, which tints what is grey."""
    mirror = int(draw.choice([-1, 1]))
    order = draw.permutation(3) if draw.random() < 0.5 else np.arange(3)
    powers = np.exp(draw.uniform(-0.3, 0.3) + draw.uniform(-0.2, 0.2, 3))
    table = (255 * (np.arange(256)[:, None] / 255) ** powers).round().astype(np.uint8)  # [256, 3]
    return lambda pixels: table[pixels[:, ::mirror][..., order], np.arange(3)]


# ---------------------------------------------------------------------------------- pairs


def scorer_pairs(folder: Path) -> Path:
    """Pairs on blur, noise and compression at five severities, and clean crops next to them.

    The score of severity s is 95 - 18 s; a quarter of the crops stays clean.
    """
    lines = [f"clean/0/{file.name},95" for file in sorted((folder / "clean/0").iterdir())]
    for number, name in enumerate(SCORED, 1):
        made = _spoiled(folder, folder / "clean" / str(number), name)
        lines += [
            f"distorted/{name}/media/{row['path']},{95 - 18 * row['severity']}"
            for row in rows_of(made)
        ]
    (folder / "scores.csv").write_text("\n".join(["path,mos", *lines]) + "\n")
    levels, pairs = folder / "levels.parquet", folder / "pairs.parquet"
    given = ("--dataset", "made", "--range", "0:100")
    qbuild("mos-to-levels", folder / "scores.csv", "-o", levels, *given)
    qbuild("scoring-qa", levels, "-o", pairs)
    return pairs


def distortion_pairs(folder: Path) -> Path:
    """Pairs that ask which of the eleven distortions a crop has; a severity of each at random."""
    from qbuild.quality.distortions import SPATIAL

    named: dict[str, str] = {}
    crops = sorted((folder / "clean").rglob("*.png"))
    for number, distortion in enumerate(SPATIAL):
        name = distortion.replace(" ", "-")
        share = folder / "shares" / name
        share.mkdir(parents=True)
        for file in crops[number :: len(SPATIAL)]:
            (share / file.name).hardlink_to(file)
        made = _spoiled(folder, share, name)
        named |= {f"distorted/{name}/media/{row['path']}": distortion for row in rows_of(made)}
    return _written(folder, "image", named)


def motion_pairs(folder: Path) -> Path:
    """Pairs that ask what is wrong with the motion of a pan: nothing, shake, flicker, stuttering.

    Of each kind half are of severity 4 and half of 5; what is smooth is encoded again as well.
    """
    named: dict[str, str] = {}
    for part in range(PARTS["motion"]):
        operation, answer = list(MOVED.items())[part % 4]
        severity = () if answer == "smooth" else ("--severity", 4 + part // 4)
        given = ("--dataset", "pans", "--operations", operation, "--per-video", 1)
        made, pans = folder / f"{operation}-{part}", folder / "clean" / str(part)
        qbuild("motion-clips", pans, "-o", made, *given, "--lengths", "whole", *severity)
        named |= {f"{made.name}/media/{row['path']}": answer for row in rows_of(made)}
    return _written(folder, "video", named)


PAIRS = {"scorer": scorer_pairs, "distortion": distortion_pairs, "motion": motion_pairs}


def _spoiled(folder: Path, crops: Path, name: str) -> Path:
    """Crops with one distortion at severities drawn by seed: a corruption artifact."""
    made = folder / "distorted" / name
    made.parent.mkdir(exist_ok=True)
    given = ("--family", "vqa2", "--corruption", name, "--severity", "random", "--workers", 2)
    qbuild("corrupt", crops, "-o", made, "--dataset", name, *given)
    return made


def _written(folder: Path, kind: str, named: dict[str, str]) -> Path:
    """An artifact of pairs that ask for the distortion; path below the folder → the answer.

    `distortion-qa` gives four to choose from; here the answer is any of them, one token.
    """
    import pyarrow as pa

    from qbuild.core.artifact.description import Description, StageRef
    from qbuild.core.artifact.writer import ArtifactWriter
    from qbuild.core.schema import load_schema
    from qbuild.quality.instruction import Pairs, instruction_table

    count = len(named)
    columns = {
        "media_id": [f"made:{path}" for path in named],
        "path": list(named),
        "split": ["train"] * count,
        "source": [None] * count,
    }
    table = pa.table(columns, schema=pa.schema([(key, pa.string()) for key in columns]))
    questions = [QUESTION.format(kind=kind)] * count
    answers = [f" {answer}" for answer in named.values()]
    made = Pairs("distortion", "learn", [kind] * count, None, questions, answers, True)
    schema = load_schema("instruction")
    writer = ArtifactWriter(folder / "pairs.parquet", schema)
    writer.add(instruction_table(table, made))
    stage = StageRef(name="learn", version=1)
    writer.seal(Description.of_rows(schema, stage, *writer.finish_rows()).to_json())
    writer.commit()
    return folder / "pairs.parquet"
