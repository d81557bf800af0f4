from __future__ import annotations

from fractions import Fraction

import pytest

from qbuild.media.video.key_frames import key_frame_indices

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize("num_frames", [234, 240])
def test_the_published_clips_have_a_key_frame_each_thirty_frames(num_frames):
    assert list(key_frame_indices(num_frames, NTSC)) == [0, 30, 60, 90, 120, 150, 180, 210]


@pytest.mark.parametrize(
    ("fps", "step"), [(Fraction(5, 2), 2), (Fraction(7, 2), 4), (Fraction(1, 4), 1), (NTSC, 30)]
)
def test_the_step_is_the_rate_rounded_half_to_even_and_never_zero(fps, step):
    assert key_frame_indices(100, fps).step == step


def test_a_video_shorter_than_a_second_has_its_first_frame():
    assert list(key_frame_indices(7, NTSC)) == [0]
