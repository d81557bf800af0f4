"""qbuild/core/engine/workers.py: worker processes end with the run, without a word of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import tables

pytestmark = pytest.mark.skipif(shutil.which("ps") is None, reason="ps lists the processes")
WORKERS = 2
PATIENCE_S = 30


def start(folder):
    """A run that is busy for long, in a process group of its own."""
    ratings = tables.write_artifact(folder / "r.parquet", tables.rating_table(200_000))
    options = ["--workers", str(WORKERS), "--batch-rows", "20"]
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from qbuild.cli.main import main; main()",
            *("mos-to-levels", str(ratings), "-o", str(folder / "levels.parquet")),
            *options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def workers_of(group):
    """Living worker processes of a process group."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pgid=,args="], check=True, capture_output=True, text=True
    )
    lines = [line.split(None, 1) for line in listed.stdout.splitlines()]
    return [rest for number, rest in lines if number == str(group) and "spawn_main" in rest]


def wait_for(count, group):
    since = time.monotonic()
    while len(workers_of(group)) != count:
        assert time.monotonic() - since < PATIENCE_S, f"no {count} workers"
        time.sleep(0.02)


@pytest.mark.parametrize("busy_s", [0, 2], ids=["while they start", "at work"])
def test_ctrl_c_ends_every_worker_without_a_traceback(tmp_path, busy_s):
    run = start(tmp_path)
    wait_for(WORKERS, run.pid)
    time.sleep(busy_s)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, errors) == (130, "interrupted\n")
    wait_for(0, run.pid)
    assert not list(tmp_path.glob(".*"))


def test_an_interrupt_that_only_the_run_hears_does_not_wait_for_the_workers(tmp_path):
    run = start(tmp_path)
    wait_for(WORKERS, run.pid)
    time.sleep(2)
    since = time.monotonic()
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 130
    assert time.monotonic() - since < 2  # a row group takes longer
    wait_for(0, run.pid)


def test_a_killed_run_leaves_no_worker(tmp_path):
    run = start(tmp_path)
    wait_for(WORKERS, run.pid)
    time.sleep(1)
    run.kill()
    run.communicate()
    wait_for(0, run.pid)
