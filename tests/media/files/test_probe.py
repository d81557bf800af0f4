from __future__ import annotations

import hashlib
import os
from fractions import Fraction
from pathlib import Path

import pytest
from clips import draw_frame, make_clip, make_sound, overwrite_middle, truncate
from PIL import Image

from qbuild.media.files.probe import probe
from qbuild.media.isolation import Isolated
from qbuild.media.unreadable import UnreadableMediaError


def reason(path, **options):
    with pytest.raises(UnreadableMediaError) as rejected:
        probe(path, **options)
    return rejected.value.reason


def test_a_video_is_recognised_by_its_content_and_counted_by_decoding(tmp_path):
    path = make_clip(tmp_path / "a.mp4", frames=7, rotation=90, rate=24)
    renamed = path.rename(tmp_path / "a.png")
    media = probe(renamed)
    assert (media.kind, media.codec, media.width, media.height) == (
        "video",
        "h264",
        64,
        96,
    )
    assert (media.fps, media.num_frames, media.rotation) == (24, 7, 270)
    assert (media.duration_s, media.variable_rate) == (pytest.approx(7 / 24), False)
    assert media.sha256 == hashlib.sha256(renamed.read_bytes()).hexdigest()
    assert media.size_bytes == renamed.stat().st_size


@pytest.mark.parametrize(
    ("codec", "name", "expected"),
    [
        ("libx265", "a.mp4", "hevc"),
        ("libvpx-vp9", "a.webm", "vp9"),
        ("libsvtav1", "a.mp4", "av1"),
        ("mpeg4", "a.avi", "mpeg4"),
    ],
)
def test_the_codec_has_its_common_name(tmp_path, codec, name, expected):
    media = probe(make_clip(tmp_path / name, codec=codec))
    assert (media.codec, media.num_frames) == (expected, 12)


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_an_animation_is_an_image(tmp_path, name):
    frames = [Image.fromarray(draw_frame(40 * index, 60, 40)) for index in range(3)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    media = probe(tmp_path / name)
    assert (media.kind, media.codec, media.width, media.height) == (
        "image",
        name[2:],
        60,
        40,
    )
    assert (media.fps, media.num_frames, media.duration_s, media.rotation) == (None,) * 4


def test_a_file_that_does_not_decode_is_rejected_with_its_reason(tmp_path):
    for name in ("text.png", "text.mp4", "empty.png"):
        (tmp_path / name).write_text("" if name.startswith("empty") else "words\n" * 99)
    assert reason(tmp_path / "text.png") == "not-a-picture"
    assert reason(tmp_path / "text.mp4") == "not-a-video"
    assert reason(tmp_path / "empty.png") == "empty-file"
    assert reason(tmp_path / "gone.png") == "missing-file"
    assert reason(make_sound(tmp_path / "sound.mp4")) == "no-video-stream"
    clip = make_clip(tmp_path / "a.mp4", frames=60, front_index=True)
    assert reason(clip, max_pixels=6000) == "too-many-pixels"
    assert reason(truncate(clip, 0.5)) == "truncated"
    assert reason(overwrite_middle(clip)) == "damaged"


def test_published_media_are_probed(data_folder):
    media = probe(data_folder / "videos" / "17734.mp4")
    assert (media.num_frames, media.fps, media.width) == (
        234,
        Fraction(30000, 1001),
        1280,
    )
    assert media.variable_rate is False
    koniq = probe(data_folder / "images" / "koniq_2415943373.jpg")
    assert (koniq.kind, koniq.codec, koniq.width, koniq.height) == ("image", "jpeg", 1024, 768)
    assert reason(data_folder / "videos" / "zero_bytes.mp4") == "empty-file"


def test_bad_files_in_isolation_do_not_affect_good_ones(tmp_path):
    good = make_clip(tmp_path / "good.mp4", frames=60, front_index=True)
    bad = [overwrite_middle(good), truncate(good, 0.3)]
    with Isolated(timeout_s=60) as child:
        results = []
        for path in (*bad, good):
            try:
                results.append(child.call(probe, path).num_frames)
            except UnreadableMediaError as error:
                results.append(error.reason)
    assert results == ["damaged", "truncated", 60]


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def grown_mib(paths: list[Path], times: int) -> float:
    """Growth of this process in MiB while the files are probed so many times, after a warm-up."""
    for _ in range(4):
        for path in paths:
            probe(path)
    before = resident_mib()
    for _ in range(times):
        for path in paths:
            probe(path)
    return resident_mib() - before


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_300_files_in_a_row_do_not_grow_the_process(tmp_path):
    paths = [
        make_clip(tmp_path / "a.mp4", width=320, height=240, sound=True),
        make_clip(tmp_path / "a.webm", codec="libvpx-vp9", width=320, height=240),
        make_clip(tmp_path / "b.mp4", codec="libx265", width=320, height=240),
    ]
    with Isolated(timeout_s=300) as child:
        assert child.call(grown_mib, paths, 100) < 30
