"""Write the requests of a ledger as an artifact.

Reads the folder of a ledger (docs/ledger.md); writes a `response` row for each attempt at a
request, sorted by request and attempt: its answer and cost, or state `sent` if there is none.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError
from qbuild.core.plural import format_counts, plural

CHUNK = 4096  # rows per output


class ResponsesOptions(Options):
    """None: every attempt is written."""


def produce(inputs: Inputs, _: ResponsesOptions) -> Generator[Output, None, list[str]]:
    """The rows of all ledgers, sorted; InputError for a folder that is not a ledger.

    Returns the damaged lines.
    """
    import pyarrow as pa

    from qbuild.core.schema import load_schema
    from qbuild.llm.ledger import Ledger

    schema = load_schema("response").arrow
    _check_ledgers(inputs.files)
    with ExitStack() as stack:
        ledgers = [stack.enter_context(Ledger.open(folder)) for folder in inputs.files]
        merged = heapq.merge(
            *(ledger.rows() for ledger in ledgers),
            key=lambda row: (row["request_id"], row["attempt"]),
        )
        limited = islice(merged, inputs.limit)
        while rows := list(islice(limited, CHUNK)):
            tally = Tally()
            tally.add_each("state", (row["state"] for row in rows))
            yield Output(rows=pa.Table.from_pylist(rows, schema=schema), tally=tally)
        return [line for ledger in ledgers for line in ledger.damaged]


def _check_ledgers(folders: list[Path]) -> None:
    from qbuild.llm.ledger.segments import list_segments

    for folder in folders:
        if not folder.is_dir() or not list_segments(folder):
            expected = "expected a folder with ledger-00001.jsonl"
            todo = "Name the folder given to --ledger."
            raise InputError(str(folder), "is not a ledger", expected, todo)


def finish(damaged: list[str], tally: Tally, _: ResponsesOptions) -> dict[str, Any]:
    """The number of attempts by state, and the damaged lines."""
    return {"states": tally.of("state"), "damaged": damaged}


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    text = format_counts(report["states"])
    if damaged := report["damaged"]:
        text += f"\n{plural(len(damaged), 'damaged line')} left out: {', '.join(damaged[:5])}"
    return text


STAGE = Stage(
    name="responses",
    version=1,
    options=ResponsesOptions,
    reads=Reads(schema=None),
    writes="response",
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild responses ledger -o responses.parquet",
    unused=("max_reject_share",),
)
