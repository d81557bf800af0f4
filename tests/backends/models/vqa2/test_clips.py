"""Real images and videos as clips: sizes, key frames, frames beyond a multiple of four."""

from __future__ import annotations

import numpy as np
import pytest
from clips import make_clip
from images import write_image
from qbuild_backends.models.inputs import Extent
from qbuild_backends.models.vqa2.clips import video_extent
from vqa2_toys import read_clip
from whole_video import read_video

from qbuild.media.unreadable import UnreadableMediaError


def test_an_image_is_a_video_of_one_frame_without_motion(tmp_path):
    clip = read_clip(write_image(tmp_path / "a.png"), key_size=112, motion_size=48)
    assert (clip.keys.shape, clip.keys.dtype) == ((1, 112, 112, 3), np.uint8)
    assert (clip.motion, clip.num_frames, clip.duration_s) == (None, 1, 0.0)


def test_a_video_has_a_key_frame_a_second_and_its_frames_in_whole_fours(tmp_path):
    file = make_clip(tmp_path / "a.mp4", frames=27, rate=10)
    clip = read_clip(file, key_size=112, motion_size=48)
    assert clip.keys.shape == (3, 112, 112, 3)
    assert clip.motion.shape == (24, 48, 48, 3)
    assert (clip.num_frames, clip.duration_s) == (27, 2.7)
    assert np.array_equal(clip.motion, read_video(file, motion_size=48).motion[:24])


@pytest.mark.parametrize("frames", [1, 3, 4, 5])
def test_a_video_of_fewer_than_four_frames_keeps_them_all(tmp_path, frames):
    clip = read_clip(make_clip(tmp_path / "a.mp4", frames=frames), key_size=32, motion_size=32)
    assert len(clip.motion) == min(frames, 4)


@pytest.mark.parametrize("what", [{"frames": 1}, {"frames": 3}, {"frames": 61, "rate": 12}])
@pytest.mark.parametrize("motion_size", [48, None])
def test_the_extent_known_before_decoding_is_that_of_the_frames(tmp_path, what, motion_size):
    file = make_clip(tmp_path / "a.mp4", **what)
    clip = read_clip(file, key_size=32, motion_size=motion_size)
    assert video_extent(file, with_motion=motion_size is not None) == clip.extent


def test_the_extent_of_an_image_is_one_key_frame(tmp_path):
    clip = read_clip(write_image(tmp_path / "a.png"), key_size=32, motion_size=48)
    assert clip.extent == Extent(keys=1)


@pytest.mark.parametrize("motion_size", [48, None])
@pytest.mark.parametrize("frames", [1, 30])
def test_a_video_is_distinguished_from_an_image_with_or_without_motion(
    tmp_path, frames, motion_size
):
    video = make_clip(tmp_path / "a.mp4", frames=frames)
    clip = read_clip(video, key_size=32, motion_size=motion_size)
    extent = video_extent(video, with_motion=motion_size is not None)
    assert clip.kind == clip.extent.kind == extent.kind == "video"
    picture = read_clip(write_image(tmp_path / "b.png"), key_size=32, motion_size=motion_size)
    assert picture.kind == picture.extent.kind == "image"


def test_motion_is_left_out_where_no_size_is_given(tmp_path):
    clip = read_clip(make_clip(tmp_path / "a.mp4"), key_size=32, motion_size=None)
    assert (clip.motion, clip.num_frames, len(clip.keys)) == (None, 12, 1)


def test_a_published_video_is_read_whole(data_folder):
    clip = read_clip(data_folder / "videos/17734.mp4", key_size=64, motion_size=32)
    assert (len(clip.keys), len(clip.motion), clip.num_frames) == (8, 232, 234)


@pytest.mark.parametrize("name", ["17734", "10053703034", "llamafactory_1"])
def test_the_extent_of_a_published_video_is_that_of_its_frames(data_folder, name):
    file = data_folder / f"videos/{name}.mp4"
    clip = read_clip(file, key_size=32, motion_size=32)
    assert video_extent(file, with_motion=True) == clip.extent


def test_a_file_that_is_not_a_medium_is_rejected_by_name(tmp_path):
    (tmp_path / "notes.mp4").write_text("no video")
    with pytest.raises(UnreadableMediaError, match=r"notes\.mp4"):
        read_clip(tmp_path / "notes.mp4", key_size=32, motion_size=32)
