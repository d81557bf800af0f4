"""Write the requests of a ledger as an artifact.

Reads the folder of a ledger (docs/ledger.md); writes a `response` row for each attempt at a
request, sorted by request and attempt: its answer, its cost, or that it was never answered.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import plural

CHUNK = 4096  # rows per output


class ResponsesOptions(Options):
    """None: every attempt is written."""


def produce(inputs: Inputs, _: ResponsesOptions) -> Generator[Output, None, list[str]]:
    """The rows of all ledgers given, sorted; returns their damaged lines."""
    import heapq
    from contextlib import ExitStack
    from itertools import islice

    import pyarrow as pa

    from qbuild.core.schema import load_schema
    from qbuild.llm.ledger import Ledger

    schema = load_schema("response").arrow
    for folder in inputs.files:
        _check_ledger(folder)
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


def _check_ledger(folder: Path) -> None:
    from qbuild.core.errors import InputError
    from qbuild.llm.ledger.segments import list_segments

    if not folder.is_dir() or not list_segments(folder):
        raise InputError(
            str(folder),
            "is not a ledger",
            "expected a folder with ledger-00001.jsonl",
            "Name the folder given to --ledger.",
        )


def finish(damaged: list[str], tally: Tally, _: ResponsesOptions) -> dict[str, Any]:
    """The number of attempts by state, and the damaged lines."""
    return {"states": tally.of("state"), "damaged": damaged}


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    text = ", ".join(f"{state} {count}" for state, count in report["states"].items())
    damaged = report["damaged"]
    if damaged:
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
