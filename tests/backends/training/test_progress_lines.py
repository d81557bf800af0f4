"""Progress on stderr: a line per N steps in a log, one line that is rewritten on a terminal."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.training.levels import Counts
from qbuild_backends.training.progress_lines import ProgressLines, format_duration


def run(steps, every, **given):
    lines = ProgressLines(steps, every, **given)
    for step in range(1, steps + 1):
        lines.update(step, float(step), Counts(2, 1), samples=4)


def test_a_log_gets_a_line_per_n_steps_and_one_for_the_last(capsys):
    run(5, 2)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["step 2/5", "step 4/5", "step 5/5"]
    assert "loss 1.5000, level words 50% right, " in lines[0]
    assert lines[0].endswith(" left")
    assert lines[-1].endswith("done")


def test_a_terminal_shows_every_step_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(3, 50)
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert shown.count("\r\x1b[2K") == 3


def test_other_processes_print_nothing(capsys):
    run(3, 1, shown=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.4, "4 s"), (64, "1 min 4 s"), (3_700, "1 h 1 min")]
)
def test_durations_have_two_units(seconds, text):
    assert format_duration(seconds) == text
