"""A server that speaks the OpenAI protocol on loopback, goes wrong by script, and counts.

Chat completions (plain and structured), Files and Batch, rate headers. It exists to prove things:
that nothing is bought twice, that a cap holds, that a run survives its service.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import UsageError
from qbuild.llm.mock.answers import completion, default_answer, last_text
from qbuild.llm.mock.batches import Batches, missing
from qbuild.llm.mock.faults import read_script, struck
from qbuild.llm.mock.http import MOST_HEADER_BYTES, Back, Call, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from qbuild.llm.mock.faults import Fault

LOOPBACK = "127.0.0.1"
_ENDINGS = {
    "reset-mid-body": "reset",
    "short-body": "short",
    "hang": "hang",
    "close": "close",
    "reset": "abort",
    "not-http": "alert",
}


class MockServer:
    """The server, to be used as `async with MockServer(script=…) as server: server.base_url`.

    `answer` makes the text of an answer from the body of a request. `key`: any other is refused.
    `models`: any other is not found. `requests` counts chat requests, by Files and Batch too;
    `served` those that were answered with a completion, by the hash of their body.
    """

    def __init__(
        self,
        script: list[dict[str, Any]] | None = None,
        latency: float = 0.0,
        answer: Callable[[dict[str, Any]], str] = default_answer,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        key: str | None = None,
        models: tuple[str, ...] | None = None,
        headers: dict[str, str] | None = None,
        batch_polls: int = 1,
    ) -> None:
        if host != LOOPBACK:
            raise UsageError("--host", f"{host!r} is not loopback", f"expected {LOOPBACK}")
        self.latency, self.answer, self.key, self.models = latency, answer, key, models
        self.headers = headers or {}
        self.faults = read_script(script or [])
        self.requests = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.bodies: list[dict[str, Any]] = []
        self.served: Counter[str] = Counter()
        self.store = Batches(batch_polls)
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def distinct(self) -> int:
        """Different requests that were answered."""
        return len(self.served)

    @property
    def base_url(self) -> str:
        """What a client takes as its base address."""
        if self._server is None:
            raise UsageError("mock server", "is not running")
        return f"http://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, LOOPBACK, self._port, limit=MOST_HEADER_BYTES, backlog=1024
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101 - entered before it is left
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def forever(self) -> None:
        """Serve until cancelled."""
        assert self._server is not None  # noqa: S101
        await self._server.serve_forever()

    def counts(self) -> dict[str, int]:
        """What `GET /counts` says."""
        return {
            "requests": self.requests,
            "answered": self.served.total(),
            "distinct": self.distinct,
            "most_in_flight": self.most_in_flight,
        }

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer, self._handle))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _handle(self, call: Call) -> Back:
        """The reply to any request."""
        if self.key is not None and call.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "Incorrect API key provided.", "invalid_api_key")
        place = call.path.strip("/").split("/")
        if (call.method, place) == ("POST", ["v1", "chat", "completions"]):
            return await self._chat(call)
        if place == ["counts"]:
            return Back(body={**self.counts(), "served": dict(self.served)})
        if place[:2] == ["v1", "files"]:
            return self._files(call, place[2:])
        if place[:2] == ["v1", "batches"]:
            return self._batches(call, place[2:])
        return missing(f"no such place: {call.method} {call.path}")

    def _files(self, call: Call, place: list[str]) -> Back:
        match call.method, place:
            case "POST", []:
                return self.store.upload(call)
            case "GET", [name, "content"]:
                return self.store.content(name)
        return missing(f"no such place: {call.method} {call.path}")

    def _batches(self, call: Call, place: list[str]) -> Back:
        match call.method, place:
            case "POST", []:
                return self.store.create(call.json(), struck(self.faults, "", batch=True))
            case "GET", []:
                return self.store.listed()
            case "GET", [name]:
                return self.store.retrieve(name, self._of_batch)
            case "POST", [name, "cancel"]:
                return self.store.cancel(name)
        return missing(f"no such place: {call.method} {call.path}")

    async def _chat(self, call: Call) -> Back:
        body = call.json()
        self.requests += 1
        self.bodies.append(body)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
            fault = struck(self.faults, last_text(body))
            back = self._reply(body, fault, call.headers.get("authorization", ""))
        finally:
            self.in_flight -= 1
        named = {**self.headers, **(fault.headers if fault is not None else {}), **back.headers}
        return replace(back, headers=named)

    def _reply(self, body: dict[str, Any], fault: Fault | None, sent_key: str) -> Back:
        """The reply to a chat request, gone wrong as its fault says."""
        if self.models is not None and body.get("model") not in self.models:
            return _error(404, f"The model {body.get('model')!r} does not exist", "model_not_found")
        if fault is not None and (refusal := _refusal(fault, body, sent_key)) is not None:
            return refusal
        do = fault.do if fault is not None else ""
        self._count(body)
        if do == "not-json":
            return Back(body=b"<html>Bad gateway</html>")
        made = completion(body, self.answer(body), fault)
        return Back(body=made, ending=_ENDINGS.get(do, "whole"))  # type: ignore[arg-type]

    def _of_batch(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of a batch's row; `status_code` where it is not 200."""
        self.requests += 1
        self.bodies.append(body)
        back = self._reply(body, struck(self.faults, last_text(body)), "")
        made: dict[str, Any] = dict(back.body)
        return made if back.status == 200 else {**made, "status_code": back.status}

    def _count(self, body: dict[str, Any]) -> None:
        self.served[hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()] += 1


def _refusal(fault: Fault, body: dict[str, Any], sent_key: str) -> Back | None:
    """The error that a fault asks for instead of an answer; None where it asks for none."""
    do, _, status = fault.do.partition(":")
    if do == "status":
        waits = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
        return replace(_error(int(status), "as the script says", fault.code), headers=waits)
    if do == "quota":
        return _error(429, "You exceeded your current quota", "insufficient_quota")
    if do == "echo-key":
        return _error(401, f"Incorrect API key provided: {sent_key}", "invalid_api_key")
    if do == "unknown-parameter" and fault.parameter in body:
        said = f"Unsupported parameter: '{fault.parameter}' is not supported with this model."
        return _error(400, said, "unsupported_parameter", fault.parameter)
    return None


def _error(status: int, said: str, code: str | None, parameter: str | None = None) -> Back:
    error = {"message": said, "type": "invalid_request_error", "param": parameter, "code": code}
    return Back(status, {"error": error})
