from __future__ import annotations

import numpy as np
import pytest
from clips import picture
from PIL import Image

from qbuild.media.video.resize import Squash


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (333, 501), (224, 224)])
def test_a_square_is_pillows_bilinear_to_within_half_a_grey_level(width, height):
    frame = picture(3, width, height)
    wanted = Image.fromarray(frame).resize((224, 224), Image.Resampling.BILINEAR)
    assert np.abs(np.asarray(wanted).astype(int) - Squash(224)(frame)).mean() < 0.5


def test_one_squash_takes_frames_of_several_sizes_and_none_that_lies_in_order():
    squash = Squash(64)
    wide, tall = picture(0, 200, 100), picture(0, 100, 200)
    first = squash(wide)
    assert squash(tall).shape == (64, 64, 3)
    assert np.array_equal(squash(wide), first)
    assert np.array_equal(squash(wide[:, ::-1]), squash(np.ascontiguousarray(wide[:, ::-1])))


def test_a_frame_smaller_than_the_square_is_enlarged():
    assert (Squash(224)(np.full((16, 20, 3), 200, np.uint8)) == 200).all()


def test_a_fourth_place_is_left_out():
    frame = picture(0, 333, 501)
    fourth = picture(1, 333, 501)[..., :1]
    assert np.array_equal(Squash(64)(np.dstack([frame, fourth])), Squash(64)(frame))


def test_squares_do_not_depend_on_the_number_of_threads():
    frame = picture(0, 1280, 720)
    assert np.array_equal(Squash(224, threads=2)(frame), Squash(224)(frame))
