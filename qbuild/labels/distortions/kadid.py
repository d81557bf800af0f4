"""KADID-10k (Lin et al., 2019): the name of a picture, `Ixx_TT_LL`, tells its type and level.

Each picture was made from a pristine one by one of 25 types at one of 5 levels, so all eleven
spatial distortions count as looked for. Amounts are those of the published generator:

    07  factors on the saturation 0.4, 0.2, 0.1, 0, -0.4: level 5 inverts the colours
    08  factors on a* and b* 1, 2, 3, 6, 9: level 1 changes nothing
    25  contrast amounts 0.3, 0.15, 0, -0.4, -0.6: two up, one unchanged, two down

The severity is the level, but for type 25, whose levels are not ordered by strength: there it is
the level whose pictures of types 01-03, 09-14, 16, 17 and 21 have the nearest mean DMOS (4.28,
3.76, 3.16, 2.44, 1.79; type 25 has 3.42, 3.86, 4.29, 4.14, 3.32).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from qbuild.labels.distortions.label import Label, LabelTable
from qbuild.quality.distortions import SPATIAL

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from qbuild.labels.distortions.options import LabelOptions

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
    r"(?:.*/)?(?P<picture>I[0-9]+)_(?P<type>[0-9]{2})_(?P<level>0[1-5])(?:\.[A-Za-z]+)?", re.ASCII
)
_EXPECTED = "expected I, number, type 01 to 25 and level 01 to 05, as in I01_10_03.png"


def label_of_name(name: str) -> Label | None:
    """What a picture's name says of it; None where it is no `Ixx_TT_LL`."""
    found = _NAME.fullmatch(name.strip())
    kind = int(found["type"]) if found else 0
    if found is None or not 1 <= kind <= len(TYPES):
        return None
    level = int(found["level"])
    called = TYPES[kind - 1]
    if how := OUTSIDE.get((kind, level)):
        return Label((), (f"{called}, {how}",), SPATIAL)
    if kind == 25:
        return Label((OF_CONTRAST[level],), (), SPATIAL)
    if kind in OF_TYPE:
        return Label(((OF_TYPE[kind], level),), (), SPATIAL)
    return Label((), (called,), SPATIAL)


def read(path: Path, options: LabelOptions) -> LabelTable:  # noqa: ARG001 - every layout's shape
    """One row a distorted picture, of either published copy of the table."""
    from qbuild.labels.tables.cells import texts
    from qbuild.labels.tables.columns import column_of, has
    from qbuild.labels.tables.rejections import Refusals
    from qbuild.labels.tables.table import read_grid

    grid = read_grid(path)
    old = has(grid, "dist_name")
    paths = column_of(grid, "dist_name" if old else "dist_img")
    references = column_of(grid, "ref_name" if old else "ref_img")
    names: list[Any] = texts(paths).to_pylist()
    labels = [label_of_name(name or "") for name in names]
    bad = Refusals()
    _refuse_names(bad, paths, labels, names)
    _refuse_references(bad, references, texts(references).to_pylist(), names)
    return LabelTable(
        paths,
        lambda at, _: labels[at] or Label(),
        bad,
        grid.records,
        default_dataset="kadid",
        references=references,
        notes=list(grid.notes),
    )


def _refuse_names(
    bad: Any, paths: pd.Series[Any], labels: list[Label | None], names: list[Any]
) -> None:
    import numpy as np

    unlike = np.array([bool(n) and one is None for n, one in zip(names, labels, strict=True)])
    bad.refuse(unlike, "bad-name", "path", paths, "{value} tells no type and level; " + _EXPECTED)


def _refuse_references(
    bad: Any, cells: pd.Series[Any], references: list[Any], names: list[Any]
) -> None:
    """The reference is part of what a row says: one of another picture is no reference."""
    import numpy as np

    unlike = []
    for reference, name in zip(references, names, strict=True):
        found = _NAME.fullmatch(name or "")
        stem = (reference or "").rpartition("/")[2].rpartition(".")[0]
        unlike.append(found is not None and stem != found["picture"])
    wording = "{value} is not the picture that the name begins with; expected its reference"
    bad.refuse(np.array(unlike), "bad-reference", "source_media_id", cells, wording)
