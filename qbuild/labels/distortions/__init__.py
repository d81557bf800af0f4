"""Label files in, `distortion` rows out: what is wrong with each medium, as its labels say.

    options.py     what a stage is asked for        names.py   labels as names of the thirteen
    label.py       what one record says             kadid.py   KADID-10k: the name tells the type
    attributes.py  tables of labels or shares       read_file.py  one file as typed rows
    read.py        several files as one table

Nothing here imports pandas or pyarrow before a file is read. See docs/distortions.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.labels.distortions.options import LabelOptions, refuse_for_artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qbuild.core.engine.stage import Output

__all__ = ["LabelOptions", "read_labels", "refuse_for_artifacts"]


def read_labels(
    paths: list[Path], options: LabelOptions, limit: int | None = None
) -> Iterator[Output]:
    """The rows of all files, the rows rejected, and counts of what was read and collapsed.

    With a limit, the first usable rows, and the rejected ones that stand before the last of them.
    """
    from qbuild.labels.distortions.read import gathered

    yield gathered(paths, options, limit)
