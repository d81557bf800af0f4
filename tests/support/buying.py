"""Requests, and a run that pays for their answers at a mock server.

The loop is the one that `gpt-extend` runs (`run_concurrently`), fed with plain requests.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from qbuild.llm.budget import Budget
from qbuild.llm.client import ChatClient, run_concurrently
from qbuild.llm.ledger import Ledger
from qbuild.llm.mock.server import MockServer
from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.prices import Prices
from qbuild.llm.rate_limit import RetryPolicy
from qbuild.llm.request_body import BodyForm
from qbuild.llm.requests import ChatRequest

KEY_ENV = "QBUILD_TEST_KEY"
KEY = "sk-test-4f9d1c77e0"
RESERVE = 1 << 16
SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "answer": {"enum": ["yes", "no"]}},
    "required": ["question", "answer"],
    "additionalProperties": False,
}
QUICK = RetryPolicy(
    concurrency=4, max_attempts=3, first_wait_s=0.01, max_consecutive_failures=50, grace_s=0.5
)


def ask(number, schema=None, model="gpt-4o", **parameters):
    """Request `number`."""
    messages = (("system", "You judge pictures."), ("user", f"Is picture {number}. sharp?"))
    parameters = {"max_output_tokens": 60, **parameters}
    return ChatRequest(f"d{number}", "binary@1 sha256:ab", model, messages, schema, parameters)


def asks(count, **options):
    """Requests 0 … count - 1."""
    return [ask(number, **options) for number in range(count)]


def open_ledger(folder: Path, **options) -> Ledger:
    """A ledger to write, with a small reserve."""
    return Ledger.open(folder, write=True, reserve_bytes=RESERVE, **options)


@asynccontextmanager
async def open_client(folder, server, policy=QUICK, max_usd=None, prices=None, timeout_s=5.0):
    """A client of `server`, with the ledger in `folder`."""
    with open_ledger(folder) as ledger:
        budget = Budget(prices or Prices.load(), max_usd, ledger.unanswered_usd())
        sender = OpenAIClient(server.base_url, KEY_ENV, timeout_s)
        async with ChatClient(sender, ledger, budget, BodyForm(), policy) as client:
            yield client


def answers_of(client, requests):
    """Each request with its answer, twice as many at a time as the client sends."""
    return run_concurrently(requests, client.submit, 2 * client.policy.concurrency)


def buy(folder, requests, script=(), server_options=None, **options):
    """Answers by request id, the error that ended the run, the server and the client."""

    async def run():
        answers, error = {}, None
        async with (
            MockServer(script=list(script), **(server_options or {})) as server,
            open_client(folder, server, **options) as client,
        ):
            try:
                async for request, answer in answers_of(client, requests):
                    answers[request.request_id] = answer
            except Exception as raised:
                error = raised
        return answers, error, server, client

    return asyncio.run(run())


def rows_of(folder):
    """All rows of a ledger."""
    with Ledger.open(folder) as ledger:
        return list(ledger.rows())
