"""qbuild/quality/plots/scatter.py: predictions against opinion scores, drawn."""

from __future__ import annotations

import predicted
import pytest
from PIL import Image

from qbuild.core.errors import DiskError
from qbuild.quality.metrics import fit_logistic
from qbuild.quality.plots.panels import make_figure
from qbuild.quality.plots.scatter import MAX_PANELS, Panel, draw_points, draw_scatter


def panel(count=50, title="set"):
    x, y = predicted.points(count)
    return Panel(title, x, y, fit_logistic(x, y), 0.5, 0.25)


def axes_of(*panels):
    return make_figure(panels, draw_points, (5.2, 4.4), "scatter").axes


def test_a_diagram_holds_points_curve_and_figures():
    (axis,) = axes_of(panel())
    points, curve = axis.lines
    assert len(points.get_xdata()) == 50
    assert len(curve.get_xdata()) == 200
    assert axis.get_title() == "set\nSRCC 0.500  PLCC 0.250  50 rows"


def test_the_same_points_give_the_same_bytes(tmp_path):
    for name in ("a.png", "b/c.png"):
        draw_scatter([panel(), panel(title="$2^3_4")], tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b" / "c.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1248, 528)


def test_points_and_diagrams_beyond_the_limits_are_left_out():
    x, y = predicted.points(20_000)
    (axis,) = axes_of(Panel("many", x, y))
    drawn = axis.lines[0].get_xdata()
    assert len(drawn) == 5_000
    assert (drawn[0], drawn[-1]) == (x[0], x[-1])
    assert "20,000 rows" in axis.get_title()


def test_the_error_names_a_png_that_cannot_be_written(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DiskError, match=r"a\.png"):
        draw_scatter([panel()] * (MAX_PANELS + 1), tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
