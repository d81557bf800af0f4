"""Scratch folders: a lock decides whose run still lives, whatever its process id is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qbuild.core import scratch
from qbuild.core.errors import DiskError
from qbuild.core.scratch import (
    REPLACED,
    LocksUnsupportedError,
    atomic_file,
    scratch_folder,
    sweep_dead,
    temporary_name,
    try_lock,
)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def dead_scratch(output, *names):
    """What a killed run leaves next to `output`: an unlocked scratch folder."""
    folder = output.with_name(f".{output.name}.{'0' * 16}.scratch")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / ".lock").touch()
    return folder


def test_a_scratch_folder_is_gone_at_the_end(tmp_path):
    with scratch_folder(tmp_path / "out.parquet") as folder:
        (folder / "rows").write_text("x")
        assert leftovers(tmp_path) == [folder.name]
    assert leftovers(tmp_path) == []


def test_two_runs_with_one_output_and_one_process_id_have_folders_of_their_own(tmp_path):
    with scratch_folder(tmp_path / "out") as one, scratch_folder(tmp_path / "out") as two:
        assert one != two
        assert one.is_dir()
        assert two.is_dir()


def test_a_live_scratch_folder_is_never_swept(tmp_path):
    with scratch_folder(tmp_path / "out") as folder:
        sweep_dead(tmp_path)
        assert folder.is_dir()


def test_a_live_scratch_folder_of_another_process_is_never_swept(tmp_path):
    code = (
        "import sys; from pathlib import Path; from qbuild.core.scratch import scratch_folder\n"
        "with scratch_folder(Path(sys.argv[1])) as folder:\n"
        "    print(folder, flush=True); sys.stdin.read()\n"
    )
    held = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "out")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    name = held.stdout.readline().strip()
    sweep_dead(tmp_path)
    assert leftovers(tmp_path) == [Path(name).name]
    held.kill()
    held.communicate()
    sweep_dead(tmp_path)
    assert leftovers(tmp_path) == []


@pytest.mark.skipif(shutil.which("unshare") is None or os.geteuid() != 0, reason="needs unshare")
def test_runs_with_equal_process_ids_in_two_containers_do_not_disturb_each_other(tmp_path):
    """Each process has id 1 in a namespace of its own, as in containers that share a folder."""
    code = (
        "import os, sys; from pathlib import Path\n"
        "from qbuild.core.scratch import scratch_folder, sweep_dead\n"
        "assert os.getpid() == 1\n"
        "for _ in range(300):\n"
        "    with scratch_folder(Path(sys.argv[1])) as folder:\n"
        "        (folder / 'rows').write_text('x')\n"
        "        assert (folder / 'rows').read_text() == 'x'\n"
    )
    command = ["unshare", "--pid", "--fork", sys.executable, "-c", code, str(tmp_path / "out")]
    if subprocess.run(["unshare", "--pid", "--fork", "true"], check=False).returncode:
        pytest.skip("no namespaces here")
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    assert [run.communicate()[1] for run in runs] == [b""] * 3
    assert leftovers(tmp_path) == []


def test_what_a_killed_run_left_is_swept_by_the_next(tmp_path):
    dead_scratch(tmp_path / "out", "rows")
    with scratch_folder(tmp_path / "other"):
        pass
    assert leftovers(tmp_path) == []


def test_what_a_killed_run_moved_aside_is_put_back(tmp_path):
    dead_scratch(tmp_path / "model", f"{REPLACED}/model/weights", "model/weights")
    sweep_dead(tmp_path)
    assert (tmp_path / "model/weights").read_text() == f"{REPLACED}/model/weights"
    assert leftovers(tmp_path) == []


def test_a_replaced_output_is_removed_once_its_successor_exists(tmp_path):
    (tmp_path / "model").mkdir()
    dead_scratch(tmp_path / "model", f"{REPLACED}/model/weights")
    sweep_dead(tmp_path)
    assert list((tmp_path / "model").iterdir()) == []
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", [".git.scratch", ".notes.tmp", ".a.123.scratch", ".a.12.tmp"])
def test_files_of_the_user_are_not_touched(name, tmp_path):
    (tmp_path / name).mkdir()
    sweep_dead(tmp_path)
    scratch.sweep_temporaries(tmp_path)
    assert leftovers(tmp_path) == [name]


def test_a_link_that_looks_like_a_scratch_folder_is_not_touched(tmp_path):
    (tmp_path / "mine").mkdir()
    link = tmp_path / f".out.{'0' * 16}.scratch"
    link.symlink_to(tmp_path / "mine")
    sweep_dead(tmp_path)
    assert link.is_symlink()
    assert list((tmp_path / "mine").iterdir()) == []


def test_on_a_disk_without_locks_nothing_is_swept(tmp_path, monkeypatch):
    def unsupported(path):
        raise LocksUnsupportedError(str(path))

    monkeypatch.setattr(scratch, "try_lock", unsupported)
    left = dead_scratch(tmp_path / "out", "rows")
    with scratch_folder(tmp_path / "other") as folder:
        assert folder.is_dir()
    assert leftovers(tmp_path) == [left.name]


def test_a_lock_is_held_by_one_run_at_a_time(tmp_path):
    lock = try_lock(tmp_path / "lock")
    assert try_lock(tmp_path / "lock") is None
    lock.release()
    assert try_lock(tmp_path / "lock") is not None


def test_a_file_is_complete_or_missing(tmp_path):
    with atomic_file(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("whole")
    assert (tmp_path / "a.txt").read_text() == "whole"
    with pytest.raises(UnicodeEncodeError), atomic_file(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("ha\udc80", encoding="utf-8")
    assert (tmp_path / "a.txt").read_text() == "whole"
    assert leftovers(tmp_path) == []


def test_a_place_that_cannot_be_written_is_a_disk_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DiskError), scratch_folder(tmp_path / "file" / "out"):
        pass


def test_names_stay_short_enough_for_a_disk(tmp_path):
    long = tmp_path / ("é" * 120)
    assert len(os.fsencode(temporary_name(long).name)) < 255
    with scratch_folder(long) as folder:
        assert folder.is_dir()
