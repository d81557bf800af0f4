"""A contact sheet: one image under every distortion of a family at every severity."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from qbuild.core.canonical import row_seed
from qbuild.media.distort.parameters import MIN_SIDE, NAMES, Family
from qbuild.media.distort.tasks import Task
from qbuild.media.images.read_write import Pixels
from qbuild.quality.distortions import SEVERITIES

HEADINGS = ("source", *map(str, SEVERITIES))
MAX_ASPECT = 16  # longer side to shorter; the sheet of a longer image would be mostly margin
_WHITE, _INK = (255,) * 3, (32,) * 3


@dataclass(frozen=True)
class Grid:
    """The layout of a sheet, in pixels."""

    width: int  # of one image
    height: int
    column: int  # width of a column, without its gap
    row: int
    labels: int  # width of the row labels
    rows: int
    gap: int
    text: int  # font size

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet."""
        return self.corner(self.rows, len(HEADINGS))

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """The upper left corner of a cell, x and y."""
        left = 2 * self.gap + self.labels + column * (self.column + self.gap)
        return left, 2 * self.gap + self.text + row * (self.row + self.gap)


def draw_sheet(pixels: Pixels, family: Family, seed: int, cell: int) -> Pixels:
    """Draw the sheet `[h, w, 3]`: a row per distortion, the source first, then severities 1 to 5.

    The image is shrunk first, as by `thumbnail`, then distorted: the sheet shows an image of that
    size. All severities of a row use one seed.
    """
    source, names = thumbnail(pixels, cell), NAMES[family]
    grid = grid_for(source.shape[1], source.shape[0], names, cell)
    canvas = Image.new("RGB", grid.size, _WHITE)
    draw = ImageDraw.Draw(canvas)
    for column, heading in enumerate(HEADINGS):
        left, top = grid.corner(0, column)
        position = (left + grid.width // 2, top - grid.gap * 2 // 3)
        draw.text(position, heading, fill=_INK, font=_font(grid.text), anchor="mb")
    for row, name in enumerate(names):
        left, top = grid.corner(row, 0)
        position = (left - grid.gap, top + grid.height // 2)
        draw.text(position, as_words(name), fill=_INK, font=_font(grid.text), anchor="rm")
        tasks = [Task(family, name, s, row_seed(seed, family, name)) for s in SEVERITIES]
        for column, image in enumerate((source, *(task.apply(source, "qbuild") for task in tasks))):
            canvas.paste(Image.fromarray(image), grid.corner(row, column))
    return np.array(canvas, dtype=np.uint8)


def thumbnail(pixels: Pixels, cell: int) -> Pixels:
    """Shrink the image until its longer side is `cell` or its shorter side is 32 pixels.

    Nothing is enlarged. ValueError for an image below 32 pixels per side, or more than 16 times as
    long as wide.
    """
    height, width = pixels.shape[:2]
    short, long = sorted((height, width))
    if short < MIN_SIDE:
        raise ValueError(f"{width} x {height} pixels; expected at least {MIN_SIDE} per side")
    if long > MAX_ASPECT * short:
        expected = f"expected at most {MAX_ASPECT} times as long as wide"
        raise ValueError(f"{width} x {height} pixels; {expected}")
    scale = min(1.0, max(cell / long, MIN_SIDE / short))
    size = (max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale)))
    small = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    return np.array(small, dtype=np.uint8)


def grid_for(width: int, height: int, names: tuple[str, ...], cell: int) -> Grid:
    """The layout for images of that size, with space for the longest label and legible text."""
    text = max(12, min(28, cell // 9))
    font = _font(text)
    return Grid(
        width=width,
        height=height,
        column=max(width, *(round(font.getlength(heading)) for heading in HEADINGS)),
        row=max(height, text),
        labels=1 + ceil(max(font.getlength(as_words(name)) for name in names)),
        rows=len(names),
        gap=max(4, cell // 20),
        text=text,
    )


def as_words(name: str) -> str:
    """A distortion's name as words."""
    return name.replace("_", " ").replace("-", " ")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)  # Pillow's own font: the same on every machine
