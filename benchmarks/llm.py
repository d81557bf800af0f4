"""How fast requests are sent: against the ideal at a real latency, and against a bare client.

    python benchmarks/llm.py [--requests 3840] [--concurrency 64] [--repeat 3]

A mock server in another process, the ledger on disk with every line synced. Prints two ratios:
our rate at 200 ms latency to concurrency / latency (at least 0.90), and our rate against an instant
server to that of `AsyncOpenAI` alone at the same concurrency (at least 0.70).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from qbuild.llm.budget import Budget
from qbuild.llm.client import ChatClient, run_concurrently
from qbuild.llm.ledger import Ledger
from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.prices import Prices
from qbuild.llm.rate_limit import RetryPolicy
from qbuild.llm.request_body import BodyForm
from qbuild.llm.requests import ChatRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCY_S = 0.2
TEXT = "The picture is blurred along its left edge and its colours are pale. " * 20
SERVER = """
import asyncio, sys
from qbuild.llm.mock.server import MockServer
async def run():
    async with MockServer(latency=float(sys.argv[1])) as server:
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


def requests(count: int) -> Iterator[ChatRequest]:
    for number in range(count):
        messages = (("system", "Answer in one sentence."), ("user", f"{TEXT}{number}"))
        yield ChatRequest(f"d{number}", "p@1", "gpt-4o", messages, None, {"max_output_tokens": 64})


async def ours(url: str, count: int, concurrency: int, place: Path) -> float:
    with Ledger.open(place, write=True) as ledger:
        budget = Budget(Prices.load(), max_usd=1000.0)
        policy = RetryPolicy(concurrency=concurrency)
        async with ChatClient(OpenAIClient(url), ledger, budget, BodyForm(), policy) as client:
            began = time.perf_counter()
            feed = requests(count)
            async for _, answer in run_concurrently(feed, client.submit, 2 * concurrency):
                assert answer.state == "ok", answer
            return count / (time.perf_counter() - began)


async def bare(url: str, count: int, concurrency: int) -> float:
    async with OpenAIClient(url) as client:  # for its choice of transport alone
        slots, form = asyncio.Semaphore(concurrency), BodyForm()

        async def one(request: ChatRequest) -> None:
            async with slots:
                await client.sdk.chat.completions.create(**form.body(request))

        began = time.perf_counter()
        await asyncio.gather(*map(one, requests(count)))
        return count / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=3840)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--place", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    os.environ.pop("OPENAI_API_KEY", None)
    ideal = given.concurrency / LATENCY_S
    with tempfile.TemporaryDirectory(dir=given.place) as place:
        with server(LATENCY_S) as url:
            rates = [
                asyncio.run(ours(url, given.requests, given.concurrency, Path(place, f"slow-{n}")))
                for n in range(given.repeat)
            ]
        slow = statistics.median(rates)
        pairs = []
        with server(0.0) as url:
            asyncio.run(bare(url, 200, given.concurrency))  # warms the imports
            for n in range(given.repeat):
                alone = asyncio.run(bare(url, given.requests, given.concurrency))
                fast = Path(place, f"fast-{n}")
                pairs.append(
                    (asyncio.run(ours(url, given.requests, given.concurrency, fast)), alone)
                )
    rate, alone = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"200 ms, {given.concurrency} at once: {slow:.0f}/s of {ideal:.0f}/s ideal")
    print(f"  share of the ideal {slow / ideal:.2f}   (at least 0.90)")
    print(f"instant: {rate:.0f}/s with ledger and cap, the bare client {alone:.0f}/s")
    print(f"  ratio {statistics.median(a / b for a, b in pairs):.2f}   (at least 0.70)")


if __name__ == "__main__":
    main()
