"""How long `--help` takes, against a Typer program with one empty command, in one run.

    python benchmarks/startup.py [--repeat 15]

Runs the three programs in turn and prints the medians and their ratios.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EMPTY = """
import typer
app = typer.Typer()
@app.command()
def nothing() -> None:
    "Do nothing."
app()
"""
QBUILD = "from qbuild.cli.main import main\nmain()\n"


def seconds(script: Path, *arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, str(script), *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15)
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as place:
        empty, ours = Path(place) / "empty.py", Path(place) / "ours.py"
        empty.write_text(EMPTY)
        ours.write_text(QBUILD)
        took: dict[str, list[float]] = {"empty": [], "qbuild": [], "stage": []}
        for turn in range(repeat + 1):
            times = (
                seconds(empty, "--help"),
                seconds(ours, "--help"),
                seconds(ours, "mos-to-levels", "--help"),
            )
            for name, value in zip(took, times, strict=True):
                took[name] += [value] if turn else []  # the first turn warms the caches
    middle = {name: statistics.median(values) for name, values in took.items()}
    print(
        f"median of {repeat}; an empty Typer program --help takes {middle['empty'] * 1000:.0f} ms"
    )
    print(f"qbuild --help                {middle['qbuild'] / middle['empty']:.2f}   (at most 1.15)")
    print(f"qbuild mos-to-levels --help  {middle['stage'] / middle['empty']:.2f}   (at most 1.5)")


if __name__ == "__main__":
    main()
