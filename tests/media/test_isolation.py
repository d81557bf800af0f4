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
from clips import cut, make_clip

from qbuild.media.isolation import KEPT, LARGE, Isolated
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.read import video_info

ROOT = Path(__file__).resolve().parents[2]


def is_alive(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until_gone(pid: int) -> bool:
    for _ in range(200):
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def room():
    with Isolated(timeout_s=30) as shared:
        yield shared


def test_a_function_runs_in_another_process_and_its_result_comes_back(room):
    assert room.call(os.getpid) != os.getpid()
    assert room.call(int, "ff", base=16) == 255
    assert room.call(os.getpid) == room.pid


def test_an_exception_comes_back_as_it_is_with_its_place(room, tmp_path):
    with pytest.raises(UnreadableMediaError, match="missing-file") as refused:
        room.call(video_info, tmp_path / "gone.mp4")
    assert refused.value.reason == "missing-file"
    assert "in file_size" in refused.value.__notes__[0]
    with pytest.raises(ValueError, match="invalid literal"):
        room.call(int, "word")


def test_a_result_that_cannot_be_sent_is_an_error_and_no_crash(room):
    before = room.call(os.getpid)
    with pytest.raises(Exception, match="pickle"):
        room.call(eval, "lambda: 0")
    assert room.call(os.getpid) == before


def test_a_crash_is_an_error_that_names_the_signal_and_the_next_file_is_read(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=3)
    with Isolated(timeout_s=30) as room:
        for function, how in ((os.abort, "SIGABRT"), (exit_now, "status 3")):
            with pytest.raises(UnreadableMediaError, match=how) as refused:
                room.call(function)
            assert refused.value.reason == "decoder-crashed"
            assert room.call(video_info, clip).num_frames == 3


def exit_now() -> None:
    os._exit(3)


def test_a_hang_is_ended_and_the_next_file_is_read(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=3)
    with Isolated(timeout_s=4) as room:
        hung = room.call(os.getpid)
        with pytest.raises(UnreadableMediaError, match="no answer within 4 s") as refused:
            room.call(time.sleep, 600)
        assert refused.value.reason == "decoder-hung"
        assert not is_alive(hung)
        assert room.call(video_info, clip).num_frames == 3


def test_a_child_is_renewed_after_so_many_calls():
    with Isolated(timeout_s=30, calls_before_renewal=2) as room:
        pids = [room.call(os.getpid) for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


def test_no_process_is_left_behind_and_none_is_started_without_a_call():
    before = multiprocessing.active_children()
    with Isolated() as idle:
        assert idle.pid is None
    with Isolated(timeout_s=30) as room:
        pid = room.call(os.getpid)
    assert not Path(f"/proc/{pid}").exists()
    assert multiprocessing.active_children() == before


def probe_in_room(path: Path) -> int:
    with Isolated(timeout_s=30) as room:
        with pytest.raises(UnreadableMediaError, match="SIGABRT"):
            room.call(os.abort)
        return room.call(video_info, path).num_frames


def test_it_works_inside_a_worker_of_a_pool(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=3)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as pool:
        assert pool.submit(probe_in_room, clip).result(60) == 3


SCRIPT = """
import os, sys, time
from qbuild.media.isolation import KEPT, LARGE, Isolated

if __name__ == "__main__":
    with Isolated(timeout_s=60) as room:
        print(room.call(os.getpid), flush=True)
        {then}
"""


def script(tmp_path: Path, then: str) -> subprocess.Popen[str]:
    place = tmp_path / "script.py"
    place.write_text(SCRIPT.format(then=then))
    return subprocess.Popen(
        [sys.executable, str(place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("then", ["time.sleep(60)", "room.call(time.sleep, 60)"])
def test_the_child_ends_with_a_parent_that_is_killed(tmp_path, then):
    with script(tmp_path, then) as running:
        child = int(running.stdout.readline())
        running.kill()
    assert wait_until_gone(child)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_ends_both_and_the_child_says_nothing(tmp_path):
    with script(tmp_path, "room.call(time.sleep, 60)") as running:
        child = int(running.stdout.readline())
        time.sleep(0.5)  # so that the call is under way
        os.killpg(running.pid, signal.SIGINT)
        noise = running.stderr.read()
    assert wait_until_gone(child)
    assert running.returncode == -signal.SIGINT
    assert noise.count("Traceback") == 1  # the script's own


def test_what_decoders_print_does_not_reach_the_terminal(tmp_path):
    bad = cut(make_clip(tmp_path / "a.avi", codec="mpeg4", frames=60), 0.6)
    then = (
        "\n        from pathlib import Path"
        "\n        from qbuild.media.video.read import video_info"
        "\n        room.call(os.write, 2, b'noise')"
        f"\n        try: room.call(video_info, Path({str(bad)!r}))"
        "\n        except Exception as error: print(error.reason)"
    )
    with script(tmp_path, then) as running:
        said, noise = running.communicate(timeout=60)
    assert (said.splitlines()[1], noise) == ("truncated", "")


def drawn(*sizes: int) -> list[np.ndarray]:
    """Arrays of these many bytes, none like another."""
    return [np.random.default_rng(size).integers(0, 256, size, np.uint8) for size in sizes]


def test_arrays_of_every_size_come_over_whole_one_call_after_another(room):
    for sizes in (
        (0, LARGE - 1, LARGE),
        (3 * LARGE + 1, LARGE, 7),
        (KEPT + LARGE, LARGE),
        (LARGE,),
    ):
        found = room.call(drawn, *sizes)
        assert all(np.array_equal(*pair) for pair in zip(found, drawn(*sizes), strict=True))


def test_an_array_is_the_callers_own_and_stays_as_it_was(room):
    (first,) = room.call(drawn, 2 * LARGE)
    (second,) = room.call(drawn, 2 * LARGE + 1)
    assert np.array_equal(first, drawn(2 * LARGE)[0])
    second[:] = 0
    assert first.any()


def every_other(count: int) -> np.ndarray:
    return drawn(count)[0][::2]


def test_an_array_with_gaps_comes_over_too(room):
    assert np.array_equal(room.call(every_other, 4 * LARGE), every_other(4 * LARGE))


def test_a_child_that_cannot_start_is_no_fault_of_the_file(tmp_path):
    place = tmp_path / "unguarded.py"
    place.write_text(
        "import os\nfrom qbuild.media.isolation import Isolated\n"
        "with Isolated(timeout_s=60) as room:\n    room.call(os.getpid)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, str(place)],
        check=False,
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "child process: a process for decoders did not start: " in ended.stderr
    assert 'begins its work below `if __name__ == "__main__":`' in ended.stderr
