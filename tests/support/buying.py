"""Requests, and a run that buys their answers from a mock server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from qbuild.llm.budget import Budget, possible_usd
from qbuild.llm.client import Dispatch
from qbuild.llm.ledger import Ledger
from qbuild.llm.mock.server import MockServer
from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.prices import Prices
from qbuild.llm.rate_limit import Manners
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
QUICK = Manners(concurrency=4, attempts=3, first_wait_s=0.01, breaker=50, grace_s=0.5)


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
async def buying(folder, server, manners=QUICK, max_usd=None, prices=None, time_limit_s=5.0):
    """A dispatch that asks `server`, with the ledger in `folder`."""
    with open_ledger(folder) as ledger:
        before = possible_usd(ledger.possibly_paid_twice())
        budget = Budget(prices or Prices.load(), max_usd, before)
        client = OpenAIClient(server.base_url, KEY_ENV, time_limit_s)
        async with Dispatch(client, ledger, budget, BodyForm(), manners) as dispatch:
            yield dispatch


def bought(folder, requests, script=(), server_options=None, **options):
    """Answers by request id, the error that ended the run, the server and the dispatch."""

    async def run():
        answers, error = {}, None
        async with (
            MockServer(script=list(script), **(server_options or {})) as server,
            buying(folder, server, **options) as dispatch,
        ):
            try:
                async for request, answer in dispatch.answers(requests):
                    answers[request.request_id] = answer
            except Exception as raised:
                error = raised
        return answers, error, server, dispatch

    return asyncio.run(run())


def rows_of(folder):
    """All rows of a ledger."""
    with Ledger.open(folder) as ledger:
        return list(ledger.rows())
