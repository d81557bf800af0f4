"""A custom layout: lines such as `plane.png = ***.. (12 votes)`, one star per grade.

Run it: `python docs/examples/layout_example.py`. It writes such a file, reads it and prints its
rows; one of its lines is invalid and becomes a rejected row.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pandas as pd

from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.json_records import read_utf8
from qbuild.labels.tables.sniff import FilePreview

LINE = re.compile(r"(?P<path>.+?) = (?P<stars>[*.]{5}) \((?P<votes>\d+) votes\)")


def matches(preview: FilePreview) -> bool:
    """Whether the first line has stars, by the first 64 KiB of the file."""
    return preview.text is not None and LINE.match(preview.text) is not None


def read(path: Path, options: RatingOptions) -> LayoutTable:  # noqa: ARG001 - unused here
    """One row per line. Scores stay raw: the toolkit checks them, adds ids and finds duplicates."""
    lines = [line for line in read_utf8(path).decode().splitlines() if line]
    parsed = [LINE.match(line) for line in lines]
    frame = pd.DataFrame(
        {
            "path": [hit["path"] if hit else line for hit, line in zip(parsed, lines, strict=True)],
            "mos": [hit["stars"].count("*") if hit else None for hit in parsed],
            "num_ratings": [hit["votes"] if hit else None for hit in parsed],
            "scale_low": 0,
            "scale_high": 5,
        }
    )
    return LayoutTable(
        frame,
        default_dataset="stars",
        records=lambda positions: [{"line": lines[at]} for at in positions],
    )


LAYOUT = Layout("stars", matches, read)


def main() -> None:
    """Read a file of three lines and print the rows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stars.txt"
        file.write_text(
            "plane.png = ***.. (12 votes)\nparrots.png = ***** (9 votes)\nhouse.png\n",
            encoding="utf-8",
        )
        ratings = read_ratings([file], layout=LAYOUT)
    for row in ratings.rows.to_pylist():
        print(row["media_id"], row["mos"], row["num_ratings"])
    for row in ratings.rejected.to_pylist():
        print(f"{row['source']} row {row['row']}: {row['reason']}: {row['record']}")


if __name__ == "__main__":
    main()
