"""kill -9 at random moments: no answer is lost, the counts add up, nothing is paid twice."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys

import pytest
from buying import answers_of, asks, open_client, rows_of

from qbuild.llm.ledger import Ledger
from qbuild.llm.mock.server import MockServer

CONCURRENCY, REQUESTS, KILLS = 4, 300, 6
BUYER = """
import asyncio, sys
sys.path[:0] = {path!r}
from pathlib import Path
from types import SimpleNamespace
from buying import answers_of, asks, open_client
async def run():
    server = SimpleNamespace(base_url=sys.argv[1])
    async with open_client(Path(sys.argv[2]), server) as client:
        async for request, answer in answers_of(client, asks({requests})):
            print(request.request_id, flush=True)
asyncio.run(run())
"""


async def killed_run(url, folder, after_s):
    """The requests whose answers a run gave before it was killed."""
    code = BUYER.format(path=sys.path, requests=REQUESTS)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, url, str(folder), stdout=subprocess.PIPE
    )
    first = await process.stdout.readline()
    await asyncio.sleep(after_s)
    process.kill()
    rest = await process.stdout.read()
    await process.wait()
    return {line for line in (first + rest).decode().split() if len(line) == 64}


@pytest.mark.slow
def test_a_run_killed_again_and_again_loses_nothing_and_pays_nothing_twice(tmp_path):
    draw = random.Random(7)

    async def run():
        given, late = set(), []
        async with MockServer(latency=0.02) as server:
            for _ in range(KILLS):
                before = dict(server.served)
                with Ledger.open(tmp_path) as ledger:
                    held = {r["request_id"] for r in ledger.rows() if r["state"] == "ok"}
                given |= await killed_run(server.base_url, tmp_path, draw.uniform(0.0, 0.15))
                await asyncio.sleep(0.05)  # what was in flight arrives
                with Ledger.open(tmp_path) as ledger:
                    assert all(ledger.has_answer(request_id) for request_id in given)
                    assert all(ledger.has_answer(request_id) for request_id in held)
                    unanswered = ledger.unanswered_attempts()
                    late.append(len(unanswered))
                    recorded = sum(row["state"] == "ok" for row in ledger.rows())
                answered = sum(server.served.values())
                assert recorded <= answered <= recorded + len(unanswered)
                assert sum(before.values()) <= answered
            async with open_client(tmp_path, server) as client:
                answers = [answer async for _, answer in answers_of(client, asks(REQUESTS))]
            return answers, late, server

    tmp_path.mkdir(exist_ok=True)
    answers, late, server = asyncio.run(run())
    assert [answer.state for answer in answers] == ["ok"] * REQUESTS
    assert server.distinct == REQUESTS
    # each kill leaves at most as many open as were in flight, and only those were asked again
    assert all(b - a <= CONCURRENCY for a, b in zip([0, *late], late, strict=False))
    assert server.served.total() - REQUESTS <= late[-1]
    assert late[-1] <= CONCURRENCY * KILLS
    assert sum(row["state"] == "ok" for row in rows_of(tmp_path)) == REQUESTS


FULL = """
import asyncio, resource, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from buying import answers_of, asks, open_client
from qbuild.core.errors import DiskError
from qbuild.llm.mock.server import MockServer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
async def run():
    async with MockServer(latency=0.01) as server:
        async with open_client(Path(sys.argv[1]), server) as client:
            resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))
            given = 0
            try:
                async for _ in answers_of(client, asks(1000)):
                    given += 1
            except DiskError as error:
                print(given, server.served.total(), server.distinct)
                print(error)
asyncio.run(run())
"""


def test_a_full_disk_ends_the_run_and_loses_no_answer(tmp_path):
    """A limit on file size simulates the full disk: answers in flight have the reserve."""
    code = FULL.format(path=sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    counts, message = done.stdout.splitlines()
    given, served, distinct = map(int, counts.split())
    assert "the ledger cannot be written: File too large" in message
    assert 0 < given <= served == distinct < 1000
    with Ledger.open(tmp_path) as ledger:
        assert len(ledger) == served
