"""KADID-10k (Lin et al., 2019): the name of an image, `Ixx_TT_LL`, states its type and level.

Each image was made from a pristine one by one of 25 types at one of 5 levels, so all eleven
spatial distortions count as judged. Amounts are those of the published generator:

    07  factors on the saturation 0.4, 0.2, 0.1, 0, -0.4: level 5 inverts the colours
    08  factors on a* and b* 1, 2, 3, 6, 9: level 1 changes nothing
    25  contrast amounts 0.3, 0.15, 0, -0.4, -0.6: two up, one unchanged, two down

The severity is the level, except for type 25, whose levels are not ordered by strength: there it is
the level whose images of types 01-03, 09-14, 16, 17 and 21 have the nearest mean DMOS (4.28,
3.76, 3.16, 2.44, 1.79; type 25 has 3.42, 3.86, 4.29, 4.14, 3.32).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qbuild.labels.distortions.label import Label, LabelTable
from qbuild.labels.distortions.options import LabelOptions
from qbuild.labels.tables.cells import to_text
from qbuild.labels.tables.columns import column_named, has_column
from qbuild.labels.tables.rejections import RowRejections
from qbuild.labels.tables.table import read_grid
from qbuild.quality.distortions import SPATIAL

TYPES = (
    "Gaussian blur", "lens blur", "motion blur", "color diffusion", "color shift",
    "color quantization", "color saturation 1", "color saturation 2", "JPEG2000", "JPEG",
    "white noise", "white noise in color component", "impulse noise", "multiplicative noise",
    "denoise", "brighten", "darken", "mean shift", "jitter", "non-eccentricity patch", "pixelate",
    "quantization", "color block", "high sharpen", "contrast change",
)  # fmt: skip
OF_TYPE = {
    1: "spatial blur", 2: "spatial blur", 3: "motion blur", 7: "desaturation",
    8: "oversaturation", 9: "compression artifact", 10: "compression artifact", 11: "noise",
    12: "noise", 13: "noise", 14: "noise", 16: "overexposure", 17: "underexposure",
    21: "block effect",
}  # fmt: skip
OF_CONTRAST = {
    1: ("high contrast", 3), 2: ("high contrast", 2), 4: ("low contrast", 1), 5: ("low contrast", 3)
}  # fmt: skip
OUTSIDE = {(7, 5): "inverted", (8, 1): "unchanged", (25, 3): "unchanged"}

_NAME = re.compile(
    r"(?:.*/)?(?P<image>I[0-9]+)_(?P<type>[0-9]{2})_(?P<level>0[1-5])(?:\.[A-Za-z]+)?", re.ASCII
)
_EXPECTED = "expected I, number, type 01 to 25 and level 01 to 05, as in I01_10_03.png"


def parse_name(name: str) -> Label | None:
    """The label in an image's name; None where it is not of the form `Ixx_TT_LL`."""
    parts = _NAME.fullmatch(name.strip())
    number = int(parts["type"]) if parts else 0
    if parts is None or not 1 <= number <= len(TYPES):
        return None
    level = int(parts["level"])
    type_name = TYPES[number - 1]
    if effect := OUTSIDE.get((number, level)):
        return Label((), (f"{type_name}, {effect}",), SPATIAL)
    if number == 25:
        return Label((OF_CONTRAST[level],), (), SPATIAL)
    if number in OF_TYPE:
        return Label(((OF_TYPE[number], level),), (), SPATIAL)
    return Label((), (type_name,), SPATIAL)


def read(path: Path, options: LabelOptions) -> LabelTable:  # noqa: ARG001 - every layout's shape
    """One row per distorted image, of either published copy of the table."""
    grid = read_grid(path)
    first_copy = has_column(grid, "dist_name")
    paths = column_named(grid, "dist_name" if first_copy else "dist_img")
    references = column_named(grid, "ref_name" if first_copy else "ref_img")
    names = [name or "" for name in to_text(paths).to_pylist()]
    labels = [parse_name(name) for name in names]
    rejections = RowRejections()
    _reject_names(rejections, paths, labels, names)
    _reject_references(rejections, references, names)
    return LabelTable(
        grid,
        paths,
        lambda at, _: labels[at] or Label(),
        rejections,
        default_dataset="kadid",
        references=references,
        notes=grid.notes,
    )


def _reject_names(
    rejections: RowRejections, paths: pd.Series[Any], labels: list[Label | None], names: list[str]
) -> None:
    wrong = [bool(n) and label is None for n, label in zip(names, labels, strict=True)]
    message = "{value} does not state type and level; " + _EXPECTED
    rejections.reject(np.array(wrong), "bad-name", "path", paths, message)


def _reject_references(rejections: RowRejections, cells: pd.Series[Any], names: list[str]) -> None:
    """Reject rows whose reference is not the image at the beginning of the name."""
    wrong = []
    for reference, name in zip(to_text(cells).to_pylist(), names, strict=True):
        parts = _NAME.fullmatch(name)
        stem = (reference or "").rpartition("/")[2].rpartition(".")[0]
        wrong.append(parts is not None and stem != parts["image"])
    message = "{value} is not the image that the name begins with; expected its reference"
    rejections.reject(np.array(wrong), "bad-reference", "source_media_id", cells, message)
