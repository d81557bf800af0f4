"""The text about a session's stalls in a streaming pair.

VQA² section 3.3 gives the information in two formats, one digit per frame and a summary. Its
sentences are in a figure and no released model is known to depend on them, so these are not
quoted and may change with the version of the stage that writes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from qbuild.quality.arrays import Ints
from qbuild.quality.stalls import expand_runs

_ALL = "Each digit below stands for one frame of this video"
_SOME = "Each digit below stands for one frame in {step} of this video, from the first on"
_MEANING = "in the order shown: 0 where playback runs, 1 where it stalls."


def sequence_text(runs: Ints, step: int = 1) -> str:
    """Format A: what the digits mean, and on a separate line the digits of the frames.

    `runs` are run lengths, zeros first. Only the digits of frames 0, step, 2·step, … are kept.
    """
    digits = (expand_runs(runs)[::step] + ord("0")).tobytes().decode("ascii")
    frames = _ALL if step == 1 else _SOME.format(step=step)
    return f"{frames}, {_MEANING}\n{digits}"


def summary_text(
    durations: Sequence[float], share: float, buffering: float, tail: float, decimals: int = 2
) -> str:
    """Format B: number, durations and share of the stalls, initial buffering, time after them.

    All but `share` (0 … 1) are seconds; `tail` is counted from the last stall, from the end of
    initial buffering where playback never stalls, or from the beginning where it is not delayed.
    """
    delay = f"Initial buffering takes {format_seconds(buffering, decimals)}."
    since = _tail_start(len(durations), buffering)
    return " ".join(
        [
            _stall_sentences(durations, share, decimals),
            delay if buffering else "There is no initial buffering.",
            f"The time from {since} to the end of playback is {format_seconds(tail, decimals)}.",
        ]
    )


def format_seconds(value: float, decimals: int) -> str:
    """`2.5 seconds`, `1 second`, `less than 0.01 seconds`: rounded, no trailing zeros."""
    number = format_number(value, decimals)
    return f"{number} second" if number in ("1", "less than 1") else f"{number} seconds"


def format_percent(share: float, decimals: int) -> str:
    """A share of 0 … 1 as `12.5%`."""
    return f"{format_number(100 * share, decimals)}%"


def format_number(value: float, decimals: int) -> str:
    """A number ≥ 0 without trailing zeros; `less than 0.01` for one above 0 that rounds to 0."""
    text = f"{value:.{decimals}f}"
    if value > 0 and not float(text):
        return f"less than {10**-decimals:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _stall_sentences(durations: Sequence[float], share: float, decimals: int) -> str:
    part = f"{format_percent(share, decimals)} of the total length"
    lengths = [format_seconds(duration, decimals) for duration in durations]
    if not lengths:
        return f"Playback of this video never stalls: stalls take up {part}."
    if len(lengths) == 1:
        return (
            f"Playback of this video stalls once. The stall lasts {lengths[0]} and takes up {part}."
        )
    return (
        f"Playback of this video stalls {len(lengths)} times. In order, the stalls last "
        f"{', '.join(lengths[:-1])} and {lengths[-1]}; together they take up {part}."
    )


def _tail_start(stalls: int, buffering: float) -> str:
    if stalls:
        return "the end of the stall" if stalls == 1 else "the end of the last stall"
    return "the end of initial buffering" if buffering else "the beginning"
