from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from qbuild.core.canonical import row_seed
from qbuild.media.distort.contact_sheet import HEADINGS, as_words, draw_sheet, grid_for, thumbnail
from qbuild.media.distort.parameters import NAMES
from qbuild.media.distort.spatial import distort
from qbuild.stages.demo_media import find_photographs


@pytest.fixture(scope="module")
def photograph():
    with Image.open(find_photographs()["coffee"]) as image:
        return np.asarray(image.convert("RGB"))  # 600 x 400


def grid_of(source, family, cell):
    return grid_for(source.shape[1], source.shape[0], NAMES[family], cell)


def cell_at(made, grid, row, column):
    left, top = grid.corner(row, column)
    return made[top : top + grid.height, left : left + grid.width]


@pytest.mark.parametrize(("family", "rows"), [("common", 15), ("vqa2", 11)])
def test_a_row_per_distortion_with_the_source_before_five_severities(photograph, family, rows):
    made, source = draw_sheet(photograph, family, 0, 64), thumbnail(photograph, 64)
    grid = grid_of(source, family, 64)
    assert made.shape == (grid.size[1], grid.size[0], 3)
    for row in range(rows):
        shown_cells = [cell_at(made, grid, row, column) for column in range(6)]
        assert np.array_equal(shown_cells[0], source)
        assert len({cell.tobytes() for cell in shown_cells}) == 6


def test_a_cell_holds_the_distortion_of_its_row_and_the_severity_of_its_column(photograph):
    made, source = draw_sheet(photograph, "vqa2", 5, 96), thumbnail(photograph, 96)
    grid = grid_of(source, "vqa2", 96)
    for name in ("noise", "motion-blur", "block-effect"):
        row, seed = NAMES["vqa2"].index(name), row_seed(5, "vqa2", name)
        for severity in (1, 5):
            expected = distort(source, name, severity, seed)
            assert np.array_equal(cell_at(made, grid, row, severity), expected)


def test_every_row_and_every_column_has_a_label_in_ink_on_white(photograph):
    made, source = draw_sheet(photograph, "common", 0, 120), thumbnail(photograph, 120)
    grid = grid_of(source, "common", 120)
    left, top = grid.corner(0, 0)
    for row in range(grid.rows):
        y = grid.corner(row, 0)[1]
        label = made[y : y + grid.row, :left]
        assert label.min() < 64
        assert (label[:, : grid.gap] == 255).all()  # the longest label does not touch the edge
    for column in range(len(HEADINGS)):
        x = grid.corner(0, column)[0]
        assert made[:top, x : x + grid.column].min() < 64
    assert (made[:, -grid.gap :] == 255).all()
    assert (made[-grid.gap :] == 255).all()


def test_the_same_seed_draws_the_same_sheet_and_another_one_does_not(photograph):
    made = draw_sheet(photograph, "vqa2", 0, 48)
    assert np.array_equal(made, draw_sheet(photograph, "vqa2", 0, 48))
    assert not np.array_equal(made, draw_sheet(photograph, "vqa2", 1, 48))


@pytest.mark.parametrize(
    ("size", "cell", "expected"),
    [
        ((600, 400), 160, (160, 107)),
        ((400, 600), 160, (107, 160)),
        ((600, 400), 32, (48, 32)),
        ((100, 80), 160, (100, 80)),
        ((32, 32), 512, (32, 32)),
        ((500, 40), 64, (400, 32)),
    ],
)
def test_an_image_is_shrunk_to_the_cell_but_never_below_32(photograph, size, cell, expected):
    source = np.asarray(Image.fromarray(photograph).resize(size))
    height, width, _ = thumbnail(source, cell).shape
    assert (width, height) == expected
    assert thumbnail(thumbnail(source, cell), cell).shape == (height, width, 3)


def test_a_flat_cell_is_as_high_as_its_label(photograph):
    grid = grid_for(400, 32, NAMES["vqa2"], 512)
    assert grid.row >= grid.text
    assert grid.corner(1, 0)[1] - grid.corner(0, 0)[1] == grid.row + grid.gap


def test_names_are_shown_as_words():
    assert as_words("elastic_transform") == "elastic transform"
    assert as_words("block-effect") == "block effect"


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((31, 200), "200 x 31 pixels; expected at least 32 per side"),
        ((40, 700), "700 x 40 pixels; expected at most 16 times as long as wide"),
    ],
)
def test_an_image_too_small_or_too_long_is_rejected(size, message):
    with pytest.raises(ValueError, match=message):
        draw_sheet(np.zeros((*size, 3), np.uint8), "vqa2", 0, 64)
