"""Runs of `gpt-extend` on invented depictions, with a mock server in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from buying import KEY, KEY_ENV
from depictions import depictions
from running import make_request
from tables import write_artifact

from qbuild.core.engine import run as engine
from qbuild.core.engine.request import Request, Result
from qbuild.core.schema import load_schema
from qbuild.llm.ledger import Ledger
from qbuild.llm.mock.server import MockServer
from qbuild.pairs.mock_answers import depiction_answer
from qbuild.stages.gpt_extend import STAGE

GOOD = (
    "The video has good sharpness throughout the playback. However, there is very severe flicker "
    "when the dog jumps, and the light is relatively dark at the beginning."
)


def write_depictions(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as a `depiction` artifact."""
    table = pa.Table.from_pylist(rows, schema=load_schema("depiction").arrow)
    return write_artifact(path, table, "depiction", "ingest-depictions")


def of_kind(kind: str, count: int, seed: int = 0, **given: Any) -> list[dict[str, Any]]:
    """Invented depictions of a kind, with some columns as given."""
    rows = [row for row in depictions(40 * count + 40, seed) if row["kind"] == kind]
    return [{**row, **given} for row in rows[:count]]


def overall(text: str = GOOD, number: int = 1, **given: Any) -> dict[str, Any]:
    """One overall depiction of a video with that text."""
    (row,) = of_kind("overall", 1)
    return {**row, "text": text, "depiction_id": f"{number:032x}", "source_row": number, **given}


@contextmanager
def serve_mock(
    script: Any = (), answer: Any = depiction_answer, **options: Any
) -> Iterator[MockServer]:
    """A mock server in its own thread."""
    server = MockServer(script=list(script), answer=answer, **options)
    loop, ready = asyncio.new_event_loop(), threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        async with server:
            ready.set()
            await stop.wait()

    def work() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def request(source: Path, output: Path, url: str = "", **given: Any) -> Request:
    """A run of the stage; `url` is the address of a server, else `provider` answers."""
    if url:
        server = {"base_url": url, "max_attempts": 3}
        given = {"provider": "openai", "model": "gpt-4o", **server, **given}
    return make_request(STAGE, source, output, **{"concurrency": 4, "key_env": KEY_ENV, **given})


def extend(source: Path, output: Path, url: str = "", **given: Any) -> Result:
    """The result of such a run."""
    return engine.run(request(source, output, url, **given))


def question_of(row: dict[str, Any]) -> str:
    """The question of a pair, with its choices."""
    return row["turns"][0]["parts"][1]["text"].strip()


def answer_of(row: dict[str, Any]) -> str:
    """The answer of a pair."""
    return row["turns"][1]["parts"][0]["text"]


def ledger_rows(ledger: Path) -> list[dict[str, Any]]:
    """All rows of a ledger."""
    with Ledger.open(ledger) as opened:
        return list(opened.rows())


def assert_no_key(folder: Path, *printed: str) -> None:
    """Check that the key is in no file below a folder, and in nothing that was printed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
    for text in printed:
        assert KEY not in text
