"""A contact sheet: one picture under every corruption of a family at every severity."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from qbuild.core.canonical import row_seed
from qbuild.media.distort.spatial import LEAST_SIDE
from qbuild.media.distort.tasks import NAMES, Family, Task
from qbuild.quality.distortions import SEVERITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

HEADINGS = ("source", *map(str, SEVERITIES))
MOST_ELONGATED = 16  # longer side to shorter; the sheet of a longer picture would be all margin
_WHITE, _INK = 255, 32


@dataclass(frozen=True)
class Grid:
    """Where everything lies on a sheet, in pixels."""

    width: int  # of one picture
    height: int
    column: int  # what a column takes, without its gap
    row: int
    labels: int  # the width of the row labels
    rows: int
    gap: int
    text: int  # font size

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet."""
        across, down = self.corner(self.rows, len(HEADINGS))
        return across, down

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """The left upper corner of a cell, x and y."""
        left = 2 * self.gap + self.labels + column * (self.column + self.gap)
        return left, 2 * self.gap + self.text + row * (self.row + self.gap)


def sheet(pixels: NDArray[np.uint8], family: Family, seed: int, cell: int) -> NDArray[np.uint8]:
    """The sheet as RGB, `[h, w, 3]`: a row a corruption, the source first, then severities 1 to 5.

    The picture is made smaller first, as `thumbnail` says, then spoilt: the sheet shows what a
    picture of that size would look like. All severities of a row are drawn from one seed.
    """
    from PIL import Image, ImageDraw

    source, names = thumbnail(pixels, cell), NAMES[family]
    grid = grid_for(source.shape[1], source.shape[0], names, cell)
    canvas = Image.new("RGB", grid.size, (_WHITE,) * 3)
    draw = ImageDraw.Draw(canvas)
    _headings(draw, grid)
    for row, name in enumerate(names):
        _label(draw, grid, row, name)
        shown = [source, *_spoilt(source, family, name, seed)]
        for column, picture in enumerate(shown):
            canvas.paste(Image.fromarray(picture), grid.corner(row, column))
    return _pixels(canvas)


def thumbnail(pixels: NDArray[np.uint8], cell: int) -> NDArray[np.uint8]:
    """The picture made smaller until its longer side is `cell` or its shorter side is 32 pixels.

    Nothing is enlarged. ValueError for a picture below 32 pixels a side, or more than 16 times as
    long as wide.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    short, long = sorted((height, width))
    if short < LEAST_SIDE:
        raise ValueError(f"{width} x {height} pixels; expected at least {LEAST_SIDE} a side")
    if long > MOST_ELONGATED * short:
        expected = f"expected at most {MOST_ELONGATED} times as long as wide"
        raise ValueError(f"{width} x {height} pixels; {expected}")
    scale = min(1.0, max(cell / long, LEAST_SIDE / short))
    size = (max(LEAST_SIDE, round(width * scale)), max(LEAST_SIDE, round(height * scale)))
    return _pixels(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def grid_for(width: int, height: int, names: tuple[str, ...], cell: int) -> Grid:
    """The grid for pictures of that size: room for the longest label, text that can be read."""
    text = max(12, min(28, cell // 9))
    font = _font(text)
    return Grid(
        width=width,
        height=height,
        column=max(width, *(round(font.getlength(heading)) for heading in HEADINGS)),
        row=max(height, text),
        labels=1 + ceil(max(font.getlength(shown(name)) for name in names)),
        rows=len(names),
        gap=max(4, cell // 20),
        text=text,
    )


def shown(name: str) -> str:
    """A corruption's name as words."""
    return name.replace("_", " ").replace("-", " ")


def _spoilt(
    source: NDArray[np.uint8], family: Family, name: str, seed: int
) -> list[NDArray[np.uint8]]:
    drawn = row_seed(seed, family, name)
    return [Task(family, name, severity, drawn).apply(source, "qbuild") for severity in SEVERITIES]


def _headings(draw: ImageDraw, grid: Grid) -> None:
    for column, heading in enumerate(HEADINGS):
        left, top = grid.corner(0, column)
        at = (left + grid.width // 2, top - grid.gap * 2 // 3)
        draw.text(at, heading, fill=(_INK,) * 3, font=_font(grid.text), anchor="mb")


def _label(draw: ImageDraw, grid: Grid, row: int, name: str) -> None:
    left, top = grid.corner(row, 0)
    at = (left - grid.gap, top + grid.height // 2)
    draw.text(at, shown(name), fill=(_INK,) * 3, font=_font(grid.text), anchor="rm")


def _font(size: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size=size)  # the one inside Pillow: the same on every machine


def _pixels(image: Image) -> NDArray[np.uint8]:
    return np.array(image, dtype=np.uint8)
