"""What a streaming pair says of a session's stalls, in words of our own.

VQA² section 3.3 gives the information in two formats, a digit a frame and a summary; its sentences
are in a figure and no released model is known to depend on them, so these are not theirs and may
be changed with the version of the stage that writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qbuild.quality.stalls import digits_of_runs

if TYPE_CHECKING:
    from qbuild.quality.stalls import Ints

_ALL = "Each digit below stands for one frame of this video"
_SOME = "Each digit below stands for one frame in {thin} of this video, from the first on"
_MEANING = "in the order shown: 0 where playback runs, 1 where it stalls."


def sequence_text(runs: Ints, thin: int = 1) -> str:
    """Format A: what the digits mean, and on a line of their own the digits of the frames.

    `runs` are run lengths, zeros first. With `thin` only frames 0, thin, 2·thin, … keep theirs.
    """
    digits = digits_of_runs(runs)[::thin]
    text = (digits + ord("0")).tobytes().decode("ascii")
    stands = _ALL if thin == 1 else _SOME.format(thin=thin)
    return f"{stands}, {_MEANING}\n{text}"


def summary_text(
    durations: Sequence[float], share: float, buffering: float, tail: float, decimals: int = 2
) -> str:
    """Format B: how many stalls, how long each, their share, initial buffering, time after them.

    All but `share` (0 … 1) are seconds; `tail` is counted from the last stall, from the end of
    initial buffering where playback never stalls, or from the beginning where it is not delayed.
    """
    delay = f"Initial buffering takes {seconds(buffering, decimals)}."
    since, left = _since(len(durations), buffering), seconds(tail, decimals)
    return " ".join(
        [
            _stalls(durations, share, decimals),
            delay if buffering else "There is no initial buffering.",
            f"The time from {since} to the end of playback is {left}.",
        ]
    )


def seconds(value: float, decimals: int) -> str:
    """`2.5 seconds`, `1 second`, `less than 0.01 seconds`: rounded, without idle zeros."""
    number = rounded(value, decimals)
    return f"{number} second" if number in ("1", "less than 1") else f"{number} seconds"


def percent(share: float, decimals: int) -> str:
    """A share of 0 … 1 as `12.5%`."""
    return f"{rounded(100 * share, decimals)}%"


def rounded(value: float, decimals: int) -> str:
    """A number of 0 or more without idle zeros; not 0, but rounded to it: `less than 0.01`."""
    text = f"{value:.{decimals}f}"
    if value > 0 and not float(text):
        return f"less than {10**-decimals:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _stalls(durations: Sequence[float], share: float, decimals: int) -> str:
    """How many stalls, how long each, and their share of the total length."""
    part = f"{percent(share, decimals)} of the total length"
    said = [seconds(duration, decimals) for duration in durations]
    if not said:
        return f"Playback of this video never stalls: stalls take up {part}."
    if len(said) == 1:
        return f"Playback of this video stalls once. The stall lasts {said[0]} and takes up {part}."
    listed = f"{', '.join(said[:-1])} and {said[-1]}"
    return (
        f"Playback of this video stalls {len(said)} times. "
        f"In order, the stalls last {listed}; together they take up {part}."
    )


def _since(stalls: int, buffering: float) -> str:
    """What the time to the end of playback is counted from."""
    if stalls:
        return "the end of the stall" if stalls == 1 else "the end of the last stall"
    return "the end of initial buffering" if buffering else "the beginning"
