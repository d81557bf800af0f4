"""The pairs by rules that were judged one by one: `python tests/support/judged.py` draws them.

From the depictions in `tests/pairs/judged_depictions.csv`, all pairs of `gpt-extend` by rules and
of `causal-qa`; a hundred of them drawn by seed. Prints the draw as the rows of `judged_pairs.tsv`,
with the verdicts of a pair that is listed there already, else `?`, to be judged: y or n.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from running import run_stage

from qbuild.core.canonical import row_seed
from qbuild.stages.causal_qa import STAGE as CAUSAL
from qbuild.stages.gpt_extend import STAGE as EXTEND
from qbuild.stages.ingest_depictions import STAGE as INGEST

FOLDER = Path(__file__).parents[1] / "pairs"
DEPICTIONS, JUDGED = FOLDER / "judged_depictions.csv", FOLDER / "judged_pairs.tsv"
SEED, COUNT = 6, 100
COLUMNS = ("depiction", "task", "question", "answer", "right", "well_formed", "useful")


def draw_pairs(folder: Path, seed: int = SEED) -> list[dict[str, str]]:
    """The drawn pairs in the order of their depictions; `folder` is for the artifacts.

    A pair is drawn by its depiction, task and number, so that another wording of it, or of another
    pair, does not change the draw.
    """
    depictions = folder / "depictions.parquet"
    run_stage(INGEST, DEPICTIONS, depictions, dataset="judged")
    rows: list[dict[str, Any]] = []
    for stage, given in ((EXTEND, {"seed": seed}), (CAUSAL, {})):
        output = folder / f"{stage.name}.parquet"
        run_stage(stage, depictions, output, share=1.0, **given)
        rows += pq.read_table(output).to_pylist()
    paths = {row["depiction_id"]: row["path"] for row in pq.read_table(depictions).to_pylist()}
    numbers = Counter[tuple[str, str]]()
    order: list[tuple[int, dict[str, str]]] = []
    for pair in (_as_text(row, paths) for row in rows):
        place = (pair["depiction"], pair["task"])
        numbers[place] += 1
        order.append((row_seed(seed, *place, str(numbers[place])), pair))
    drawn = [pair for _, pair in sorted(order, key=lambda ranked: ranked[0])[:COUNT]]
    return sorted(drawn, key=lambda pair: (pair["depiction"][-6:], pair["question"]))


def _as_text(row: dict[str, Any], paths: dict[str, str]) -> dict[str, str]:
    question = row["turns"][0]["parts"][1]["text"].strip().replace("\n", " / ")
    path = paths[row["provenance"]["parents"][0]]
    answer = row["turns"][1]["parts"][0]["text"]
    return {"depiction": path, "task": row["task"], "question": question, "answer": answer}


def read_judged() -> list[dict[str, str]]:
    """The judged pairs with their verdicts."""
    with JUDGED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def main() -> None:
    """Print the draw with the verdicts known so far."""
    known = {tuple(row[name] for name in COLUMNS[:4]): row for row in read_judged()}
    writer = csv.writer(sys.stdout, delimiter="\t", quoting=csv.QUOTE_NONE, lineterminator="\n")
    writer.writerow(COLUMNS)
    with tempfile.TemporaryDirectory() as folder:
        for pair in draw_pairs(Path(folder)):
            old = known.get(tuple(pair[name] for name in COLUMNS[:4]), {})
            verdict = [old.get(name, "?") for name in COLUMNS[4:]]
            writer.writerow([*(pair[name] for name in COLUMNS[:4]), *verdict])


if __name__ == "__main__":
    main()
