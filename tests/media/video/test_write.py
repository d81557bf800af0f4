"""Written videos: the same bytes, no encoder string, little loss, colour properties kept."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import draw_frame

from qbuild.media.video.write import VideoFormat, VideoWriter, encoding

QP = 12
SMALL = VideoFormat(96, 64, Fraction(30))


def frames_of(video_format, count):
    for number in range(count):
        rgb = av.VideoFrame.from_ndarray(
            draw_frame(number, video_format.width, video_format.height), format="rgb24"
        )
        yield rgb.reformat(format=video_format.pix_fmt)


def luma(frame):
    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width].copy()


def write_all(writer, frames):
    for frame in frames:
        writer.write(frame)


def write(path, video_format=SMALL, count=12, qp=QP):
    with VideoWriter(path, video_format, qp) as writer:
        write_all(writer, frames_of(video_format, count))
    return path


def read(path):
    with av.open(str(path)) as container:
        return [luma(frame) for frame in container.decode(video=0)]


def luma_psnr(a, b):
    error = np.mean((np.array(a, dtype=float) - np.array(b, dtype=float)) ** 2)
    return 10 * np.log10(255**2 / error)


def test_the_same_frames_give_the_same_bytes(tmp_path):
    files = [write(tmp_path / name) for name in ("a.mp4", "b.mp4")]
    assert len({hashlib.sha256(file.read_bytes()).hexdigest() for file in files}) == 1


def test_the_file_has_no_encoder_string_and_no_date(tmp_path):
    data = write(tmp_path / "a.mp4").read_bytes()
    assert not any(word in data for word in (b"x264", b"Lavc", b"Lavf"))
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert "creation_time" not in {**container.metadata, **container.streams[0].metadata}


@pytest.mark.parametrize("rate", [Fraction(5), Fraction(30000, 1001), Fraction(2997, 100)])
def test_every_frame_is_written_at_the_exact_rate(tmp_path, rate):
    path = write(tmp_path / "a.mp4", VideoFormat(96, 64, rate), count=7)
    assert len(read(path)) == 7
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == rate


@pytest.mark.parametrize(("qp", "least"), [(12, 48), (20, 40)])
def test_the_quantiser_bounds_the_loss(tmp_path, qp, least):
    given = [luma(frame) for frame in frames_of(SMALL, 12)]
    worst = min(map(luma_psnr, given, read(write(tmp_path / "a.mp4", qp=qp))))
    assert worst >= least


def test_quantiser_0_is_lossless(tmp_path):
    given = [luma(frame) for frame in frames_of(SMALL, 5)]
    assert np.array_equal(given, read(write(tmp_path / "a.mp4", count=5, qp=0)))


@pytest.mark.parametrize("name", ["17734", "10053703034", "llamafactory_1"])
def test_real_videos_keep_48_db(data_folder, tmp_path, name):
    given, path = [], tmp_path / "copy.mp4"
    with av.open(str(data_folder / "videos" / f"{name}.mp4")) as container:
        stream = container.streams.video[0]
        video_format = VideoFormat(stream.width, stream.height, Fraction(stream.average_rate))
        with VideoWriter(path, video_format, QP) as writer:
            for frame, _ in zip(container.decode(stream), range(15), strict=False):
                given.append(luma(frame))
                writer.write(frame)
    assert min(map(luma_psnr, given, read(path))) >= 48


def test_range_matrix_chroma_and_pixel_aspect_are_kept(tmp_path):
    video_format = VideoFormat(96, 64, Fraction(25), "yuv444p", 2, 1, 1, 1, Fraction(4, 3))
    with av.open(str(write(tmp_path / "a.mp4", video_format))) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert context.pix_fmt in ("yuv444p", "yuvj444p")
        assert (context.color_range, context.colorspace) == (2, 1)
        assert (context.color_primaries, context.color_trc) == (1, 1)
        assert stream.sample_aspect_ratio == Fraction(4, 3)


def test_a_failed_clip_leaves_no_file(tmp_path):
    path = tmp_path / "a.mp4"
    with pytest.raises(ValueError, match="expected"), VideoWriter(path, SMALL, QP) as writer:
        write_all(writer, [*frames_of(SMALL, 3), *frames_of(VideoFormat(64, 64, Fraction(30)), 1)])
    assert not list(tmp_path.iterdir())


def test_a_frame_of_another_size_is_rejected(tmp_path):
    other = next(frames_of(VideoFormat(64, 64, Fraction(30)), 1))
    with (
        pytest.raises(ValueError, match=r"a frame of \(64, 64, .*expected \(96, 64"),
        VideoWriter(tmp_path / "a.mp4", SMALL, QP) as writer,
    ):
        writer.write(other)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"width": 95}, "expected even sides from 2 px, not 95 x 64"),
        ({"height": 0}, "expected even sides from 2 px, not 96 x 0"),
        ({"fps": Fraction(0)}, "expected a frame rate above 0, not 0"),
        ({"pix_fmt": "rgb24"}, "expected yuv420p or yuv444p, not 'rgb24'"),
    ],
)
def test_a_format_that_cannot_be_written_is_rejected(wrong, message):
    with pytest.raises(ValueError, match=message):
        VideoFormat(**{"width": 96, "height": 64, "fps": Fraction(30), **wrong})


def test_the_encoding_names_codec_and_quantiser():
    assert encoding(12).startswith("libx264 ")
    assert " qp=12 " in encoding(12)
    assert " threads=1" in encoding(12)
