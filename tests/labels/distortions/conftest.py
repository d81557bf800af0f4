from __future__ import annotations

import pytest

from qbuild.labels.distortions.options import LabelOptions
from qbuild.labels.distortions.read import read_labels


@pytest.fixture
def read():
    """Read label files; return the rows, the rejected rows, and the tally."""

    def _read(*paths, limit=None, **options):
        (output,) = read_labels(list(paths), LabelOptions(**options), limit)
        rejected = [] if output.rejected is None else output.rejected.to_pylist()
        return output.rows.to_pylist(), rejected, output.tally

    return _read


@pytest.fixture
def found(read):
    """Path → names with severities, labels outside the thirteen, judged."""

    def _found(*paths, **options):
        rows, rejected, _ = read(*paths, **options)
        assert rejected == []
        return {
            row["path"]: (
                {one["name"]: one["severity"] for one in row["distortions"]},
                row["others"],
                row["judged"],
            )
            for row in rows
        }

    return _found
