"""Prefetched media, in order: images in-process, videos in children that may crash or hang."""

from __future__ import annotations

import multiprocessing

import fragile
import numpy as np
import pytest
from clips import make_clip, overwrite_middle
from images import write_image
from qbuild_backends.data.media_reader import Children, MediaReader, prefetch
from qbuild_backends.models.inputs import Clip, Extent
from qbuild_backends.models.vqa2.clips import Context, Vqa2Clips
from vqa2_toys import read_clip

from qbuild.media.unreadable import UnreadableMediaError


@pytest.fixture
def others():
    """The child processes that other tests of this process have left."""
    return set(multiprocessing.active_children())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two images, three videos, and two files that a fragile decoder does not survive."""
    place = tmp_path_factory.mktemp("media")
    for number in range(2):
        write_image(place / f"{number}.png", seed=number)
    for name in ("a", "b", "c", "crash", "hang"):
        make_clip(place / f"{name}.mp4", frames=30 + ord(name[0]) % 7)
    return place


def reader(clips=Vqa2Clips, context=None, **how):
    return MediaReader(clips(112, 48, context), **how)


def read_all(reader, files, threads=2, depth=4):
    """What came of each file: a clip, or the reason why there is none."""

    def read(file):
        try:
            return reader.read(file)
        except UnreadableMediaError as error:
            return error.reason

    with reader:
        return [found for _, found in prefetch(files, read, threads=threads, depth=depth)]


def same(one, two):
    return np.array_equal(one.keys, two.keys) and np.array_equal(one.motion, two.motion)


def test_frames_from_a_child_are_those_decoded_here_and_may_be_written_to(folder):
    file = folder / "a.mp4"
    (found,) = read_all(reader(), [file])
    here = read_clip(file, key_size=112, motion_size=48)
    assert same(found, here)
    assert found.extent == here.extent
    assert found.motion.flags.writeable


@pytest.mark.parametrize("threads", [0, 2])
def test_a_decoder_that_crashes_costs_its_own_file_and_no_other(folder, threads):
    files = [folder / name for name in ("a.mp4", "crash.mp4", "0.png", "b.mp4", "crash.mp4")]
    found = read_all(reader(fragile.FragileClips), files, threads)
    whole = read_all(reader(), [files[0], files[2], files[3]], threads)
    assert [found[1], found[4]] == ["decoder-crashed"] * 2
    assert all(same(*pair) for pair in zip([found[0], *found[2:4]], whole, strict=True))


@pytest.mark.parametrize("name", ["gone.mp4", "gone.png"])
def test_a_nonexistent_file_is_missing_and_not_damaged(folder, name):
    assert read_all(reader(), [folder / name]) == ["missing-file"]


@pytest.mark.slow
def test_a_decoder_that_hangs_is_given_up_after_the_time_limit(folder):
    files = [folder / name for name in ("hang.mp4", "a.mp4")]
    hung, good = read_all(reader(fragile.FragileClips, timeout_s=6), files, threads=1)
    assert hung == "decoder-hung"
    assert len(good.motion) == 36


def test_a_child_that_decodes_loads_no_torch(folder):
    with Children(60) as children:
        assert (
            len(children.call(fragile.FragileClips(112, 48).read_video, folder / "a.mp4").keys) == 2
        )
        assert children.call(fragile.heavy_modules) == []


def test_images_without_videos_start_no_child(folder, others):
    with reader() as reading:
        assert len(reading.read(folder / "0.png").keys) == 1
        assert set(multiprocessing.active_children()) == others


def test_there_are_no_more_children_than_threads_and_they_are_kept(folder, others):
    videos = [folder / f"{name}.mp4" for name in "abcabc"]
    by_process = reader(fragile.ClipsByProcess)
    assert len({clip.num_frames for clip in read_all(by_process, videos, threads=0)}) == 1
    assert len({clip.num_frames for clip in read_all(by_process, videos, threads=2)}) <= 2
    assert set(multiprocessing.active_children()) <= others


def test_leaving_early_ends_a_child_that_hangs_and_reads_no_further(folder, others):
    taken = []

    def files():
        for name in ("a.mp4", "hang.mp4", "hang.mp4", *["b.mp4"] * 100):
            taken.append(name)
            yield folder / name

    with reader(fragile.FragileClips) as reading:
        found = prefetch(files(), reading.read, threads=2, depth=4)
        assert isinstance(next(found)[1], Clip)
        reading.__exit__()
        found.close()  # would wait for the decoders of ten minutes
    assert len(taken) <= 5
    assert set(multiprocessing.active_children()) <= others


def test_a_reader_that_is_not_open_starts_nothing(folder):
    with pytest.raises(RuntimeError, match="closed, or not yet open"):
        reader().read(folder / "a.mp4")


def test_a_video_that_the_context_cannot_hold_is_not_decoded(folder):
    bad = overwrite_middle(make_clip(folder / "long.mp4", frames=200))
    tokens = 7 * 16 + 1 + 200
    with (
        reader(context=Context(16, tokens)) as reading,
        pytest.raises(UnreadableMediaError, match="damaged"),
    ):
        reading.read(bad)
    with reader(context=Context(16, tokens - 1)) as reading:
        found = reading.read(bad)
    assert found == Extent(7, 200, 200, pytest.approx(200 / 30))
