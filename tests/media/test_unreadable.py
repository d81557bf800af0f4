from __future__ import annotations

import os
import pickle

import pytest

from qbuild.media.unreadable import (
    UnreadableMediaError,
    check_pixels,
    file_size,
    reject_disk_errors,
)


def test_the_error_travels_between_processes():
    error = pickle.loads(pickle.dumps(UnreadableMediaError("truncated", "a.mp4 ends early")))
    assert (error.reason, error.message) == ("truncated", "a.mp4 ends early")
    assert str(error) == "truncated: a.mp4 ends early"


def test_a_missing_empty_or_special_file_is_rejected_by_name(tmp_path):
    (tmp_path / "none.mp4").write_bytes(b"")
    reasons = {"gone.mp4": "missing-file", "": "not-a-file", "none.mp4": "empty-file"}
    for name, reason in reasons.items():
        with pytest.raises(UnreadableMediaError, match=name or tmp_path.name) as rejected:
            file_size(tmp_path / name)
        assert rejected.value.reason == reason


def test_a_broken_link_and_a_circular_one_are_named_as_such(tmp_path):
    (tmp_path / "a.png").symlink_to("gone.png")
    (tmp_path / "b.png").symlink_to("b.png")
    for name, what in (("a.png", "is a link to a missing file"), ("b.png", "links")):
        with pytest.raises(UnreadableMediaError, match=rf"missing-file: {name} .*{what}"):
            file_size(tmp_path / name)


def test_a_name_that_the_disk_cannot_hold_is_rejected(tmp_path):
    with pytest.raises(UnreadableMediaError, match=r"missing-file: n+\.png cannot be opened"):
        file_size(tmp_path / f"{'n' * 300}.png")


def test_a_file_that_disappears_while_it_is_read_is_missing(tmp_path):
    path = tmp_path / "gone.png"
    with pytest.raises(UnreadableMediaError, match="missing-file"), reject_disk_errors(path):
        path.read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_rejected(tmp_path):
    path = tmp_path / "closed.mp4"
    path.write_bytes(b"bytes")
    path.chmod(0)
    with pytest.raises(UnreadableMediaError, match=r"no-permission: closed\.mp4"):
        file_size(path)


def test_a_size_at_the_limit_passes_and_one_pixel_row_more_does_not():
    check_pixels("a.png", 100, 10, 1000)
    with pytest.raises(UnreadableMediaError, match=r"100x11 pixels; expected 1,000 at most"):
        check_pixels("a.png", 100, 11, 1000)
