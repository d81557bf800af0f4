"""`mos-to-levels` against pandas and against the floor of reading and writing, in one run.

    python benchmarks/mos_to_levels.py [--rows 10000000] [--repeat 3]

Makes ratings of 20 datasets, a few of them duplicates and conflicts, runs each contender in a
process of its own, alternately and warm, compares the results, then prints medians and ratios.
Wall time of the two contenders is that of the whole process, imports included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qbuild.core.artifact.description import Description, StageRef
from qbuild.core.artifact.reader import Artifact
from qbuild.core.artifact.writer import ArtifactWriter
from qbuild.core.schema import load_schema

HERE = Path(__file__).parent
DATASETS = 20
BLOCK = 65_536


def block(start: int, count: int, rows: int) -> pa.Table:
    """Ratings `start` and after; every 1,000,003rd repeats the one before, or contradicts it."""
    rng = np.random.default_rng(start)
    at = np.arange(start, start + count)
    twice = (at % 1_000_003 == 1).nonzero()[0]
    twice = twice[twice > 0]
    named = at.copy()
    named[twice] -= 1
    datasets = named * DATASETS // rows
    paths = [f"batch{n % 997:03d}/clip_{n:08d}.mp4" for n in named.tolist()]
    sets = [f"set{d:02d}" for d in datasets.tolist()]
    mos = np.round(rng.normal(60, 15, count).clip(0, 100), 4)
    std = rng.uniform(5, 20, count).round(3)
    number = rng.integers(15, 60, count).astype(np.int32)
    std[twice], number[twice] = std[twice - 1], number[twice - 1]
    mos[twice] = mos[twice - 1] + (at[twice] % 2)
    table = {
        "media_id": [f"{s}:{p}" for s, p in zip(sets, paths, strict=True)],
        "dataset": sets,
        "path": paths,
        "mos": mos,
        "mos_std": std,
        "num_ratings": number,
        "source_file": ["ratings.csv"] * count,
        "source_row": at + 1,
    }
    return load_schema("rating").cast(pa.table(table), "made")


def make_ratings(path: Path, rows: int) -> None:
    schema = load_schema("rating")
    writer = ArtifactWriter(path, schema)
    for start in range(0, rows, BLOCK):
        writer.add(block(start, min(BLOCK, rows - start), rows))
    written, content_hash = writer.finish_rows()
    stage = StageRef(name="made", version=1)
    writer.seal(Description.of_rows(schema, stage, written, content_hash).to_json())
    writer.commit()


def timed(command: list[str], place: Path) -> tuple[float, float, str]:
    """Seconds, peak MiB and output of a script in a process of its own."""
    began = time.perf_counter()
    script = [sys.executable, str(HERE / "peak.py"), str(place / "peak"), *command]
    printed = subprocess.run(script, check=True, stdout=subprocess.PIPE, text=True).stdout
    took = time.perf_counter() - began
    return took, int((place / "peak").read_text()) / 1024, printed


def compare(ours: Path, theirs: Path, report: dict[str, dict[str, float]], printed: str) -> None:
    """Stop unless rows and figures are equal."""
    mine = Artifact.open(ours)
    other = pq.ParquetFile(theirs)
    for name in ("media_id", "mos", "mos_norm", "level", "word"):
        a, b = mine.table([name]).column(name), other.read([name]).column(name)
        if name in ("media_id", "word"):
            a, b = a.cast(pa.string()), b.cast(pa.string())
        close = (
            pc.all(pc.less(pc.abs(pc.subtract(a, b)), 1e-9)).as_py()
            if name == "mos_norm"
            else a.equals(b)
        )
        if not close:
            raise SystemExit(f"column {name} differs from the peer's")
    for found in json.loads(printed)["datasets"]:
        expected = report[found["dataset"]]
        for name in ("rows", "srcc", "plcc", "flip_share"):
            if abs(found[name] - expected[name]) > 1e-9:
                raise SystemExit(f"{name} of {found['dataset']}: {found[name]} ≠ {expected[name]}")
        if any(found["levels"][word] != expected[word] for word in found["levels"]):
            raise SystemExit(f"levels of {found['dataset']} differ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        ratings, levels, peer = (folder / f"{n}.parquet" for n in ("ratings", "levels", "peer"))
        make_ratings(ratings, given.rows)
        ours = [str(HERE / "qbuild_command.py"), "mos-to-levels", str(ratings)]
        ours += ["-o", str(levels), "--json"]
        theirs = [str(HERE / "levels_pandas.py"), str(ratings), str(peer)]
        theirs += [str(folder / "figures.json")]
        floor = [str(HERE / "levels_floor.py"), str(ratings), str(levels)]
        floor += [str(folder / "floor.parquet")]
        seconds: dict[str, list[float]] = {"qbuild": [], "pandas": [], "floor": []}
        peaks: dict[str, float] = {}
        for turn in range(given.repeat + 1):  # the first turn warms the page cache
            took, peaks["qbuild"], printed = timed(ours, folder)
            took_peer, peaks["pandas"], _ = timed(theirs, folder)
            bottom = float(timed(floor, folder)[2])
            if turn == 0:
                compare(levels, peer, json.loads((folder / "figures.json").read_text()), printed)
                continue
            for name, value in zip(seconds, (took, took_peer, bottom), strict=True):
                seconds[name].append(value)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{given.rows:,} ratings, {DATASETS} datasets, median of {given.repeat}; results equal")
    for name, value in middle.items():
        peak = f"  peak {peaks[name]:,.0f} MiB" if name in peaks else ""
        print(f"  {name:8s}{value:8.2f} s{peak}")
    print(f"pandas / qbuild  {middle['pandas'] / middle['qbuild']:.2f}   (at least 2.3)")
    print(f"qbuild / floor   {middle['qbuild'] / middle['floor']:.2f}   (at most 1.8)")


if __name__ == "__main__":
    main()
