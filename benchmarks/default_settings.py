"""Training and scoring with default settings, alone and next to a busy process.

`qbuild train` and `qbuild score` with the preset tiny, optionally against another checkout.

    python benchmarks/default_settings.py [--against DIR] [--images 128] [--steps 16] [--repeat 3]

Only the number of steps, the batch (8) and the learning rate are set; passes, threads, their way of
waiting and gradient checkpointing are those of the code. Variables of OpenMP are removed. Images
are 1024 x 768 JPEG. Each run is a process of its own, alternately. Printed are medians: samples per
second of training and media per second of scoring, as the commands report them, without the time
to import torch; the ratio to the other checkout; and how many times slower it is next to a process
that keeps one core busy.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from busy import busy_process
from made_media import make_media
from train_step import write_pairs

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "from qbuild.cli.main import main; main()"


def main() -> None:
    options = arguments()
    codes = {"this": ROOT} | ({"other": options.against.resolve()} if options.against else {})
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        make_media(place, options.images, [])
        write_pairs(place, [], options.images)
        speeds: dict[tuple[str, str, bool], list[float]] = {}
        for number in range(options.repeat):
            for busy in (False, True):
                for name, code in codes.items():
                    with busy_process(busy):
                        for task, speed in measure(place, code, number, options).items():
                            speeds.setdefault((task, name, busy), []).append(speed)
    middle = {key: statistics.median(found) for key, found in speeds.items()}
    for task in ("train", "score"):
        report(task, middle, list(codes))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="another checkout of this repository")
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


def measure(place: Path, code: Path, number: int, options: argparse.Namespace) -> dict[str, float]:
    """Samples per second of training and media per second of scoring of a checkout's code."""
    given = {"base": "tiny", "plan": "ugc-scorer", "batch": 8, "learning_rate": 1e-5}
    given |= {"max_steps": options.steps, "epochs": 1_000}
    settings = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
    output = place / f"checkpoint-{code.name}-{number}-{os.urandom(4).hex()}"
    trained = qbuild(
        code, place, "train", place / "pairs.json", "-o", output, "--backend", "vqa2", *settings
    )
    scored = qbuild(
        code, place, "score", place / "images", "-o", f"{output}.parquet", "--model", output
    )
    samples = given["batch"] * options.steps
    return {"train": samples / trained["run"]["seconds"], "score": scored["run"]["rows_per_s"]}


def qbuild(code: Path, place: Path, *words: object) -> Any:
    """What a command of the checkout's code reports."""
    paths = [entry_points(code, place), code, code / "backends"]
    kept = {key: value for key, value in os.environ.items() if "OMP" not in key}
    environment = kept | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-c", COMMAND, *map(str, words), "--json"]
    done = subprocess.run(
        command,
        cwd=place,  # not a folder whose packages would be imported instead
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{code}: qbuild {words[0]}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def entry_points(code: Path, place: Path) -> Path:
    """A folder that offers the checkout's backends, whatever version is installed."""
    project = tomllib.loads((code / "backends" / "pyproject.toml").read_text(encoding="utf-8"))
    offered = project["project"]["entry-points"]["qbuild.backends"]
    folder = place / f"offered-{code.name}"
    info = folder / "qbuild_backends-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: qbuild-backends\nVersion: 0\n")
    lines = [f"{name} = {value}" for name, value in offered.items()]
    (info / "entry_points.txt").write_text("\n".join(["[qbuild.backends]", *lines]) + "\n")
    return folder


def report(task: str, middle: dict[tuple[str, str, bool], float], names: list[str]) -> None:
    """A line of figures for each checkout, and their ratios."""
    for name in names:
        alone, busy = middle[task, name, False], middle[task, name, True]
        print(
            f"{task:6} {name:6} alone {alone:8.2f}/s   next to a busy process {busy:8.2f}/s"
            f"   {alone / busy:5.2f} times slower"
        )
    if len(names) > 1:
        alone, busy = (middle[task, "this", b] / middle[task, "other", b] for b in (False, True))
        print(f"{task:6} this / other: {alone:.2f} alone, {busy:.2f} next to a busy process")


if __name__ == "__main__":
    main()
