"""Replay: the ledger alone, without a socket."""

from __future__ import annotations

import asyncio
import socket

from buying import ask, asks, bought

from qbuild.llm.ledger import Ledger
from qbuild.llm.replay import Replay


async def replayed(folder, requests):
    with Ledger.open(folder) as ledger:
        return [answer async for _, answer in Replay(ledger).answers(requests)]


def test_replay_gives_what_was_bought_without_a_socket_or_a_key(tmp_path, monkeypatch):
    answers, _, _, _ = bought(tmp_path, asks(4))
    monkeypatch.delenv("QBUILD_TEST_KEY")
    loop = asyncio.new_event_loop()  # which opens a pair of sockets of its own
    with monkeypatch.context() as blocked:
        blocked.setattr(socket, "socket", None)
        blocked.setattr(socket, "create_connection", None)
        found = loop.run_until_complete(replayed(tmp_path, asks(4)))
    loop.close()
    assert found == [answers[request.request_id] for request in asks(4)]


def test_what_is_not_in_the_ledger_is_told(tmp_path):
    bought(tmp_path, asks(1))
    [answer] = asyncio.run(replayed(tmp_path, [ask(7)]))
    assert (answer.state, answer.message) == ("http_error", "not in the ledger")


def test_the_package_of_the_service_is_not_needed(tmp_path, monkeypatch):
    bought(tmp_path, asks(1))
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    [answer] = asyncio.run(replayed(tmp_path, asks(1)))
    assert answer.state == "ok"
