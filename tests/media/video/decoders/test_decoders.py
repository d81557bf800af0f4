from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from clips import make_clip, truncate
from whole_video import read_video

from qbuild.media.images.read_write import MAX_PIXELS
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.decoders import frames
from qbuild.media.video.decoders.header import read_header
from qbuild.media.video.read import video_info

BT709, BT601, LIMITED, FULL = 1, 5, 1, 2
CLIPS = {
    "h264.mp4": {},
    "hevc.mp4": {"codec": "libx265"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "sound.mkv": {"sound": True},
    "one.mp4": {"frames": 1},
    "five.mp4": {"rate": 5},
    "film.mp4": {"rate": Fraction(24000, 1001)},
    "portrait.mp4": {"width": 66, "height": 120},
    "narrow.mp4": {"width": 48, "height": 120},
    "tiny.mp4": {"width": 20, "height": 16},
    "odd.mp4": {"width": 98, "height": 50},
    "bt709.mp4": {"colorspace": BT709, "color_range": LIMITED},
    "bt601.mp4": {"colorspace": BT601, "color_range": LIMITED},
    "full.mp4": {"colorspace": BT709, "color_range": FULL},
    "444.mp4": {"pixel_format": "yuv444p"},
    "turned90.mp4": {"rotation": 90},
    "turned180.mp4": {"rotation": 180},
    "turned270.mp4": {"rotation": 270},
    "variable.mp4": {"frames": 5, "rate": 1000, "starts": (0, 40, 200, 240, 400)},
}


def all_frames(path, decoder):
    found = list(frames(read_header(path, MAX_PIXELS), lambda _: True, decoder))
    assert [index for index, _ in found] == list(range(len(found)))
    return np.stack([frame for _, frame in found]).astype(np.int16)


@pytest.mark.parametrize("name", CLIPS)
def test_both_decoders_give_the_same_frames(tmp_path, name):
    pytest.importorskip("decord", reason="decord has no wheel for this platform")
    path = make_clip(tmp_path / name, **CLIPS[name])
    ours, theirs = all_frames(path, "pyav"), all_frames(path, "decord")
    assert ours.shape == theirs.shape
    apart = np.abs(ours - theirs)
    assert apart.mean() <= 0.5
    assert apart.max() <= 2


@pytest.mark.parametrize("name", CLIPS)
def test_frames_are_counted_without_decoding_them(tmp_path, name):
    path = make_clip(tmp_path / name, **CLIPS[name])
    assert video_info(path).num_frames == len(all_frames(path, "pyav"))


@pytest.mark.parametrize("name", ["17734.mp4", "10053703034.mp4", "llamafactory_1.mp4"])
def test_both_decoders_give_the_same_frames_of_published_clips(data_folder, name):
    pytest.importorskip("decord", reason="decord has no wheel for this platform")
    path = data_folder / "videos" / name
    by_pyav, by_decord = (
        read_video(path, motion_size=64, key_size=64, decoder=name) for name in ("pyav", "decord")
    )
    assert list(by_pyav.keys) == list(by_decord.keys)
    assert np.abs(by_pyav.motion.astype(int) - by_decord.motion).max() <= 2


def test_av1_is_read_and_decord_says_that_it_cannot(tmp_path):
    path = make_clip(tmp_path / "a.mp4", codec="libsvtav1")
    assert video_info(path).codec == "av1"
    assert len(all_frames(path, "auto")) == 12
    pytest.importorskip("decord", reason="decord has no wheel for this platform")
    with pytest.raises(UnreadableMediaError, match=r"decord cannot read a\.mp4 \(av1\)"):
        all_frames(path, "decord")


def test_the_automatic_choice_is_pyav(tmp_path):
    whole = make_clip(tmp_path / "a.avi", codec="mpeg4", frames=60)
    with pytest.raises(UnreadableMediaError, match=r"header declares 60|is damaged"):
        all_frames(truncate(whole, 0.7), "auto")  # decord repeats frames instead


@pytest.mark.parametrize("name", ["h264.mp4", "vp9.webm", "hevc.mp4"])
def test_frames_do_not_depend_on_the_number_of_threads(tmp_path, name):
    path = make_clip(tmp_path / name, **{"frames": 30, **CLIPS[name]})
    opened = read_header(path, MAX_PIXELS)
    one, four = (
        np.stack([f for _, f in frames(opened, lambda _: True, "pyav", threads)])
        for threads in (1, 4)
    )
    assert np.array_equal(one, four)
