from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from clips import draw_frame, make_clip, make_sound, overwrite_middle, truncate
from PIL import Image
from whole_video import read_video

from qbuild.media.images.read_write import MAX_PIXELS
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.decoders import with_pyav
from qbuild.media.video.decoders.header import read_header
from qbuild.media.video.read import (
    SquareResizer,
    key_frame_indices,
    read_frames,
    video_info,
)

NTSC = Fraction(30000, 1001)


def reason(path):
    with pytest.raises(UnreadableMediaError) as rejected:
        list(read_frames(path, motion_size=16))
    assert path.name in rejected.value.message
    return rejected.value.reason


def test_chunks_hold_every_frame_once_and_the_key_frames_among_them(tmp_path):
    path = make_clip(tmp_path / "a.mp4", frames=23, rate=5)
    chunks = list(read_frames(path, motion_size=16, chunk=10))
    assert [(part.first, len(part.motion)) for part in chunks] == [(0, 10), (10, 10), (20, 3)]
    assert [list(part.keys) for part in chunks] == [[0, 5], [10, 15], [20]]
    assert {frame.shape for part in chunks for frame in part.keys.values()} == {(64, 96, 3)}


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_frames_do_not_depend_on_the_chunk_or_the_threads(tmp_path, chunk):
    path = make_clip(tmp_path / "a.mp4", frames=20)
    expected = read_video(path, motion_size=32, threads=1)
    parts = list(read_frames(path, motion_size=32, chunk=chunk, threads=3))
    assert np.array_equal(np.concatenate([part.motion for part in parts]), expected.motion)
    keys = {index: key for part in parts for index, key in part.keys.items()}
    assert list(keys) == list(expected.keys)
    assert all(map(np.array_equal, keys.values(), expected.keys.values()))


def test_key_frames_can_be_resized_and_read_without_motion(tmp_path):
    video = read_video(
        make_clip(tmp_path / "a.mp4", frames=12, rate=5), motion_size=None, key_size=24
    )
    assert (video.motion, list(video.keys)) == (None, [0, 5, 10])
    assert {key.shape for key in video.keys.values()} == {(24, 24, 3)}


def test_a_video_of_one_frame_is_read(tmp_path):
    path = make_clip(tmp_path / "a.mp4", frames=1)
    video = read_video(path, motion_size=16)
    assert (video_info(path).num_frames, list(video.keys), len(video.motion)) == (1, [0], 1)


@pytest.mark.parametrize("rate", [5, Fraction(30000, 1001), Fraction(24000, 1001), 60])
def test_the_rate_is_the_exact_fraction_of_the_container(tmp_path, rate):
    info = video_info(make_clip(tmp_path / "a.mp4", frames=9, rate=rate, sound=True))
    assert (info.fps, info.num_frames) == (rate, 9)
    assert info.duration_s == pytest.approx(float(9 / Fraction(rate)))
    assert not info.variable_rate


def test_a_variable_rate_is_reported_with_the_duration_of_the_timestamps(tmp_path):
    starts = (0, 33, 66, 166, 400, 433, 900)
    info = video_info(make_clip(tmp_path / "a.mp4", frames=7, starts=starts, rate=1000))
    assert info.variable_rate
    assert info.num_frames == 7
    assert info.duration_s >= 0.9


def test_a_single_gap_in_a_long_video_is_not_a_variable_rate(tmp_path):
    starts = tuple(40 * i + (40 if i > 50 else 0) for i in range(80))
    assert not video_info(
        make_clip(tmp_path / "a.mp4", frames=80, starts=starts, rate=1000)
    ).variable_rate


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_sizes_and_frames_are_as_displayed(tmp_path, turn):
    path = make_clip(tmp_path / "a.mp4", rotation=turn)
    info = video_info(path)
    assert info.rotation == -turn % 360  # the display matrix rotates anticlockwise
    assert (info.width, info.height) == ((64, 96) if turn % 180 else (96, 64))
    key = next(read_frames(path, motion_size=None)).keys[0]
    assert key.shape == (info.height, info.width, 3)
    straight = np.rot90(key, -turn // 90)
    assert straight[:12, :20].min() > 225  # the white corner, upper left before the rotation


def test_portrait_videos_keep_their_size(tmp_path):
    info = video_info(make_clip(tmp_path / "a.mp4", width=48, height=120))
    assert (info.width, info.height, info.rotation) == (48, 120, 0)


def test_a_file_that_is_not_a_video_is_rejected_with_its_reason(tmp_path):
    text, empty = tmp_path / "text.mp4", tmp_path / "empty.mp4"
    text.write_text("not a video\n" * 300)
    empty.write_bytes(b"")
    assert reason(text) == "not-a-video"
    assert reason(empty) == "empty-file"
    assert reason(tmp_path / "gone.mp4") == "missing-file"
    assert reason(make_sound(tmp_path / "sound.mp4")) == "no-video-stream"


def test_a_codec_without_a_decoder_is_rejected(tmp_path):
    path = make_clip(tmp_path / "a.avi", codec="mpeg4")
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"QZZQ"))
    for read in (video_info, lambda path: list(with_pyav.frames(read_header(path, MAX_PIXELS)))):
        with pytest.raises(UnreadableMediaError, match="unsupported-codec"):
            read(path)


def test_a_playlist_under_the_name_of_a_video_is_not_followed(tmp_path):
    clip = make_clip(tmp_path / "part.ts")
    hls = tmp_path / "list.mp4"
    hls.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n")
    assert reason(hls) == "not-a-video"


def test_a_video_cut_in_half_is_rejected_as_truncated(tmp_path):
    for name, codec in (("a.mp4", "libx264"), ("a.webm", "libvpx-vp9"), ("a.mkv", "libx264")):
        whole = make_clip(tmp_path / name, codec=codec, frames=90, sound=name == "a.mp4")
        assert reason(truncate(whole, 0.5)) == "truncated", name
    index_first = make_clip(tmp_path / "b.mp4", frames=90, front_index=True)
    assert reason(truncate(index_first, 0.5)) == "truncated"
    assert reason(truncate(index_first, 0.99)) == "truncated"
    avi = make_clip(tmp_path / "a.avi", codec="mpeg4", frames=90)
    assert reason(truncate(avi, 0.5)) in {"truncated", "damaged"}


def test_a_video_damaged_in_its_middle_is_rejected(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=60, front_index=True)
    assert reason(overwrite_middle(clip)) == "damaged"


def test_a_size_over_the_limit_is_rejected_by_the_header(tmp_path):
    path = make_clip(tmp_path / "a.mp4")
    with pytest.raises(UnreadableMediaError, match="too-many-pixels"):
        read_header(path, 96 * 64 - 1)
    assert read_header(path, 96 * 64).codec == "h264"


def test_the_published_clips_have_their_frames_and_key_frames(data_folder):
    videos = data_folder / "videos"
    info = video_info(videos / "17734.mp4")
    assert (info.num_frames, info.fps) == (234, Fraction(30000, 1001))
    keys = read_frames(videos / "17734.mp4", motion_size=None, key_size=32)
    expected = [0, 30, 60, 90, 120, 150, 180, 210]
    assert list(itertools.chain.from_iterable(part.keys for part in keys)) == expected
    other = video_info(videos / "10053703034.mp4")
    assert other.num_frames == 240
    assert reason(videos / "zero_bytes.mp4") == "empty-file"


@pytest.mark.parametrize("num_frames", [234, 240])
def test_the_published_clips_have_a_key_frame_every_thirty_frames(num_frames):
    assert list(key_frame_indices(num_frames, NTSC)) == [0, 30, 60, 90, 120, 150, 180, 210]


@pytest.mark.parametrize(
    ("fps", "step"), [(Fraction(5, 2), 2), (Fraction(7, 2), 4), (Fraction(1, 4), 1), (NTSC, 30)]
)
def test_the_step_is_the_rate_rounded_half_to_even_and_never_zero(fps, step):
    assert key_frame_indices(100, fps).step == step


def test_a_video_shorter_than_a_second_has_its_first_frame():
    assert list(key_frame_indices(7, NTSC)) == [0]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (333, 501), (224, 224)])
def test_a_square_is_pillows_bilinear_to_within_half_a_grey_level(width, height):
    frame = draw_frame(3, width, height)
    expected = Image.fromarray(frame).resize((224, 224), Image.Resampling.BILINEAR)
    assert np.abs(np.asarray(expected).astype(int) - SquareResizer(224)(frame)).mean() < 0.5


def test_one_resizer_accepts_frames_of_several_sizes_and_strides():
    resize = SquareResizer(64)
    wide, tall = draw_frame(0, 200, 100), draw_frame(0, 100, 200)
    first = resize(wide)
    assert resize(tall).shape == (64, 64, 3)
    assert np.array_equal(resize(wide), first)
    assert np.array_equal(resize(wide[:, ::-1]), resize(np.ascontiguousarray(wide[:, ::-1])))


def test_a_frame_smaller_than_the_square_is_enlarged():
    assert (SquareResizer(224)(np.full((16, 20, 3), 200, np.uint8)) == 200).all()


def test_a_fourth_channel_is_dropped():
    frame = draw_frame(0, 333, 501)
    fourth = draw_frame(1, 333, 501)[..., :1]
    assert np.array_equal(SquareResizer(64)(np.dstack([frame, fourth])), SquareResizer(64)(frame))


def test_squares_do_not_depend_on_the_number_of_threads():
    frame = draw_frame(0, 1280, 720)
    assert np.array_equal(SquareResizer(224, threads=2)(frame), SquareResizer(224)(frame))
