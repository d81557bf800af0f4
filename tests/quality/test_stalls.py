from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stalled import events_of

from qbuild.quality import stalls
from qbuild.quality.stalls import Events, Rates

RATES = [(24000, 1001), (30, 1), (25, 1), (60000, 1001), (24, 1), (30000, 1001), (12, 1)]
DIGITS = st.lists(st.integers(0, 1), min_size=1, max_size=120)
SESSIONS = st.lists(st.tuples(DIGITS, st.sampled_from(RATES)), min_size=1, max_size=8)


def rates(pairs):
    return Rates(np.array([n for n, _ in pairs]), np.array([d for _, d in pairs]))


def flat(lists):
    ends = np.concatenate(([0], np.cumsum([len(x) for x in lists]))).astype(np.int64)
    return np.concatenate([np.asarray(x, dtype=np.int64) for x in lists]), ends


def one(events, fps=(25, 1)):
    starts, lengths = zip(*events, strict=True) if events else ((), ())
    return Events(
        np.array([0, len(events)]), np.array(starts, dtype=float), np.array(lengths, dtype=float)
    ), rates([fps])


@given(DIGITS)
def test_digits_come_back_from_their_run_lengths(digits):
    runs = stalls.vector_run_lengths(np.array(digits))
    assert stalls.expand_runs(runs).tolist() == digits
    assert runs.sum() == len(digits)


@pytest.mark.parametrize("runs", [1, 2, 31, 32, 33, 34, 5000])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint8, bool, float])
def test_few_and_many_runs_give_the_same_lengths(runs, first, kind):
    lengths = [0] * first + [3] * runs
    vector = np.repeat(np.arange(len(lengths)) % 2, lengths).astype(kind)
    assert stalls.vector_run_lengths(vector).tolist() == lengths


@settings(deadline=None)
@given(SESSIONS)
def test_sequence_to_events_to_sequence_is_the_identity(sessions):
    given_runs = [stalls.vector_run_lengths(np.array(digits)) for digits, _ in sessions]
    runs, ends = flat(given_runs)
    fps = rates([rate for _, rate in sessions])
    events, played = events_of(runs, ends, fps)
    first, covered = stalls.covered_frames(events, fps)
    frames = np.array([len(digits) for digits, _ in sessions])
    again, again_ends = stalls.run_lengths(events.offsets, first, covered, frames)
    assert again.tolist() == runs.tolist()
    assert again_ends.tolist() == ends.tolist()
    assert played.tolist() == [digits.count(0) for digits, _ in sessions]


@settings(deadline=None)
@given(SESSIONS)
def test_totals_are_kept_and_the_share_is_within_0_to_1(sessions):
    runs, ends = flat([stalls.vector_run_lengths(np.array(digits)) for digits, _ in sessions])
    fps = rates([rate for _, rate in sessions])
    events, played = events_of(runs, ends, fps)
    found = stalls.summarise(events, fps.seconds(played))
    frames = np.array([len(digits) for digits, _ in sessions])
    assert found.duration == pytest.approx(fps.seconds(frames))
    stalled = np.array([sum(digits) for digits, _ in sessions])
    assert found.total + found.initial_buffering == pytest.approx(fps.seconds(stalled))
    assert ((found.share >= 0) & (found.share <= 1)).all()
    assert (found.tail >= 0).all()


TIMES = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(1, 900)), max_size=6, unique_by=lambda e: e[0]
).map(sorted)


@settings(deadline=None)
@given(TIMES, st.sampled_from(RATES))
def test_events_cover_the_frames_within_their_time(hundredths, rate):
    events, fps = one([(a / 100, b / 100) for a, b in hundredths], rate)
    first, covered = stalls.covered_frames(events, fps)
    before = Fraction(0)
    for (start, length), begin, count in zip(hundredths, first, covered, strict=True):
        wall = Fraction(start, 100) + before
        end = wall + Fraction(length, 100)
        expected = [
            k for k in range(int(end * 61) + 2) if wall <= Fraction(k * rate[1], rate[0]) < end
        ]
        assert count == len(expected)
        assert not expected or begin == expected[0]
        before += Fraction(length, 100)


def test_a_stall_is_later_on_the_wall_clock_by_those_before_it():
    events, _ = one([(0, 2.0), (5.0, 1.5), (9.0, 1.0)])
    assert events.wall_start.tolist() == [0.0, 7.0, 12.5]
    assert events.initial.tolist() == [True, False, False]


def test_the_summary_separates_buffering_from_stalls():
    events, _ = one([(0, 2.0), (5.0, 1.5), (9.0, 0.5)])
    found = stalls.summarise(events, np.array([16.0]))
    assert (found.duration[0], found.initial_buffering[0]) == (20.0, 2.0)
    assert (found.count[0], found.total[0], found.share[0]) == (2, 2.0, 0.1)
    assert found.tail[0] == 7.0


def test_a_session_without_stalls_is_all_tail():
    events, _ = one([])
    found = stalls.summarise(events, np.array([10.0]))
    assert (found.count[0], found.share[0], found.tail[0]) == (0, 0.0, 10.0)


def test_an_event_shorter_than_a_frame_may_cover_none_and_stays():
    events, fps = one([(1.01, 0.005)])
    first, covered = stalls.covered_frames(events, fps)
    assert covered.tolist() == [0]
    runs, _ = stalls.run_lengths(events.offsets, first, covered, np.array([50]))
    assert runs.tolist() == [50]


def test_adjacent_events_make_one_run():
    events, fps = one([(1.0, 0.4), (1.0, 0.4)])
    first, covered = stalls.covered_frames(events, fps)
    runs, _ = stalls.run_lengths(events.offsets, first, covered, np.array([60]))
    assert runs.tolist() == [25, 20, 15]


def test_times_of_24000_over_1001_come_back_to_the_frame():
    fps = rates([(24000, 1001)])
    frames = np.arange(2_000_000)
    moments = fps.seconds(frames, np.zeros(len(frames), dtype=np.int64))
    assert np.array_equal(fps.frames(moments, np.zeros(len(frames), dtype=np.int64)), frames)
