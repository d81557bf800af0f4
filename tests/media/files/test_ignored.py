"""qbuild/media/files/ignored.py: what a stage did not look at is told by its ending."""

from __future__ import annotations

from qbuild.core.engine.tally import Tally
from qbuild.media.files.ignored import leave_out, left_out, left_out_line


def report_of(*names):
    tally = Tally()
    for name in names:
        leave_out(name, tally)
    return left_out(tally)


def test_endings_are_counted_in_lower_case_and_the_most_frequent_stands_first():
    report = report_of("a.heic", "b.HEIC", "c.d/notes", "c.tga", "x.jp2")
    assert report["ignored"] == 5
    assert list(report["ignored_endings"].items()) == [
        (".heic", 2),
        (".jp2", 1),
        (".tga", 1),
        ("no ending", 1),
    ]


def test_the_line_names_the_endings():
    assert left_out_line(report_of("a.heic", "b.heic")) == [
        "2 files of other endings left out: .heic 2"
    ]


def test_many_endings_are_summed_up_and_none_give_no_line():
    (line,) = left_out_line(report_of(*(f"x.e{n:02}" for n in range(11))))
    assert line.startswith("11 files of other endings left out: .e00 1, .e01 1")
    assert line.endswith(".e07 1, 3 more endings")
    assert left_out_line(report_of()) == []
