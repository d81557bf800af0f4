"""Throw-away stages for pipelines: `read` makes ratings of a text file, `scale` and `keep` pass on.

A line of the file is a score; a negative one is rejected. `list` writes a folder with one file.
"""

from __future__ import annotations

import pyarrow as pa
from tables import rating_table
from throwaway import ECHO, SPOTS

from qbuild.core.artifact.output_folder import File
from qbuild.core.engine.stage import Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.rows.rejections import reject_rows


class ToyOptions(Options):
    factor: float = 1.0
    note: str = ""


def read(inputs, options):
    scores = [float(line) for path in inputs.files for line in path.read_text().split()]
    table = rating_table(len(scores), datasets=1, mos=scores)
    rows = table.filter(pa.array([score >= 0 for score in scores]))
    bad = [row for row in table.to_pylist() if row["mos"] < 0]
    yield Output(rows=rows, rejected=reject_rows(bad, "negative", ["below 0"] * len(bad), "mos"))


def scale(batch, state, options):
    mos = pa.array([value * options.factor for value in batch.rows.column("mos").to_pylist()])
    at = batch.rows.column_names.index("mos")
    return Output(rows=batch.rows.set_column(at, "mos", mos))


def listed(inputs, options):
    names = [m for batch in inputs.scan(["media_id"]) for m in batch.rows.column(0).to_pylist()]
    yield Output(files=(File("names.txt", "\n".join(names).encode()),), tally=Tally(rows=1))


READ = Stage("read", 1, ToyOptions, Reads(None), "rating", produce=read)
SCALE = Stage("scale", 1, ToyOptions, Reads("rating"), "rating", transform=scale)
LIST = Stage("list", 1, ToyOptions, Reads("rating"), None, produce=listed)
TOYS = {stage.name: stage for stage in (READ, SCALE, LIST, SPOTS, ECHO)}
