"""The 15 common corruptions against the released package: milliseconds and agreement.

    python benchmarks/corruptions.py [--severity 3] [--repeat 9] [--peer-repeat 3]
    python benchmarks/corruptions.py --agreement [--images FOLDER] [--seeds 256]

The first times both alternately on a photograph of 640x480 with one OpenCV thread, after tables and
textures are loaded, then two worker processes against one (without their start). The released
package runs through `qbuild.media.distort.common.reference`. The second prints the tables of
docs/corruptions.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from qbuild.media.distort.common import CORRUPTIONS, DETERMINISTIC, corrupt
from qbuild.media.distort.common.reference import corrupt_by_reference
from qbuild.quality.distortions import SEVERITIES

SCENES = ("astronaut", "chelsea", "coffee")
SHAPES = ((480, 640), (640, 480), (333, 217), (32, 32))
ROUNDS = 12  # of all 15, per worker


def photograph(file: Path, shape: tuple[int, int] | None = None) -> np.ndarray:
    with Image.open(file) as opened:
        image = opened.convert("RGB")
    size = image.size if shape is None else shape[::-1]
    return np.array(image.resize(size, Image.Resampling.LANCZOS))


def scene(name: str, shape: tuple[int, int]) -> np.ndarray:
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("the photographs are in scikit-image: pip install scikit-image")
    return photograph(Path(spec.origin).parent / "data" / f"{name}.png", shape)


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def compare_speed(severity: int, repeat: int, peer_repeat: int) -> None:
    image = scene("coffee", (480, 640))
    took: dict[str, dict[str, list[float]]] = {n: {"ours": [], "peer": []} for n in CORRUPTIONS}
    for turn in range(repeat + 1):  # the first turn creates the tables and is not counted
        for name in CORRUPTIONS:
            ours = milliseconds(lambda: corrupt(image, name, severity, turn))  # noqa: B023
            took[name]["ours"] += [ours] if turn else []
            if turn <= peer_repeat:
                peer = milliseconds(lambda: corrupt_by_reference(image, name, severity, turn))  # noqa: B023
                took[name]["peer"] += [peer] if turn else []
    middle = {n: {w: statistics.median(v) for w, v in both.items()} for n, both in took.items()}
    print(f"640x480, severity {severity}, ms: median of {repeat} (the package: of {peer_repeat})")
    for name, both in middle.items():
        line(name, both["ours"], both["peer"])
    for title, excluded in (("all 15", ()), ("without glass_blur", ("glass_blur",))):
        kept = [both for name, both in middle.items() if name not in excluded]
        line(title, sum(b["ours"] for b in kept), sum(b["peer"] for b in kept))


def line(title: str, ours: float, peer: float) -> None:
    print(f"  {title:20s}{ours:9.2f}{peer:10.1f}{peer / ours:9.1f}x")


def rounds(count: int) -> None:
    """All 15 corruptions of one image, `count` times."""
    cv2.setNumThreads(1)
    image = scene("coffee", (480, 640))
    for turn in range(count):
        for name in CORRUPTIONS:
            corrupt(image, name, 3, turn)


def seconds(pool: ProcessPoolExecutor, workers: int) -> float:
    """Seconds of ROUNDS rounds in each worker at once."""
    return milliseconds(lambda: list(pool.map(rounds, [ROUNDS] * workers))) / 1000


def compare_workers(repeat: int) -> None:
    spawn = get_context("spawn")
    took: dict[int, list[float]] = {1: [], 2: []}
    with (
        ProcessPoolExecutor(1, mp_context=spawn) as one,
        ProcessPoolExecutor(2, mp_context=spawn) as two,
    ):
        for turn in range(repeat + 1):
            for pool, workers in ((one, 1), (two, 2)):
                value = seconds(pool, workers)
                took[workers] += [value] if turn else []
    alone, both = (statistics.median(took[workers]) for workers in (1, 2))
    count = ROUNDS * len(CORRUPTIONS)
    print(f"\none worker {count / alone:,.0f} images/s, two {2 * count / both:,.0f}")
    print(f"two workers / one  {2 * alone / both:.2f}")


def agreement_of_fixed(folder: Path | None) -> None:
    images = [scene(name, shape) for name in SCENES for shape in SHAPES]
    images += [photograph(file) for file in sorted(folder.glob("*.jpg"))] if folder else []
    print(f"| mean absolute difference, worst of {len(images)} images | 1 | 2 | 3 | 4 | 5 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in (n for n in CORRUPTIONS if n in DETERMINISTIC):
        worst = [
            max(
                np.abs(corrupt(p, name, s, 0) - corrupt_by_reference(p, name, s, 0).astype(float))
                .mean()
                .item()
                for p in images
            )
            for s in SEVERITIES
        ]
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in worst)} |")


def agreement_of_drawing(seeds: int) -> None:
    image = scene("coffee", (64, 96))
    print(f"| {seeds} seeds, 96x64, qbuild - package | Δ mean | Δ deviation, % | Δ PSNR, dB |")
    print("| --- | --- | --- | --- |")
    for name in (n for n in CORRUPTIONS if n not in DETERMINISTIC):
        for severity in (1, 3, 5):
            figures = [
                np.array([figures_of(work(image, name, severity, s), image) for s in range(seeds)])
                for work in (corrupt, corrupt_by_reference)
            ]
            cells = " | ".join(difference(figures, column) for column in range(3))
            print(f"| {name} {severity} | {cells} |")


def figures_of(made: np.ndarray, image: np.ndarray) -> tuple[float, float, float]:
    """Mean, standard deviation and PSNR of a corrupted image."""
    error = float(np.mean((made - image.astype(float)) ** 2))
    return float(made.mean()), float(made.std()), 10 * float(np.log10(255**2 / error))


def difference(figures: list[np.ndarray], column: int) -> str:
    """Difference of the means over seeds with its standard error; deviations in percent."""
    ours, peer = (values[:, column] for values in figures)
    unit = peer.mean() / 100 if column == 1 else 1.0
    error = np.sqrt(ours.var(ddof=1) / len(ours) + peer.var(ddof=1) / len(peer))
    return f"{(ours.mean() - peer.mean()) / unit:+.2f} ± {error / unit:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--severity", type=int, default=3, choices=SEVERITIES)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--peer-repeat", type=int, default=3)
    parser.add_argument("--agreement", action="store_true")
    parser.add_argument("--images", type=Path, help="further photographs, *.jpg")
    parser.add_argument("--seeds", type=int, default=256)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.agreement:
        agreement_of_fixed(given.images)
        print()
        agreement_of_drawing(given.seeds)
        return
    compare_speed(given.severity, given.repeat, given.peer_repeat)
    compare_workers(given.repeat)


if __name__ == "__main__":
    main()
