from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from clips import make_clip, truncate

from qbuild.media.images.read_write import MAX_PIXELS
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.decoders import with_pyav
from qbuild.media.video.decoders.header import read_header
from qbuild.media.video.read import decode_frames, video_info

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


def all_frames(path, decode=decode_frames, **options):
    indices, frames = zip(*decode(read_header(path, MAX_PIXELS), **options), strict=True)
    assert list(indices) == list(range(len(indices)))
    return np.stack(frames).astype(np.int16)


def with_decord():
    pytest.importorskip("decord", reason="decord has no wheel for this platform")
    from qbuild.media.video.decoders import with_decord as decoder

    return decoder


@pytest.mark.parametrize("name", CLIPS)
def test_both_decoders_give_the_same_frames(tmp_path, name):
    path = make_clip(tmp_path / name, **CLIPS[name])
    ours, theirs = all_frames(path, with_pyav.frames), all_frames(path, with_decord().frames)
    assert ours.shape == theirs.shape
    difference = np.abs(ours - theirs)
    assert difference.mean() <= 0.5
    assert difference.max() <= 2


@pytest.mark.parametrize("name", CLIPS)
def test_frames_are_counted_without_decoding_them(tmp_path, name):
    path = make_clip(tmp_path / name, **CLIPS[name])
    assert video_info(path).num_frames == len(all_frames(path))


@pytest.mark.parametrize("name", ["17734.mp4", "10053703034.mp4", "llamafactory_1.mp4"])
def test_both_decoders_give_the_same_frames_of_published_clips(data_folder, name):
    path = data_folder / "videos" / name
    decord = with_decord().frames(read_header(path, MAX_PIXELS), step=8)
    pyav = with_pyav.frames(read_header(path, MAX_PIXELS), step=8)
    for (index, ours), (other, theirs) in zip(pyav, decord, strict=True):
        assert index == other
        assert np.abs(ours.astype(int) - theirs).max() <= 2


def test_av1_is_read_and_decord_rejects_it(tmp_path):
    path = make_clip(tmp_path / "a.mp4", codec="libsvtav1")
    assert video_info(path).codec == "av1"
    assert len(all_frames(path)) == 12
    with pytest.raises(UnreadableMediaError, match=r"decord cannot read a\.mp4 \(av1\)"):
        all_frames(path, with_decord().frames)


def test_the_first_choice_is_pyav(tmp_path):
    path = make_clip(tmp_path / "a.avi", codec="mpeg4", frames=60)
    with pytest.raises(UnreadableMediaError, match=r"header declares 60|is damaged"):
        all_frames(truncate(path, 0.7))  # decord repeats frames instead


def test_decord_is_used_for_a_codec_that_pyav_lacks(tmp_path):
    path = make_clip(tmp_path / "a.mp4")
    with_decord()
    without_pyav = replace(read_header(path, MAX_PIXELS), decodable=False)
    assert len(list(decode_frames(without_pyav))) == 12


@pytest.mark.parametrize("name", ["h264.mp4", "vp9.webm", "hevc.mp4"])
def test_frames_do_not_depend_on_the_number_of_threads(tmp_path, name):
    path = make_clip(tmp_path / name, **{"frames": 30, **CLIPS[name]})
    one, four = (all_frames(path, threads=threads) for threads in (1, 4))
    assert np.array_equal(one, four)
