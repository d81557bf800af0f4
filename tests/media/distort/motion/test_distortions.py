"""Each motion distortion matches its parameters and increases with severity."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import distort_clip, draw_frame

from qbuild.media.clips.plan import INJECT, PAPER_NAMES
from qbuild.media.distort.motion.distortions import DISTORTIONS, create_motion
from qbuild.quality.distortions import MOTION, SEVERITIES

FPS = Fraction(30)
STILL = np.stack([draw_frame(0, 128, 96)] * 60)
MOVING = np.stack([draw_frame(at, 96, 64) for at in range(90)])  # no two frames alike


def moves(frames):
    """The distance of each frame from the previous one, in pixels, by phase correlation."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in frames]
    window = cv2.createHanningWindow(grey[0].shape[::-1], cv2.CV_32F)
    steps = [cv2.phaseCorrelate(a, b, window)[0] for a, b in pairwise(grey)]
    return np.hypot(*np.array(steps).T)


def repeated(frames):
    return [np.array_equal(a, b) for a, b in pairwise(frames)]


def nominal(name, severity):
    """The parameters of a severity: those of a clip that is neither short nor slow."""
    if name != "stutter":
        return create_motion(name, severity, 60, FPS, 0).parameters
    stutter = DISTORTIONS[name]
    freeze_s, per_s = stutter.FREEZE_S[severity - 1], stutter.FREEZES_PER_S[severity - 1]
    share = round(freeze_s * per_s, 4)
    return {"freeze_s": freeze_s, "freezes_per_s": per_s, "repeated_share": share}


def longest_run(flags):
    return max(len(run) for run in "".join("x" if flag else " " for flag in flags).split())


def test_every_injection_has_a_class_and_is_one_of_the_two_in_the_paper():
    assert set(DISTORTIONS) == set(PAPER_NAMES) == set(INJECT)
    assert set(PAPER_NAMES.values()) == set(MOTION)


@pytest.mark.parametrize("name", INJECT)
def test_frames_keep_number_size_and_type_and_the_input_does_not_change(name):
    before = MOVING.copy()
    out = distort_clip(MOVING, name, 3, FPS, 5)
    assert (out.shape, out.dtype) == (MOVING.shape, np.uint8)
    assert np.array_equal(before, MOVING)
    assert not np.shares_memory(out, MOVING)
    assert not np.array_equal(out, MOVING)


@pytest.mark.parametrize("name", INJECT)
def test_the_seed_decides_and_nothing_else(name):
    first, again, other = (distort_clip(MOVING, name, 4, FPS, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_shake_increases_with_severity():
    sizes = [
        np.mean(
            [moves(distort_clip(STILL, "shake", severity, FPS, seed)).mean() for seed in range(3)]
        )
        for severity in SEVERITIES
    ]
    assert all(a < b for a, b in pairwise(sizes))
    assert sizes[0] < 0.4
    assert sizes[-1] > 2


def test_the_path_of_a_shake_has_the_root_mean_square_of_its_parameters():
    made = create_motion("shake", 4, 3000, FPS, 0)
    shift, turn = made.parameters["shift_rms_of_shorter_side"], made.parameters["turn_rms_degrees"]
    assert np.sqrt(np.mean(made.path**2, axis=0)) == pytest.approx([shift, shift, turn], rel=0.03)


def test_a_shake_stays_in_its_band():
    made = create_motion("shake", 4, 3000, FPS, 0)
    power = np.abs(np.fft.rfft(made.path[:, 0] * np.hanning(3000))) ** 2
    hertz = np.fft.rfftfreq(3000, 1 / 30)
    inside = power[(hertz > 1.9) & (hertz < 8.1)].sum()
    assert inside / power.sum() > 0.99


@pytest.mark.parametrize("size", [(64, 96), (96, 64), (32, 400), (400, 32), (33, 47)])
@pytest.mark.parametrize("severity", [1, 5])
def test_a_shake_never_shows_the_border(size, severity):
    made = create_motion("shake", severity, 200, FPS, 3)
    framed = np.zeros((*size, 3), np.uint8)  # beyond the border the image would be mirrored
    framed[1:-1, 1:-1] = 255
    for number in range(200):
        assert made.apply(framed, number)[2:-2, 2:-2].min() > 128


@pytest.mark.parametrize("size", [(720, 1280), (1280, 720), (540, 960)])
def test_a_shake_crops_a_fifth_of_the_frame_at_most(size):
    zooms = [create_motion("shake", severity, 30, FPS, 0).zoom(*size) for severity in SEVERITIES]
    assert zooms == sorted(zooms)
    assert zooms[-1] < 1.25


def test_a_shake_does_not_change_a_uniform_grey_image():
    grey = np.full((20, 64, 48, 3), 77, np.uint8)
    assert np.array_equal(distort_clip(grey, "shake", 5, FPS, 0), grey)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_flicker_has_the_depth_and_frequency_of_its_parameters(severity):
    out = distort_clip(np.repeat(STILL, 2, axis=0), "flicker", severity, FPS, 9).mean(
        axis=(1, 2, 3)
    )
    expected = nominal("flicker", severity)
    turn = 2 * np.pi * expected["frequency_hz"] * np.arange(len(out)) / 30
    waves = np.stack([np.ones_like(turn), np.sin(turn), np.cos(turn)], axis=1)
    (middle, a, b), left, *_ = np.linalg.lstsq(waves, out)
    assert np.hypot(a, b) / middle == pytest.approx(expected["depth"], rel=0.03)
    assert np.sqrt(left[0] / len(out)) < 0.3  # grey levels: only that sine


def test_flicker_never_brightens():
    assert np.all(distort_clip(STILL, "flicker", 5, FPS, 9) <= STILL)


def test_flicker_is_slower_if_the_rate_is_too_low():
    assert create_motion("flicker", 3, 20, Fraction(5), 0).parameters["frequency_hz"] == 1.25
    assert create_motion("flicker", 3, 20, FPS, 0).parameters["frequency_hz"] == 6


def test_planes_flicker_around_their_black_level():
    made = create_motion("flicker", 5, 30, FPS, 0)
    darkest = min(range(30), key=made.gain)
    plane = np.array([[16, 116, 216]], np.uint8)
    gain = made.gain(darkest)
    assert made.apply(plane, darkest, 16).tolist() == [
        [16, round(16 + 100 * gain), round(16 + 200 * gain)]
    ]


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("seed", range(3))
def test_stutter_has_the_share_and_length_of_freezes_of_its_parameters(severity, seed):
    flags = repeated(distort_clip(MOVING, "stutter", severity, FPS, seed))
    expected = create_motion("stutter", severity, len(MOVING), FPS, seed).parameters
    assert sum(flags) / len(MOVING) == pytest.approx(expected["repeated_share"])
    assert sum(flags) == expected["freezes"] * expected["freeze_frames"]
    assert longest_run(flags) == expected["freeze_frames"]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_long_clip_has_the_share_of_repeated_frames_of_the_severity(severity):
    made = create_motion("stutter", severity, 3000, FPS, 0)
    expected = nominal("stutter", severity)["repeated_share"]
    assert made.parameters["repeated_share"] == pytest.approx(expected, rel=0.1)


def test_after_a_freeze_the_clip_continues_in_sync():
    out = distort_clip(MOVING, "stutter", 5, FPS, 1)
    made = create_motion("stutter", 5, len(MOVING), FPS, 1)
    for number in range(len(MOVING)):
        if not made.repeats_previous(number):
            assert np.array_equal(out[number], MOVING[number])


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("severity", [1, 5])
def test_a_short_clip_stutters_as_much_as_it_can(count, severity):
    made = create_motion("stutter", severity, count, FPS, 0)
    still = [made.repeats_previous(number) for number in range(count)]
    assert not still[0]
    assert any(still) == (count > 1)
    assert sum(still) / count == pytest.approx(made.parameters["repeated_share"])


@pytest.mark.parametrize("name", INJECT)
@pytest.mark.parametrize(("count", "fps"), [(1, 30), (4, 5), (2, Fraction(1, 2)), (7, 240)])
def test_unusual_lengths_and_rates_are_supported(name, count, fps):
    frames = MOVING[:count]
    assert distort_clip(frames, name, 5, Fraction(fps), 0).shape == frames.shape


@pytest.mark.parametrize("name", INJECT)
def test_parameters_increase_with_severity(name):
    steps = [nominal(name, severity) for severity in SEVERITIES]
    assert len({tuple(sorted(values)) for values in steps}) == 1
    increasing = [key for key in steps[0] if steps[0][key] < steps[-1][key]]
    assert increasing
    for key in increasing:
        values = [step[key] for step in steps]
        assert values == sorted(values)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("shake", "shift_rms_of_shorter_side"),
        ("shake", "turn_rms_degrees"),
        ("flicker", "depth"),
        ("stutter", "freeze_s"),
        ("stutter", "freezes_per_s"),
        ("stutter", "repeated_share"),
    ],
)
def test_the_documented_strengths_are_those_used(name, key):
    text = (Path(__file__).parents[4] / "docs/motion.md").read_text(encoding="utf-8")
    (line,) = [row for row in text.splitlines() if row.startswith(f"| {name}: `{key}`")]
    documented = [float(cell) for cell in line.strip("|").split("|")[2:]]
    assert documented == [nominal(name, severity)[key] for severity in SEVERITIES]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: create_motion("shakes", 1, 9, FPS, 0),
            "'shakes' is not a motion.*shake",
        ),
        (
            lambda: create_motion("shake", 6, 9, FPS, 0),
            "severity 6; expected",
        ),
        (lambda: create_motion("shake", 1, 0, FPS, 0), "expected frames and a rate above 0"),
    ],
)
def test_arguments_that_are_not_valid_are_rejected_with_their_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
