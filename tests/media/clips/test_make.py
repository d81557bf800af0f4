"""Clips in files: the pixels of the source, upright, at its rate, with counted frames."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import make_clip, make_sound, truncate

from qbuild.core.canonical import hash_file
from qbuild.media.clips import make
from qbuild.media.clips.make import make_clips
from qbuild.media.clips.plan import CUT, INJECT, ClipSettings, request_clips
from qbuild.media.distort.motion.planes import crop_planes, planes_of
from qbuild.media.unreadable import UnreadableMediaError

ALL = ClipSettings((*CUT, *INJECT), (0.4, 0.7), False, (32, 48), "4", False, 0)
LOSSLESS, QP = 0, 12


def clips_of(video, folder, count=10, qp=QP, **changes):
    settings = replace(ALL, **changes)
    return make_clips(video, folder, request_clips("set:a.mp4", count, settings), settings, qp)


def planes(path):
    """All frames of a file as their planes, `[t][3][h, w]`."""
    with av.open(str(path)) as container:
        return [[plane.copy() for plane in planes_of(f)] for f in container.decode(video=0)]


def means(path):
    return np.array([frame[0].mean() for frame in planes(path)])


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("source") / "a.mp4", frames=40, sound=True)


@pytest.mark.parametrize("operation", CUT)
def test_a_cut_holds_the_pixels_of_its_source_unchanged(video, tmp_path, operation):
    source_planes = planes(video)
    made = clips_of(video, tmp_path, 4, LOSSLESS, operations=(operation,))
    for written in made.clips:
        clip = written.clip
        window = (clip.left, clip.top, clip.width, clip.height)
        for number, frame in enumerate(planes(written.file)):
            assert same(frame, crop_planes(tuple(source_planes[clip.start + number]), *window))
        assert number + 1 == clip.frames == written.frames


@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuvj420p"])
def test_chroma_and_range_are_kept(tmp_path, pixel_format):
    full = 2 if "j" in pixel_format else None
    video = make_clip(
        tmp_path / "a.mp4", frames=15, pixel_format=pixel_format, color_range=full, colorspace=1
    )
    (written,) = clips_of(video, tmp_path, 1, LOSSLESS, operations=("temporal",)).clips
    assert same(planes(written.file)[0], planes(video)[written.clip.start])
    with av.open(str(video)) as source, av.open(str(written.file)) as clip:
        one, other = (next(opened.decode(video=0)) for opened in (source, clip))
        assert one.colorspace == other.colorspace == 1
        assert (one.color_range == 2) == (other.color_range == 2) == (full == 2)


@pytest.mark.parametrize(
    ("pixel_format", "written_as"),
    [("yuv422p", "yuv444p"), ("yuv420p10le", "yuv420p"), ("yuv444p10le", "yuv420p")],
)
def test_other_formats_are_converted_to_eight_bits_with_the_same_luma(
    tmp_path, pixel_format, written_as
):
    video = make_clip(tmp_path / "a.mp4", frames=15, pixel_format=pixel_format)
    (written,) = clips_of(video, tmp_path, 1, LOSSLESS, operations=("temporal",)).clips
    with av.open(str(video)) as source, av.open(str(written.file)) as clip:
        assert clip.streams.video[0].codec_context.pix_fmt == written_as
        grey = [f.to_ndarray(format="gray") for f in source.decode(video=0)]
        made = next(clip.decode(video=0)).to_ndarray(format="gray")
    assert np.abs(grey[written.clip.start].astype(int) - made).max() <= 2


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (180, 2), (270, 3)])
def test_a_rotated_video_is_written_upright(tmp_path, rotation, turns):
    video = make_clip(tmp_path / "a.mp4", frames=15, rotation=rotation)
    (written,) = clips_of(video, tmp_path, 1, LOSSLESS, operations=("temporal",)).clips
    with av.open(str(video)) as source:
        coded = [f.to_ndarray(format="yuv420p")[:64] for f in source.decode(video=0)]
    shown = np.rot90(coded[written.clip.start], turns)
    assert np.array_equal(planes(written.file)[0][0], shown)
    with av.open(str(written.file)) as clip:
        frame = next(clip.decode(video=0))
        assert frame.rotation == 0
        assert (frame.width, frame.height) == ((64, 96) if turns % 2 else (96, 64))


@pytest.mark.parametrize(("width", "height"), [(64, 96), (95, 63), (33, 160)])
def test_any_size_is_accepted_and_written_with_even_sides(tmp_path, width, height):
    what = {"width": width, "height": height, "pixel_format": "yuv444p"}
    made = clips_of(make_clip(tmp_path / "a.mp4", frames=30, **what), tmp_path)
    assert {written.clip.operation for written in made.clips} == {*CUT, *INJECT}
    for written in made.clips:
        frame = planes(written.file)[0][0]
        assert frame.shape == (written.clip.height, written.clip.width)
        assert not any(side % 2 for side in frame.shape)


@pytest.mark.parametrize("rate", [5, Fraction(30000, 1001)])
def test_a_clip_has_the_rate_of_its_source_and_no_sound(tmp_path, rate):
    video = make_clip(tmp_path / "a.mp4", frames=40, rate=rate, sound=True)
    made = clips_of(video, tmp_path, 5)
    assert made.fps == rate
    for written in made.clips:
        with av.open(str(written.file)) as clip:
            assert [s.type for s in clip.streams] == ["video"]
            assert clip.streams.video[0].average_rate == rate
            assert clip.streams.video[0].frames == written.frames == written.clip.frames


def test_a_variable_rate_becomes_constant_with_every_frame_kept(tmp_path):
    starts = tuple(int(at * 33 + (at % 3) * 9) for at in range(30))
    video = make_clip(tmp_path / "a.mp4", frames=30, starts=starts)
    (written,) = clips_of(video, tmp_path, 1, operations=("spatial",)).clips
    assert written.frames == 30
    with av.open(str(written.file)) as clip:
        steps = np.diff([frame.pts for frame in clip.decode(video=0)])
    assert len(set(steps.tolist())) == 1


def test_a_stutter_repeats_whole_frames_in_the_file(video, tmp_path):
    for written in clips_of(video, tmp_path, 3, operations=("stutter",)).clips:
        frames = planes(written.file)
        steps = [np.abs(a[0].astype(int) - b[0]).mean() for a, b in zip(frames, frames[1:])]  # noqa: B905, RUF007
        held = sum(step < 0.5 for step in steps)
        assert held / len(frames) == pytest.approx(written.parameters["repeated_share"])


def test_a_flicker_has_the_depth_of_its_parameters(tmp_path):
    video = make_clip(tmp_path / "a.mp4", frames=60)
    changes = {"operations": ("flicker",), "lengths": (), "severity": "5"}
    (written,) = clips_of(video, tmp_path, 1, **changes).clips
    light = (means(written.file) - 16) / (means(video) - 16)
    depth = (light.max() - light.min()) / (light.max() + light.min())
    assert depth == pytest.approx(written.parameters["depth"], rel=0.1)
    assert light.max() <= 1.005


def test_many_clips_are_written_with_few_open_files(video, tmp_path, monkeypatch):
    once, few = tmp_path / "once", tmp_path / "few"
    for folder in (once, few):
        folder.mkdir()
    expected = clips_of(video, once, 25)
    monkeypatch.setattr(make, "MAX_OPEN_FILES", 2)
    made = clips_of(video, few, 25)
    assert len(made.clips) == 25
    assert [w.sha256 for w in made.clips] == [w.sha256 for w in expected.clips]


def test_at_least_one_file_is_open_for_large_frames(video, tmp_path, monkeypatch):
    monkeypatch.setattr(make, "MAX_OPEN_PIXELS", 1)
    assert len(clips_of(video, tmp_path, 5).clips) == 5


def test_within_shots_a_clip_is_between_cuts(tmp_path):
    parts = [make_clip(tmp_path / f"{at}.mp4", frames=20, width=96, height=64) for at in range(2)]
    joined = tmp_path / "joined.mp4"
    with av.open(str(joined), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"qp": "5"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for at, part in enumerate(parts):
            with av.open(str(part)) as source:
                for number, frame in enumerate(source.decode(video=0)):
                    shown = frame.to_ndarray(format="rgb24")
                    shown = np.ascontiguousarray(shown[::-1, :, ::-1]) if at else shown
                    new = av.VideoFrame.from_ndarray(shown, format="rgb24")
                    new.pts, new.time_base = 20 * at + number, Fraction(1, 30)
                    container.mux(stream.encode(new))
        container.mux(stream.encode())
    made = clips_of(joined, tmp_path, 12, within_shots=True, lengths=(0.2, 3.0))
    ranges = {(w.clip.start, w.clip.start + w.clip.frames) for w in made.clips}
    assert all(end <= 20 or start >= 20 for start, end in ranges)
    assert {(0, 20), (20, 40)} & ranges


def test_hashes_are_those_of_the_files(video, tmp_path):
    made = clips_of(video, tmp_path, 3)
    assert f"sha256:{made.sha256}" == hash_file(video)
    for written in made.clips:
        assert f"sha256:{written.sha256}" == hash_file(written.file)


@pytest.mark.parametrize(
    ("make_bad", "reason"),
    [
        (lambda folder: truncate(make_clip(folder / "a.mp4", frames=40), 0.6), "truncated"),
        (lambda folder: make_sound(folder / "a.mp4"), "no-video-stream"),
        (lambda folder: folder / "none.mp4", "missing-file"),
        (lambda folder: make_clip(folder / "a.mp4", frames=1), "too-short"),
        (lambda folder: make_clip(folder / "a.mp4", width=30, height=64), "too-small"),
    ],
)
def test_a_video_that_gives_no_clip_is_rejected_with_its_reason(tmp_path, make_bad, reason):
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(UnreadableMediaError) as caught:
        clips_of(make_bad(tmp_path), folder)
    assert caught.value.reason == reason
