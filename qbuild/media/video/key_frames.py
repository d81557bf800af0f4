"""Which frames of a video are key frames: about one a second, by the published rule."""

from __future__ import annotations

from fractions import Fraction


def key_frame_step(fps: Fraction) -> int:
    """Frames from one key frame to the next: the average rate rounded, half to even, at least 1.

    The rate is rounded as the float that the released code of VQA² sees.
    """
    return max(1, round(float(fps)))


def key_frame_indices(num_frames: int, fps: Fraction) -> range:
    """Indices of the key frames: 0, step, 2·step, … below num_frames (VQA², released code)."""
    return range(0, num_frames, key_frame_step(fps))
