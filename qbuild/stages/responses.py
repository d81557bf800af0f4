"""Write what a ledger holds as an artifact.

Reads the folder of a ledger (docs/ledger.md); writes a `response` row for each attempt at a
request, by request and attempt: what was answered, what it cost, and what was never answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import plural

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

PIECE = 4096


class ResponsesOptions(Options):
    """Nothing to choose: all that is there."""


def produce(inputs: Inputs, _: ResponsesOptions) -> Generator[Output, None, list[str]]:
    """The rows of all ledgers given, sorted; returns their damaged lines."""
    import heapq
    from contextlib import ExitStack

    import pyarrow as pa

    from qbuild.core.schema import load_schema
    from qbuild.llm.ledger import Ledger

    schema = load_schema("response").arrow
    for folder in inputs.files:
        _refuse_other(folder)
    with ExitStack() as stack:
        ledgers = [stack.enter_context(Ledger.open(folder)) for folder in inputs.files]
        found = [ledger.rows() for ledger in ledgers]
        merged = heapq.merge(*found, key=lambda row: (row["request_id"], row["attempt"]))
        for rows in _pieces(merged, inputs.limit):
            tally = Tally()
            tally.add_each("state", (row["state"] for row in rows))
            yield Output(rows=pa.Table.from_pylist(rows, schema=schema), tally=tally)
        return [line for ledger in ledgers for line in ledger.damaged]


def _refuse_other(folder: Path) -> None:
    from qbuild.core.errors import InputError
    from qbuild.llm.ledger.segments import segments

    if not folder.is_dir() or not segments(folder):
        raise InputError(
            str(folder),
            "is no ledger",
            "expected a folder with ledger-00001.jsonl",
            "Name the folder given to --ledger.",
        )


def _pieces(rows: Iterable[dict[str, Any]], most: int | None) -> Iterator[list[dict[str, Any]]]:
    from itertools import islice

    left = islice(rows, most)
    while piece := list(islice(left, PIECE)):
        yield piece


def finish(damaged: list[str], tally: Tally, _: ResponsesOptions) -> dict[str, Any]:
    """How many attempts ended in each state, and which lines were damaged."""
    return {"states": tally.of("state"), "damaged": damaged}


def render(report: dict[str, Any]) -> str:
    """The report as a line or two."""
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
