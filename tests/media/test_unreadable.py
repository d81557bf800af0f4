from __future__ import annotations

import os
import pickle

import pytest

from qbuild.media.unreadable import UnreadableMediaError, check_pixels, disk_refusals, file_size


def test_the_error_travels_between_processes():
    error = pickle.loads(pickle.dumps(UnreadableMediaError("truncated", "a.mp4 ends early")))
    assert (error.reason, error.message) == ("truncated", "a.mp4 ends early")
    assert str(error) == "truncated: a.mp4 ends early"


def test_what_is_no_file_with_bytes_is_refused_by_its_name(tmp_path):
    (tmp_path / "none.mp4").write_bytes(b"")
    wanted = {"gone.mp4": "missing-file", "": "not-a-file", "none.mp4": "empty-file"}
    for name, reason in wanted.items():
        with pytest.raises(UnreadableMediaError, match=name or tmp_path.name) as refused:
            file_size(tmp_path / name)
        assert refused.value.reason == reason


def test_a_link_to_nowhere_and_one_in_a_circle_are_told_as_what_they_are(tmp_path):
    (tmp_path / "a.png").symlink_to("gone.png")
    (tmp_path / "b.png").symlink_to("b.png")
    for name, told in (("a.png", "is a link to a file that is not there"), ("b.png", "links")):
        with pytest.raises(UnreadableMediaError, match=rf"missing-file: {name} .*{told}"):
            file_size(tmp_path / name)


def test_a_name_that_the_disk_cannot_hold_is_refused(tmp_path):
    with pytest.raises(UnreadableMediaError, match=r"missing-file: n+\.png cannot be opened"):
        file_size(tmp_path / f"{'n' * 300}.png")


def test_a_file_that_goes_while_it_is_read_is_missing(tmp_path):
    path = tmp_path / "gone.png"
    with pytest.raises(UnreadableMediaError, match="missing-file"), disk_refusals(path):
        path.read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "closed.mp4"
    path.write_bytes(b"bytes")
    path.chmod(0)
    with pytest.raises(UnreadableMediaError, match=r"no-permission: closed\.mp4"):
        file_size(path)


def test_a_size_at_the_limit_passes_and_one_pixel_row_more_does_not():
    check_pixels("a.png", 100, 10, 1000)
    with pytest.raises(UnreadableMediaError, match=r"100x11 pixels; expected 1,000 at most"):
        check_pixels("a.png", 100, 11, 1000)
