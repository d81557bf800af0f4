from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip, truncate

from qbuild.media.isolation import KEPT_BYTES, SHARED_MIN_BYTES, Isolated
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.read import video_info

ROOT = Path(__file__).resolve().parents[2]


def is_alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until_gone(pid: int) -> bool:
    for _ in range(200):
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def child():
    with Isolated(timeout_s=30) as shared:
        yield shared


def test_a_function_runs_in_another_process_and_its_result_comes_back(child):
    assert child.call(os.getpid) != os.getpid()
    assert child.call(int, "ff", base=16) == 255
    assert child.call(os.getpid) == child.call(os.getpid)


def test_relative_paths_are_those_of_the_current_folder_of_the_parent(child, tmp_path, monkeypatch):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert child.call(os.getcwd) == str(tmp_path / name)


def test_a_parent_whose_folder_was_removed_still_reads_absolute_paths(child, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert child.call(os.path.isdir, str(tmp_path)) is True


def test_an_exception_comes_back_unchanged_with_its_traceback(child, tmp_path):
    with pytest.raises(UnreadableMediaError, match="missing-file") as rejected:
        child.call(video_info, tmp_path / "gone.mp4")
    assert rejected.value.reason == "missing-file"
    assert "in file_size" in rejected.value.__notes__[0]
    with pytest.raises(ValueError, match="invalid literal"):
        child.call(int, "word")


def test_a_result_that_cannot_be_pickled_is_an_error_and_not_a_crash(child):
    before = child.call(os.getpid)
    with pytest.raises(Exception, match="pickle"):
        child.call(eval, "lambda: 0")
    assert child.call(os.getpid) == before


def test_a_crash_is_an_error_that_names_the_signal_and_the_next_file_is_read(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=3)
    with Isolated(timeout_s=30) as child:
        for function, how in ((os.abort, "SIGABRT"), (exit_now, "status 3")):
            with pytest.raises(UnreadableMediaError, match=how) as rejected:
                child.call(function)
            assert rejected.value.reason == "decoder-crashed"
            assert child.call(video_info, clip).num_frames == 3


def exit_now() -> None:
    os._exit(3)


def test_a_child_that_hangs_is_killed_and_the_next_file_is_read(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=3)
    with Isolated(timeout_s=4) as child:
        hung = child.call(os.getpid)
        with pytest.raises(UnreadableMediaError, match="no answer within 4 s") as rejected:
            child.call(time.sleep, 600)
        assert rejected.value.reason == "decoder-hung"
        assert not is_alive(hung)
        assert child.call(video_info, clip).num_frames == 3


def test_a_child_is_renewed_after_a_number_of_calls():
    with Isolated(timeout_s=30, calls_before_renewal=2) as child:
        pids = [child.call(os.getpid) for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


def test_no_process_is_left_running_and_none_is_started_without_a_call():
    before = multiprocessing.active_children()
    with Isolated():
        assert multiprocessing.active_children() == before
    with Isolated(timeout_s=30) as child:
        pid = child.call(os.getpid)
    assert not Path(f"/proc/{pid}").exists()
    assert multiprocessing.active_children() == before


def count_frames_in_child(path: Path) -> int:
    with Isolated(timeout_s=30) as child:
        with pytest.raises(UnreadableMediaError, match="SIGABRT"):
            child.call(os.abort)
        return child.call(video_info, path).num_frames


def test_it_works_inside_a_worker_of_a_pool(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=3)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as pool:
        assert pool.submit(count_frames_in_child, clip).result(60) == 3


SCRIPT = """
import os, sys, time
from qbuild.media.isolation import Isolated

if __name__ == "__main__":
    with Isolated(timeout_s=60) as child:
        print(child.call(os.getpid), flush=True)
        {then}
"""


def script(tmp_path: Path, then: str) -> subprocess.Popen[str]:
    script_file = tmp_path / "script.py"
    script_file.write_text(SCRIPT.format(then=then))
    return subprocess.Popen(
        [sys.executable, str(script_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("then", ["time.sleep(60)", "child.call(time.sleep, 60)"])
def test_the_child_ends_with_a_parent_that_is_killed(tmp_path, then):
    with script(tmp_path, then) as running:
        pid = int(running.stdout.readline())
        running.kill()
    assert wait_until_gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_ends_both_and_the_child_prints_nothing(tmp_path):
    with script(tmp_path, "child.call(time.sleep, 60)") as running:
        pid = int(running.stdout.readline())
        time.sleep(0.5)  # the call is in progress
        os.killpg(running.pid, signal.SIGINT)
        noise = running.stderr.read()
    assert wait_until_gone(pid)
    assert running.returncode == -signal.SIGINT
    assert noise.count("Traceback") == 1  # the script's own


def test_what_decoders_print_does_not_reach_the_terminal(tmp_path):
    bad = truncate(make_clip(tmp_path / "a.avi", codec="mpeg4", frames=60), 0.6)
    then = (
        "\n        from pathlib import Path"
        "\n        from qbuild.media.video.read import video_info"
        "\n        child.call(os.write, 2, b'noise')"
        f"\n        try: child.call(video_info, Path({str(bad)!r}))"
        "\n        except Exception as error: print(error.reason)"
    )
    with script(tmp_path, then) as running:
        output, noise = running.communicate(timeout=60)
    assert (output.splitlines()[1], noise) == ("truncated", "")


def random_arrays(*sizes: int) -> list[np.ndarray]:
    """Random arrays of these sizes in bytes, all different."""
    return [np.random.default_rng(size).integers(0, 256, size, np.uint8) for size in sizes]


def test_arrays_of_every_size_are_returned_complete_call_after_call(child):
    for sizes in (
        (0, SHARED_MIN_BYTES - 1, SHARED_MIN_BYTES),
        (3 * SHARED_MIN_BYTES + 1, SHARED_MIN_BYTES, 7),
        (KEPT_BYTES + SHARED_MIN_BYTES, SHARED_MIN_BYTES),
        (SHARED_MIN_BYTES,),
    ):
        received = child.call(random_arrays, *sizes)
        assert all(
            np.array_equal(*pair) for pair in zip(received, random_arrays(*sizes), strict=True)
        )


def test_a_returned_array_belongs_to_the_caller_and_does_not_change(child):
    (first,) = child.call(random_arrays, 2 * SHARED_MIN_BYTES)
    (second,) = child.call(random_arrays, 2 * SHARED_MIN_BYTES + 1)
    assert np.array_equal(first, random_arrays(2 * SHARED_MIN_BYTES)[0])
    second[:] = 0
    assert first.any()


def every_other(count: int) -> np.ndarray:
    return random_arrays(count)[0][::2]


def test_an_array_that_is_not_contiguous_is_returned_too(child):
    assert np.array_equal(
        child.call(every_other, 4 * SHARED_MIN_BYTES), every_other(4 * SHARED_MIN_BYTES)
    )


def test_a_child_that_cannot_start_is_an_error_of_the_script_and_not_of_the_file(tmp_path):
    script_file = tmp_path / "unguarded.py"
    script_file.write_text(
        "import os\nfrom qbuild.media.isolation import Isolated\n"
        "with Isolated(timeout_s=60) as child:\n    child.call(os.getpid)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, str(script_file)],
        check=False,
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "child process: a process for decoders did not start: " in ended.stderr
    assert 'must start its work below `if __name__ == "__main__":`' in ended.stderr
