"""Real child processes are killed at seeded moments; what a resumed run leaves is compared."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tables
from running import file_hashes

PIPELINE = """
title: killed
steps:
  - {id: levels, stage: mos-to-levels, inputs: [ratings.parquet], options: {range: "0:90"}}
  - {id: spoiled, stage: mos-to-levels, inputs: [ratings.parquet], options: {outside: reject}}
  - {id: pairs, stage: scoring-qa, inputs: [levels], options: {form: q-align}}
  - {id: exported, stage: export, inputs: [pairs], options: {format: q-align}}
"""
KILLS = 20


def start(folder: Path, workers: int = 1) -> subprocess.Popen[bytes]:
    command = ["run", str(folder / "p.yaml"), "--workdir", str(folder / "work")]
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from qbuild.cli.main import main; main()",
            *command,
            "--workers",
            str(workers),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(folder: Path) -> None:
    child = start(folder)
    _, errors = child.communicate()
    assert child.returncode == 0, errors.decode()


def measured(folder: Path) -> tuple[float, float]:
    """Seconds from the start of an undisturbed run to its first file, and to its end."""
    began = time.monotonic()
    child = start(folder)
    while not (folder / "work").exists() and child.poll() is None:
        time.sleep(0.005)
    first = time.monotonic() - began
    _, errors = child.communicate()
    assert child.returncode == 0, errors.decode()
    return first, time.monotonic() - began


def prepare(folder: Path) -> Path:
    folder.mkdir()
    (folder / "p.yaml").write_text(PIPELINE)
    tables.write_artifact(folder / "ratings.parquet", tables.rating_table(70_000))
    return folder


def kill(folder: Path, moment: float, workers: int) -> str:
    """Run from nothing, kill all its processes at the moment; what was there, in words."""
    shutil.rmtree(folder / "work", ignore_errors=True)
    child = start(folder, workers)
    time.sleep(moment)
    hit = child.poll() is None
    if hit:
        os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    left = sorted(p.name for p in (folder / "work").glob("*") if p.name != "qbuild-runs.jsonl")
    return f"{moment:.2f} s, {workers} workers: {'hit' if hit else 'too late'}, left {left}"


@pytest.mark.slow
def test_a_run_killed_at_any_point_is_resumed_to_the_same_bytes(tmp_path):
    calm = prepare(tmp_path / "calm")
    first, end = measured(calm)
    undisturbed = file_hashes(calm / "work")
    killed = prepare(tmp_path / "killed")
    rng = random.Random(2026)
    hits = []
    for number in range(KILLS):
        moment = first + (end - first) * (number + rng.random()) / KILLS
        hits.append(kill(killed, moment, workers=1 + number % 2))
        finish(killed)
        assert file_hashes(killed / "work") == undisturbed, "\n".join(hits)
    print("\n".join(hits))  # noqa: T201 - shown by `pytest -s`: where each kill hit
    assert sum(": hit" in hit for hit in hits) >= KILLS // 2, "\n".join(hits)
