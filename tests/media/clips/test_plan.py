"""Which clips are made: the requested number, evenly distributed, different, fixed per video."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qbuild.media.clips.plan import (
    CUT,
    INJECT,
    MIN_FRAMES,
    ClipSettings,
    Quota,
    VideoExtent,
    plan_clips,
    request_clips,
)
from qbuild.media.unreadable import UnreadableMediaError

SETTINGS = ClipSettings(CUT, (2.0, 4.0, 6.0), False, (224, 320, 448), "random", False, 0)
VIDEO = VideoExtent((range(300),), 1280, 720, Fraction(30))


def plan(count=20, clip_settings=SETTINGS, video=VIDEO, medium="set:a.mp4"):
    return plan_clips(request_clips(medium, count, clip_settings), clip_settings, video)


def test_5211_clips_of_134_videos_are_distributed_evenly():
    videos = [f"set:{number}.mp4" for number in range(134)]
    quota = Quota.distribute(videos, 5211, 0)
    counts = [quota.of(video) for video in videos]
    assert sum(counts) == 5211
    assert set(counts) == {38, 39}
    clips = [clip for v in videos for clip in plan(quota.of(v), medium=v)]
    assert len(clips) == 5211
    operations = Counter(clip.operation for clip in clips)
    assert abs(operations["temporal"] - operations["spatial"]) <= 134


@given(st.integers(1, 60), st.integers(0, 400), st.integers(0, 9))
def test_any_total_is_distributed_exactly_and_evenly(videos, more, seed):
    names = [f"v{number}" for number in range(videos)]
    quota = Quota.distribute(names, videos + more, seed)
    counts = [quota.of(name) for name in names]
    assert sum(counts) == videos + more
    assert max(counts) - min(counts) <= 1


def test_which_videos_get_one_more_depends_on_the_seed_and_not_on_the_order():
    names = [f"v{number}" for number in range(20)]
    first, turned, other = (
        Quota.distribute(order, 30, seed)
        for order, seed in ((names, 0), (names[::-1], 0), (names, 1))
    )
    assert first == turned
    assert [first.of(name) for name in names] != [other.of(name) for name in names]


def test_operations_alternate_and_start_with_any():
    clip_settings = replace(SETTINGS, operations=INJECT)
    for medium in "abcdefgh":
        names = [request.operation for request in request_clips(medium, 7, clip_settings)]
        assert max(Counter(names).values()) - min(Counter(names).values()) <= 1
        assert all(a != b for a, b in pairwise(names))
    assert (
        len({request_clips(str(number), 1, clip_settings)[0].operation for number in range(30)})
        == 3
    )


def test_more_clips_do_not_change_the_first_ones():
    assert plan(30)[:8] == plan(8)


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(MIN_FRAMES, 200),
    width=st.integers(32, 700),
    height=st.integers(32, 700),
    fps=st.sampled_from([Fraction(5), Fraction(30000, 1001), Fraction(60)]),
    count=st.integers(1, 25),
    seed=st.integers(0, 3),
)
def test_clips_are_inside_the_video_have_even_sides_and_are_all_different(
    frames, width, height, fps, count, seed
):
    clip_settings = replace(SETTINGS, operations=(*CUT, *INJECT), seed=seed)
    clips = plan(count, clip_settings, VideoExtent((range(frames),), width, height, fps))
    assert clips
    assert len(set(clips)) == len(clips)
    for clip in clips:
        assert clip.start >= 0
        assert MIN_FRAMES <= clip.frames <= frames - clip.start
        assert clip.left + clip.width <= width
        assert clip.top + clip.height <= height
        assert not any(v % 2 for v in (clip.left, clip.top, clip.width, clip.height))
        assert (clip.severity is not None) == (clip.operation in INJECT)


def test_a_clip_has_a_requested_length():
    assert {clip.frames for clip in plan(60, replace(SETTINGS, operations=("temporal",)))} == {
        60,
        120,
        180,
    }


def test_lengths_between_bounds_include_every_number_of_frames():
    clip_settings = replace(SETTINGS, operations=("temporal",), lengths=(1.0, 1.2), between=True)
    assert {clip.frames for clip in plan(60, clip_settings)} == set(range(30, 37))


def test_windows_have_the_requested_sides_or_the_largest_that_fits():
    clip_settings = replace(SETTINGS, operations=("spatial",))
    assert {clip.width for clip in plan(40, clip_settings)} == {224, 320, 448}
    small = plan(40, clip_settings, replace(VIDEO, width=401, height=301))
    assert {(clip.width, clip.height) for clip in small} == {(224, 224), (300, 300)}
    assert all(clip.frames == 300 for clip in small)


def test_a_short_video_gives_one_clip_of_all_its_frames():
    (clip,) = plan(
        1, replace(SETTINGS, operations=("temporal",)), replace(VIDEO, shots=(range(9),))
    )
    assert (clip.start, clip.frames) == (0, 9)


def test_a_video_with_few_possible_clips_gives_all_of_them():
    temporal = replace(SETTINGS, operations=("temporal",), lengths=(1.0,))
    video = replace(VIDEO, shots=(range(35),))
    assert sorted(clip.start for clip in plan(50, temporal, video)) == [0, 1, 2, 3, 4, 5]
    spatial = replace(SETTINGS, operations=("spatial",), crops=(32,))
    tiny = plan(50, spatial, replace(VIDEO, width=34, height=37))
    assert sorted((clip.left, clip.top) for clip in tiny) == [
        (left, top) for left in (0, 2) for top in (0, 2, 4)
    ]
    whole = replace(SETTINGS, operations=("shake",), lengths=())
    assert sorted(clip.severity for clip in plan(50, whole)) == [1, 2, 3, 4, 5]


def test_within_shots_no_clip_contains_a_cut():
    shots = (range(50), range(50, 53), range(53, 120), range(120, 300))
    clip_settings = replace(SETTINGS, operations=(*CUT, *INJECT), within_shots=True)
    clips = plan(60, clip_settings, replace(VIDEO, shots=shots))
    for clip in clips:
        last = clip.start + clip.frames - 1
        assert any(clip.start in shot and last in shot for shot in shots)
    assert len({clip.start for clip in clips}) > 20


@pytest.mark.parametrize("severity", ["1", "5"])
def test_clips_have_the_requested_severity(severity):
    clips = plan(10, replace(SETTINGS, operations=INJECT, severity=severity))
    assert {clip.severity for clip in clips} == {int(severity)}


def test_all_severities_alternate_and_random_ones_all_occur():
    clip_settings = replace(SETTINGS, operations=("stutter",), severity="all")
    assert [clip.severity for clip in plan(10, clip_settings)] == [1, 2, 3, 4, 5] * 2
    drawn = Counter(clip.severity for clip in plan(100, replace(clip_settings, severity="random")))
    assert set(drawn) == {1, 2, 3, 4, 5}


def test_another_seed_or_another_video_gives_other_clips():
    first, again = plan(12), plan(12)
    other = plan(12, replace(SETTINGS, seed=1))
    elsewhere = plan(12, medium="set:b.mp4")
    assert first == again
    assert first != other
    assert first != elsewhere


@pytest.mark.parametrize(
    ("wrong", "reason", "message"),
    [
        ({"shots": (range(1),)}, "too-short", "1 frame without a cut; expected at least 4"),
        ({"shots": (range(3), range(3, 6))}, "too-short", "3 frames without a cut"),
        ({"width": 31}, "too-small", "31 x 720 pixels; expected at least 32 per side"),
        ({"height": 30}, "too-small", "1280 x 30 pixels"),
    ],
)
def test_a_video_too_short_or_too_small_is_rejected(wrong, reason, message):
    with pytest.raises(UnreadableMediaError, match=message) as caught:
        plan(3, video=replace(VIDEO, **wrong))
    assert caught.value.reason == reason
