from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from qbuild.core.errors import DiskError, MissingPartError
from qbuild.quality.plots.histogram import (
    HistogramSeries,
    Panel,
    bin_counts,
    draw_histograms,
    format_histograms,
)


@given(st.lists(st.floats(0, 100), max_size=50))
def test_every_score_is_in_one_of_ten_bins(scores):
    counts = bin_counts(np.array(scores), 0, 100)
    assert len(counts) == 10
    assert sum(counts) == len(scores)


def test_a_bin_holds_its_lower_end_and_the_last_one_its_upper_end_too():
    assert bin_counts(np.array([0, 9.99, 10, 90, 100]), 0, 100) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert bin_counts(np.array([-5, 200]), 0, 100) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert bin_counts(np.array([3.0, 3.0]), 3, 3) == [2, 0, 0, 0, 0, 0, 0, 0, 0, 0]


@given(
    st.lists(st.integers(0, 99_999_999), min_size=10, max_size=10),
    st.lists(st.integers(0, 99_999_999), min_size=10, max_size=10),
    st.floats(-1e3, 1e3),
    st.floats(0, 1e3),
)
def test_the_text_has_a_line_per_bin_of_at_most_80_columns(before, after, low, span):
    lines = format_histograms(before, after, low, low + span).splitlines()
    assert len(lines) == 11
    assert max(map(len, lines)) <= 80


def test_a_bar_shows_the_share_of_rows_and_no_row_is_without_one():
    before = [100, 50, 1, 0, 0, 0, 0, 0, 0, 0]
    after = [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    lines = format_histograms(before, after, 0, 100).splitlines()
    assert [line.split() for line in lines[1:4]] == [
        ["0…10", "100", "█" * 14, "1", "█" * 10 + "▋"],
        ["10…20", "50", "█" * 7, "0"],
        ["20…30", "1", "▏", "0"],
    ]


PANELS = [
    Panel(
        f"${name}_\\frac$ {'long ' * 3}", "MOS", 1.0, 5.0,
        [HistogramSeries("before", range(10), 4.2, 1.1), HistogramSeries("after", [3] * 10)],
    )
    for name in ("a", "b", "c")
]  # fmt: skip


def test_a_png_has_the_same_bytes_each_time_and_holds_no_time(tmp_path):
    for name in ("one.png", "two.png"):
        draw_histograms(PANELS, tmp_path / "new" / name)
    one, two = ((tmp_path / "new" / name).read_bytes() for name in ("one.png", "two.png"))
    assert one == two
    with Image.open(tmp_path / "new" / "one.png") as image:
        assert image.size == (1536, 936)
        assert image.info.keys() <= {"dpi"}
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["one.png", "two.png"]


def test_no_rows_and_equal_scores_can_be_drawn(tmp_path):
    draw_histograms(
        [Panel("empty", "MOS", 3, 3, [HistogramSeries("", [0] * 10)])], tmp_path / "a.png"
    )
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_an_output_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="cannot be written"):
        draw_histograms(PANELS, tmp_path / "file" / "a.png")


def test_without_matplotlib_the_error_names_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPartError) as caught:
        draw_histograms(PANELS, tmp_path / "a.png")
    assert caught.value.exit_code == 5
    assert str(caught.value).endswith(r"pip install -e '.[plots]'")
    assert not (tmp_path / "a.png").exists()
