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
    with pytest.raises(UnreadableMediaError) as refused:
        probe(path, **options)
    return refused.value.reason


def test_a_video_is_told_by_its_content_and_counted_by_decoding(tmp_path):
    path = make_clip(tmp_path / "a.mp4", frames=7, rotation=90, rate=24)
    renamed = path.rename(tmp_path / "a.png")
    found = probe(renamed)
    assert (found.kind, found.codec, found.width, found.height) == ("video", "h264", 64, 96)
    assert (found.fps, found.num_frames, found.rotation) == (24, 7, 270)
    assert (found.duration_s, found.variable_rate) == (pytest.approx(7 / 24), False)
    assert found.sha256 == hashlib.sha256(renamed.read_bytes()).hexdigest()
    assert found.size_bytes == renamed.stat().st_size


@pytest.mark.parametrize(
    ("codec", "name", "told"),
    [
        ("libx265", "a.mp4", "hevc"),
        ("libvpx-vp9", "a.webm", "vp9"),
        ("libsvtav1", "a.mp4", "av1"),
        ("mpeg4", "a.avi", "mpeg4"),
    ],
)
def test_the_codec_is_named_as_the_field_names_it(tmp_path, codec, name, told):
    found = probe(make_clip(tmp_path / name, codec=codec))
    assert (found.codec, found.num_frames) == (told, 12)


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_an_animation_is_an_image(tmp_path, name):
    frames = [Image.fromarray(draw_frame(40 * index, 60, 40)) for index in range(3)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    found = probe(tmp_path / name)
    assert (found.kind, found.codec, found.width, found.height) == ("image", name[2:], 60, 40)
    assert (found.fps, found.num_frames, found.duration_s, found.rotation) == (None,) * 4


def test_whatever_does_not_decode_is_refused_by_its_reason(tmp_path):
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
    found = probe(data_folder / "videos" / "17734.mp4")
    assert (found.num_frames, found.fps, found.width) == (234, Fraction(30000, 1001), 1280)
    assert found.variable_rate is False
    koniq = probe(data_folder / "images" / "koniq_2415943373.jpg")
    assert (koniq.kind, koniq.codec, koniq.width, koniq.height) == ("image", "jpeg", 1024, 768)
    assert reason(data_folder / "videos" / "zero_bytes.mp4") == "empty-file"


def test_a_run_over_bad_files_in_isolation_loses_none_of_the_good(tmp_path):
    good = make_clip(tmp_path / "good.mp4", frames=60, front_index=True)
    bad = [overwrite_middle(good), truncate(good, 0.3)]
    with Isolated(timeout_s=60) as room:
        told = []
        for path in (*bad, good):
            try:
                told.append(room.call(probe, path).num_frames)
            except UnreadableMediaError as error:
                told.append(error.reason)
    assert told == ["damaged", "truncated", 60]


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def grown_mib(paths: list[Path], times: int) -> float:
    """MiB that this process grew by while the files were probed so often, after a warm-up."""
    for _ in range(4):
        for path in paths:
            probe(path)
    before = resident_mib()
    for _ in range(times):
        for path in paths:
            probe(path)
    return resident_mib() - before


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="looks into /proc")
def test_300_files_in_a_row_do_not_grow_the_process(tmp_path):
    paths = [
        make_clip(tmp_path / "a.mp4", width=320, height=240, sound=True),
        make_clip(tmp_path / "a.webm", codec="libvpx-vp9", width=320, height=240),
        make_clip(tmp_path / "b.mp4", codec="libx265", width=320, height=240),
    ]
    with Isolated(timeout_s=300) as room:
        assert room.call(grown_mib, paths, 100) < 30
