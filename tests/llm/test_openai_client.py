"""The client: where its key comes from, and what it sends."""

from __future__ import annotations

import asyncio
import sys

import pytest
from buying import KEY, KEY_ENV, ask

from qbuild.core.errors import MissingPartError, UsageError
from qbuild.llm.mock.server import MockServer
from qbuild.llm.openai_client import OpenAIClient, read_key
from qbuild.llm.reply_policy import NoReply
from qbuild.llm.request_body import BodyForm


def sent_to(**server_options):
    async def run():
        async with (
            MockServer(**server_options) as server,
            OpenAIClient(server.base_url, KEY_ENV, 1.0) as client,
        ):
            return await client.send(BodyForm().body(ask(1)))

    return asyncio.run(run())


def test_the_key_is_read_from_the_variable_that_was_named(monkeypatch):
    assert read_key(KEY_ENV, None) == KEY
    assert sent_to(key=KEY).status == 200
    monkeypatch.delenv(KEY_ENV)
    with pytest.raises(UsageError, match=f"{KEY_ENV}: is not set"):
        read_key(KEY_ENV, None)


def test_a_local_server_needs_no_key(monkeypatch):
    monkeypatch.setenv(KEY_ENV, " ")
    assert sent_to(key="none").status == 200


def test_a_missing_package_is_reported_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingPartError, match="pip install openai"):
        OpenAIClient("http://127.0.0.1:9/v1", KEY_ENV)


def test_the_client_itself_retries_nothing():
    async def run():
        async with MockServer([{"do": "status:500", "times": 0}]) as server:
            async with OpenAIClient(server.base_url, KEY_ENV) as client:
                reply = await client.send(BodyForm().body(ask(1)))
            return reply.status, server.requests

    assert asyncio.run(run()) == (500, 1)


def test_a_missing_reply_records_whether_the_request_may_have_arrived():
    assert sent_to(script=[{"do": "hang"}]) == NoReply("no answer within 1 s", sent=True)
    assert sent_to(script=[{"do": "reset-mid-body"}]).sent is True
