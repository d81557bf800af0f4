"""A layout of one's own: lines such as `plane.png = ***.. (12 votes)`, a star a grade.

Run it: `python docs/examples/layout_example.py`. It writes such a file, reads it and prints its
rows; one of its lines is broken, to show what becomes of it.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from qbuild.labels.ratings import Head, Layout, LayoutTable, ReadOptions, read_ratings
from qbuild.labels.tables.json_records import read_bytes

LINE = re.compile(r"(?P<path>.+?) = (?P<stars>[*.]{5}) \((?P<votes>\d+) votes\)")


def matches(head: Head) -> bool:
    """Whether the first line has stars: told from the head of the file alone."""
    return head.text is not None and LINE.match(head.text) is not None


def read(path: Path, options: ReadOptions) -> LayoutTable:  # noqa: ARG001 - unused here
    """One row a line. Scores stay raw: checks, ids and duplicates are the toolkit's work."""
    import pandas as pd  # where it is used: listing the layouts must not need pandas

    lines = [line for line in read_bytes(path).decode().splitlines() if line]
    found = [LINE.match(line) for line in lines]
    frame = pd.DataFrame(
        {
            "path": [hit["path"] if hit else line for hit, line in zip(found, lines, strict=True)],
            "mos": [hit["stars"].count("*") if hit else None for hit in found],
            "num_ratings": [hit["votes"] if hit else None for hit in found],
            "scale_low": 0,
            "scale_high": 5,
        }
    )
    return LayoutTable(
        frame,
        default_dataset="stars",
        records=lambda positions: [{"line": lines[at]} for at in positions],
    )


LAYOUT = Layout("stars", "lines `path = ***.. (N votes)`, a star a grade", matches, read)


def main() -> None:
    """Read a file of three lines and print what came of each."""
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
