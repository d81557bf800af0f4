"""Hard cuts are found at their frames, and nothing else is taken for one."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from clips import distort_clip

from qbuild.media.video.shots import distance, find_cuts, make_thumbnail, shots

SIZE = (96, 128)


def scene(seed, size=(300, 400)):
    """A still image: soft blobs of colour, uint8 [h, w, 3]."""
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 14).astype(np.float32)
    return cv2.normalize(soft, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def pan(seed, count, step=2):
    """A camera that pans over a scene, [t, h, w, 3]."""
    whole, (height, width) = scene(seed), SIZE
    places = [(round(step * at / 2), round(step * at)) for at in range(count)]
    return np.stack([whole[y : y + height, x : x + width] for y, x in places])


def still(seed, count):
    return np.stack([scene(seed)[: SIZE[0], : SIZE[1]]] * count)


def cuts_of(frames):
    return find_cuts([thumbnail(frame) for frame in frames])


def thumbnail(frame):
    return make_thumbnail(cv2.split(cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)))


@pytest.mark.parametrize("lengths", [(20, 20), (9, 31, 12, 8), (5, 5, 5, 5, 5, 5), (30, 4)])
def test_hard_cuts_are_found_at_their_frames(lengths):
    frames = np.concatenate([pan(seed, count) for seed, count in enumerate(lengths)])
    assert cuts_of(frames) == np.cumsum(lengths)[:-1].tolist()


def test_a_cut_between_stills_is_found_and_stills_have_none():
    assert cuts_of(np.concatenate([still(1, 15), still(2, 15)])) == [15]
    assert cuts_of(still(1, 30)) == []


def test_a_cut_between_plain_colours_is_found():
    plain = [np.full((12, *SIZE, 3), colour, np.uint8) for colour in ([200, 30, 30], [30, 30, 200])]
    assert cuts_of(np.concatenate(plain)) == [12]


def test_a_pan_is_not_a_cut():
    assert cuts_of(pan(3, 80, step=3)) == []


@pytest.mark.parametrize("length", [6, 12, 24])
def test_a_dissolve_and_a_fade_are_not_cuts(length):
    share = np.linspace(0, 1, length)[:, None, None, None]
    a, b = still(1, length), still(2, length)
    for other in (b, np.zeros_like(a)):
        mixed = ((1 - share) * a + share * other).astype(np.uint8)
        assert cuts_of(np.concatenate([still(1, 15), mixed, other[:1].repeat(15, 0)])) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_is_not_a_cut(length):
    frames = pan(4, 40)
    frames[20 : 20 + length] = np.clip(frames[20 : 20 + length].astype(int) + 170, 0, 255)
    assert cuts_of(frames) == []


def test_noise_is_not_a_cut():
    rng = np.random.default_rng(5)
    noisy = pan(5, 40) + rng.normal(0, 40, (40, *SIZE, 3))
    assert cuts_of(np.clip(noisy, 0, 255).astype(np.uint8)) == []


@pytest.mark.parametrize("name", ["shake", "flicker", "stutter"])
def test_motion_distortions_are_not_cuts_and_hide_none(name):
    frames = np.concatenate([pan(6, 30, 0.25), pan(7, 30, 0.25)])
    assert cuts_of(distort_clip(pan(6, 60, 0.25), name, 5, Fraction(30), 1)) == []
    if name != "stutter":  # a freeze may hold the last frame of a shot
        assert cuts_of(distort_clip(frames, name, 5, Fraction(30), 1)) == [30]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_video_of_up_to_two_frames_has_no_cut(count):
    assert find_cuts([np.zeros((3, 16, 16), np.uint8)] * count) == []


def test_a_frame_has_distance_0_to_itself_and_a_large_one_to_another():
    first, second = (scene(seed)[:64, :64].transpose(2, 0, 1).astype(np.uint8) for seed in (1, 2))
    assert distance(first, first) == pytest.approx(0, abs=1e-9)
    assert distance(first, second) > 0.5


def test_shots_cover_every_frame_once():
    ranges = shots([5, 12], 20)
    assert [at for shot in ranges for at in shot] == list(range(20))
    assert [a.stop for a, _ in pairwise(ranges)] == [5, 12]


@pytest.mark.parametrize("name", ["17734", "10053703034", "llamafactory_1"])
def test_real_videos_of_one_shot_have_no_cut_and_their_joins_are_found(data_folder, name):
    thumbnails, joins = [], []
    for video in (name, "17734"):
        joins.append(len(thumbnails))
        with av.open(str(data_folder / "videos" / f"{video}.mp4")) as container:
            for frame, _ in zip(container.decode(video=0), range(60), strict=False):
                thumbnails.append(thumbnail(frame.to_ndarray(format="rgb24")))
    assert find_cuts(thumbnails) == [joins[1]]
