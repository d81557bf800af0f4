"""The floor of `mos-to-levels`: reading its input and writing its output, and nothing between.

    python benchmarks/levels_floor.py RATINGS LEVELS OUTPUT

Reads all columns of the ratings, then writes the columns of the levels (read beforehand, not
timed) with the writer settings of artifacts. Prints the seconds of both.
"""

from __future__ import annotations

import sys
import time

import pyarrow.parquet as pq

from qbuild.core.artifact.content_hash import ROW_GROUP_ROWS
from qbuild.core.artifact.writer import writer_settings
from qbuild.core.schema import load_schema


def main() -> None:
    ratings, levels, output = sys.argv[1:]
    schema = load_schema("level")
    table = pq.read_table(levels)
    began = time.perf_counter()
    given = pq.read_table(ratings, read_dictionary=list(load_schema("rating").dictionary_columns))
    read = time.perf_counter() - began
    del given
    began = time.perf_counter()
    pq.write_table(table, output, row_group_size=ROW_GROUP_ROWS, **writer_settings(schema))
    print(read + time.perf_counter() - began)


if __name__ == "__main__":
    main()
