from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbuild.quality.stall_text import (
    format_number,
    format_percent,
    format_seconds,
    sequence_text,
    summary_text,
)
from qbuild.quality.stalls import expand_runs

SECONDS = st.floats(0, 1e4)
STALLS = st.lists(st.floats(1e-6, 1e3), max_size=8)
NUMBER = r"(less than )?(\d+(?:\.\d+)?)"


def runs(*lengths):
    return np.array(lengths, dtype=np.int64)


def read_back(pattern, text):
    """Every number that the pattern finds; 0 for those given as less than the smallest."""
    return [0.0 if less else float(n) for less, n in re.findall(pattern, text)]


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.0, 2, "0 seconds"),
        (1.0, 2, "1 second"),
        (0.999, 2, "1 second"),
        (1.5, 2, "1.5 seconds"),
        (2.0, 2, "2 seconds"),
        (10.0, 2, "10 seconds"),
        (100.0, 0, "100 seconds"),
        (2.567, 2, "2.57 seconds"),
        (2.567, 0, "3 seconds"),
        (2.567, 6, "2.567 seconds"),
        (0.01, 2, "0.01 seconds"),
        (0.004, 2, "less than 0.01 seconds"),
        (0.4, 0, "less than 1 second"),
        (0.004, 3, "0.004 seconds"),
        (12345.678, 2, "12345.68 seconds"),
    ],
)
def test_seconds_are_rounded_without_trailing_zeros_and_agree_in_number(value, decimals, text):
    assert format_seconds(value, decimals) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (0.25, "25%"), (0.12345, "12.35%"), (1.0, "100%"), (4e-5, "less than 0.01%")],
)
def test_a_share_is_formatted_in_percent(share, text):
    assert format_percent(share, 2) == text


@given(SECONDS, st.integers(0, 6))
def test_a_rounded_number_is_the_value_to_half_a_unit(value, decimals):
    text = format_number(value, decimals)
    if text.startswith("less than "):
        assert 0 < value <= 10**-decimals / 2
    else:
        assert float(text) == round(value, decimals)
        assert text == "0" or not text.startswith("0") or "." in text


def test_a_sequence_has_one_digit_per_frame_and_explains_them():
    assert sequence_text(runs(3, 2, 4)) == (
        "Each digit below stands for one frame of this video, in the order shown: "
        "0 where playback runs, 1 where it stalls.\n"
        "000110000"
    )


def test_a_sequence_that_begins_stalled_begins_with_a_one():
    assert sequence_text(runs(0, 2, 1)).splitlines()[1] == "110"


def test_a_thinned_sequence_is_labelled_and_keeps_the_digits_of_its_frames():
    assert sequence_text(runs(3, 2, 4), step=3) == (
        "Each digit below stands for one frame in 3 of this video, from the first on, "
        "in the order shown: 0 where playback runs, 1 where it stalls.\n"
        "010"
    )


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 9))
def test_the_digits_are_those_of_the_runs(lengths, thin):
    digits = expand_runs(runs(*lengths))[::thin]
    written = sequence_text(runs(*lengths), thin).split("\n")[1]
    assert written == "".join(map(str, digits.tolist()))


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        (([], 0.0, 0.0, 10.0),
         ("Playback of this video never stalls: stalls take up 0% of the total length. "
         "There is no initial buffering. "
         "The time from the beginning to the end of playback is 10 seconds.")),
        (([], 0.0, 1.25, 10.0),
         ("Playback of this video never stalls: stalls take up 0% of the total length. "
         "Initial buffering takes 1.25 seconds. "
         "The time from the end of initial buffering to the end of playback is 10 seconds.")),
        (([2.5], 0.2, 0.0, 1.0),
         ("Playback of this video stalls once. "
         "The stall lasts 2.5 seconds and takes up 20% of the total length. "
         "There is no initial buffering. "
         "The time from the end of the stall to the end of playback is 1 second.")),
        (([2.5, 1.0], 0.35, 0.5, 3.0),
         ("Playback of this video stalls 2 times. In order, the stalls last "
         "2.5 seconds and 1 second; together they take up 35% of the total length. "
         "Initial buffering takes 0.5 seconds. "
         "The time from the end of the last stall to the end of playback is 3 seconds.")),
        (([2.5, 0.001, 1.0], 0.3501, 0.004, 0.0),
         ("Playback of this video stalls 3 times. In order, the stalls last "
         "2.5 seconds, less than 0.01 seconds and 1 second; "
         "together they take up 35.01% of the total length. "
         "Initial buffering takes less than 0.01 seconds. "
         "The time from the end of the last stall to the end of playback is 0 seconds.")),
        (([0.001], 0.00001, 0.0, 9.0),
         ("Playback of this video stalls once. The stall lasts less than 0.01 seconds "
         "and takes up less than 0.01% of the total length. "
         "There is no initial buffering. "
         "The time from the end of the stall to the end of playback is 9 seconds.")),
    ],
    ids=["none", "buffering", "one", "two", "three", "tiny"],
)  # fmt: skip
def test_the_exact_words_of_a_summary(given_, text):
    assert summary_text(*given_) == text


def test_decimals_hold_for_every_number_of_a_summary():
    text = summary_text([1.23456, 7.65432], 0.123456, 3.45678, 5.67891, decimals=1)
    assert re.findall(r"\d+\.\d+", text) == ["1.2", "7.7", "12.3", "3.5", "5.7"]


@given(STALLS, st.floats(0, 1), SECONDS, SECONDS, st.integers(0, 6))
def test_the_numbers_of_a_summary_read_back_as_the_rounded_ones(
    durations, share, buffering, tail, decimals
):
    text = summary_text(durations, share, buffering, tail, decimals)
    stalls, rest = text.split(" of the total length", 1)
    rounded_durations = [round(value, decimals) for value in durations]
    assert read_back(rf"{NUMBER} seconds?", stalls) == rounded_durations
    assert read_back(rf"{NUMBER}%", stalls) == [round(100 * share, decimals)]
    times = re.search(r"stalls (\d+) times", text)
    count = int(times[1]) if times else int("stalls once" in text)
    assert count == len(durations)
    expected = [round(value, decimals) for value in ([buffering] if buffering else []) + [tail]]
    assert read_back(rf"{NUMBER} seconds?", rest) == expected
    assert ("There is no initial buffering." in rest) == (buffering == 0)
