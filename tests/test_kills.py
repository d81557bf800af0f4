"""Real child processes are killed at seeded moments; what a resumed run leaves is compared."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tables

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


def tree(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != "qbuild-runs.jsonl"
    }


def prepare(folder: Path) -> Path:
    folder.mkdir()
    (folder / "p.yaml").write_text(PIPELINE)
    tables.write_artifact(folder / "ratings.parquet", tables.rating_table(70_000))
    return folder


@pytest.mark.slow
def test_a_run_killed_at_any_moment_is_resumed_to_the_same_bytes(tmp_path):
    calm = prepare(tmp_path / "calm")
    began = time.monotonic()
    finish(calm)
    length = time.monotonic() - began
    undisturbed = tree(calm / "work")
    rng = random.Random(2026)
    hits = []
    killed = prepare(tmp_path / "killed")
    for number in range(KILLS):
        if number % 4 == 0:  # from nothing again, else on top of what the last kill left
            for path in sorted((killed / "work").rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
        moment = length * (number + rng.random()) / KILLS
        child = start(killed, workers=1 + number % 2)
        time.sleep(moment)
        ran = child.poll() is None
        if ran:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        standing = sorted(p.name for p in (killed / "work").glob("[!.]*"))
        hits.append(f"kill {number + 1} at {moment:.2f} s: {'hit' if ran else 'done'}, {standing}")
        if number % 4 == 3:
            finish(killed)
            assert tree(killed / "work") == undisturbed, "\n".join(hits)
    print("\n".join(hits))
    assert sum(": hit" in hit for hit in hits) >= KILLS // 2, "\n".join(hits)
