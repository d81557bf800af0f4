"""Connections that fail below HTTP: the key never appears, and what may be charged counts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from buying import KEY, KEY_ENV, QUICK, ask, asks, buy
from extending import of_kind, serve_mock, write_depictions

from qbuild.llm.mock.faults import FAULT_KINDS
from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.prices import Prices, Rate
from qbuild.llm.request_body import BodyForm

PRICES = Prices("2026-01-01", "test", {("gpt-4o", "standard"): Rate(0.0, 1_000_000.0, 0.0)})
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: 1\r\n" % i for i in range(3000))
# Bytes that a server sends instead of a reply.
REPLIES = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "a chunk of no size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    "no gzip": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
    "too many headers": MANY_HEADERS + b"content-length: 2\r\n\r\n{}",
    "a negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}",
    "a reason that is not text": b"HTTP/1.1 200 \xff\xfe\r\ncontent-length: 2\r\n\r\n{}",
}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(KEY_ENV, KEY)


def reply_of(data: bytes):
    """The client's result where a server reads a request and sends these bytes."""

    async def answer(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].split("\r")[0]))
        writer.write(data)
        writer.close()

    async def run():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            async with OpenAIClient(url, KEY_ENV, 5.0) as client:
                return await client.send(BodyForm().body(ask(1)))

    return asyncio.run(run())


@pytest.mark.parametrize("name", REPLIES)
def test_a_request_that_was_read_counts_as_sent_whatever_comes_back(name):
    lost = reply_of(REPLIES[name])
    assert lost.sent is True
    assert "the connection failed: " in lost.reason
    assert KEY not in lost.reason


def test_a_connection_that_was_never_made_is_unsent_and_named():
    async def run():
        async with OpenAIClient("http://127.0.0.1:9/v1", KEY_ENV, 5.0) as client:
            return await client.send(BodyForm().body(ask(1)))

    lost = asyncio.run(run())
    assert lost.sent is False
    assert "no connection: Cannot connect to host 127.0.0.1:9" in lost.reason


@pytest.mark.parametrize("do", ["close", "reset", "not-http", "reset-mid-body", "hang"])
def test_the_cap_holds_over_all_that_a_failing_service_may_have_charged(do, tmp_path):
    """The server counts what it charged: 60 dollars per answer at worst, under a cap of 600."""
    _, _, server, client = buy(
        tmp_path,
        asks(40),
        script=[{"do": do, "times": 0}],
        max_usd=600.0,
        prices=PRICES,
        timeout_s=0.2,
    )
    charged = 60.0 * server.served.total()
    assert 0 < charged <= client.budget.spent <= 600.0


@pytest.mark.parametrize("do", ["status:401", "status:403", "not-http"])
def test_an_error_that_ends_a_run_is_not_printed_by_the_event_loop(do, tmp_path, capfd, caplog):
    _, error, _, _ = buy(
        tmp_path,
        asks(40),
        script=[{"do": do, "nth": 9, "times": 0}],
        server_options={"latency": 0.01},
        policy=replace(QUICK, concurrency=8, max_attempts=1, max_consecutive_failures=3),
    )
    assert error is not None
    assert capfd.readouterr().err == ""
    assert caplog.records == []


@pytest.mark.slow
@pytest.mark.parametrize("do", [*(kind for kind in FAULT_KINDS if kind != "status"), "status:403"])
def test_the_key_is_in_nothing_that_a_run_prints_or_writes(do, tmp_path):
    source = write_depictions(tmp_path / "depictions.parquet", of_kind("overall", 12, seed=1))
    with serve_mock([{"do": do, "nth": 5, "times": 0}]) as server:
        command = (
            f"gpt-extend {source} -o {tmp_path / 'out.parquet'} --provider openai --model gpt-4o "
            f"--base-url {server.base_url} --key-env {KEY_ENV} "
            "--max-attempts 1 --max-consecutive-failures 3 --timeout 1 --debug"
        )
        done = subprocess.run(
            [sys.executable, "-c", "from qbuild.cli.main import main; main()", *command.split()],
            capture_output=True,
            check=False,
            env={**os.environ, KEY_ENV: KEY},
        )
    printed = done.stdout + done.stderr
    assert b"Usage" not in printed
    assert KEY.encode() not in printed
    assert b"never retrieved" not in printed
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
