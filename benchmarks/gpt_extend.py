"""How fast the stage `gpt-extend` is: the command, its ledger on disk, a local server.

    python benchmarks/gpt_extend.py [--depictions 1200] [--planned 100000] [--repeat 3]

The mock server runs in another process and answers by the rules. Prints two ratios: the command's
rate at 200 ms latency to concurrency / latency (at least 0.90), and its rate against an instant
server to that of plain `AsyncOpenAI` with the same bodies at the same concurrency (at least 0.70);
then seconds and peak memory of a plan (under 60 s and 1 GiB). The command's rate is taken between
the server's first and last request, so that neither its start nor the writing of rows counts; the
share of the complete command is printed with it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCY_S, CONCURRENCY = 0.2, 64
# Answers are made once and kept: a server that reads each depiction again would be the slower one.
SERVER = """
import asyncio, hashlib, json, sys, time
from qbuild.pairs.mock_answers import depiction_answer
from qbuild.llm.mock.server import MockServer
kept = {}
def answer(body):
    key = hash(body["messages"][1]["content"] + body["messages"][0]["content"])
    if key not in kept:
        kept[key] = depiction_answer(body)
    return kept[key]
class Timed(MockServer):
    async def _chat(self, call):
        first.append(time.monotonic()) if not first else None
        back = await super()._chat(call)
        last[:] = [time.monotonic()]
        return back
    def counts(self):
        found = {"requests": self.requests, "seconds": last[0] - first[0] if first else 0.0}
        first.clear()
        self.requests = 0
        self.bodies.clear()
        self.served.clear()
        return found
first, last = [], []
async def run():
    async with Timed(latency=float(sys.argv[1]), answer=answer) as server:
        print(server.base_url, flush=True)
        await asyncio.Event().wait()
asyncio.run(run())
"""


@contextmanager
def server(latency: float) -> Iterator[str]:
    command = [sys.executable, "-c", SERVER, str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def counted(url: str) -> dict[str, Any]:
    """Requests since the last call, and the seconds between the first and the last of them."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/counts") as reply:
        return json.loads(reply.read())


def written(path: Path, count: int) -> Path:
    import pyarrow as pa
    from depictions import depictions
    from tables import write_artifact

    from qbuild.core.schema import load_schema

    rows = depictions(min(count, 20_000), 0)
    draw = random.Random(1)
    more = [
        {**row, "depiction_id": f"{draw.getrandbits(128):032x}", "text": f"{row['text']} {n}"}
        for n in range(-(-count // len(rows)) - 1)
        for row in rows
    ]
    table = pa.Table.from_pylist((rows + more)[:count], schema=load_schema("depiction").arrow)
    return write_artifact(path, table, "depiction", "ingest-depictions")


def command(source: Path, output: Path, url: str, *more: str) -> list[str]:
    given = ["gpt-extend", source, "-o", output, "--provider", "openai", "--model", "gpt-4o"]
    given += ["--base-url", url, "--concurrency", CONCURRENCY, "--json", *more]
    return [str(HERE / "qbuild_command.py"), *map(str, given)]


def ours(source: Path, place: Path, url: str) -> tuple[float, float, int]:
    """Requests per second while requests went out, and of the whole command; their number."""
    place.mkdir()
    began = time.perf_counter()
    line = [sys.executable, *command(source, place / "out.parquet", url)]
    subprocess.run(line, check=True, capture_output=True)
    whole = time.perf_counter() - began
    found = counted(url)
    return found["requests"] / found["seconds"], found["requests"] / whole, found["requests"]


async def bare(source: Path, url: str) -> float:
    """The client alone with the bodies that the stage sends, each at once taken and thrown away."""
    from qbuild.core.artifact.reader import Artifact
    from qbuild.llm.openai_client import OpenAIClient
    from qbuild.llm.request_body import BodyForm
    from qbuild.pairs.tasks import Style, request_of, tasks_of
    from qbuild.pairs.templates import load_templates

    style, templates = Style("gpt-4o", True, {"max_output_tokens": 1200}), load_templates()
    form, slots = BodyForm(), asyncio.Semaphore(CONCURRENCY)
    rows = Artifact.open(source).table().to_pylist()
    bodies = [
        form.body(request_of(task, style)) for row in rows for task in tasks_of(row, templates, 0)
    ]
    async with OpenAIClient(url) as client:  # for its choice of transport alone

        async def one(body: dict[str, Any]) -> None:
            async with slots:
                await client.sdk.chat.completions.create(**body)

        await asyncio.gather(*map(one, bodies))
    found = counted(url)
    return found["requests"] / found["seconds"]


def planned(place: Path, count: int) -> tuple[float, float]:
    """Seconds and MiB of a plan of so many depictions."""
    source, peak = written(place / "many.parquet", count), place / "peak"
    line = command(source, place / "none.parquet", "http://127.0.0.1:9/v1", "--plan")
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(HERE / "peak.py"), str(peak), *line], check=True, capture_output=True
    )
    seconds = time.perf_counter() - began
    print(json.loads(done.stdout)["text"])
    return seconds, int(peak.read_text()) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depictions", type=int, default=1200)
    parser.add_argument("--planned", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    os.environ.pop("OPENAI_API_KEY", None)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        source = written(place / "d.parquet", given.depictions)
        with server(LATENCY_S) as url:
            slow, slow_whole, sent = (
                statistics.median(values)
                for values in zip(
                    *(ours(source, place / f"slow-{n}", url) for n in range(given.repeat)),
                    strict=True,
                )
            )
        pairs = []
        with server(0.0) as url:
            asyncio.run(bare(source, url))  # warms the imports and the server's answers
            for n in range(given.repeat):
                alone = asyncio.run(bare(source, url))
                pairs.append((*ours(source, place / f"fast-{n}", url), alone))
        ideal = CONCURRENCY / LATENCY_S
        print(f"200 ms, {CONCURRENCY} at once, {sent:.0f} requests: {slow:.0f}/s of {ideal:.0f}/s")
        print(f"  share of the ideal {slow / ideal:.2f}   (at least 0.90)")
        print(f"  with start and rows {slow_whole / ideal:.2f}")
        fast, whole, _, alone = (statistics.median(v) for v in zip(*pairs, strict=True))
        print(f"instant: {fast:.0f}/s, the bare client {alone:.0f}/s")
        print(f"  ratio {statistics.median(a / d for a, _, _, d in pairs):.2f}   (at least 0.70)")
        print(f"  with start and rows {whole / alone:.2f}")
        if given.planned:
            seconds, mib = planned(place, given.planned)
            print(f"plan of {given.planned:,}: {seconds:.1f} s, {mib:.0f} MiB (under 60, 1024)")


if __name__ == "__main__":
    main()
