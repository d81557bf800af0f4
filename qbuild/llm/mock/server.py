"""A server with the OpenAI protocol on loopback that fails by script and counts requests.

Chat completions (plain and structured), Files and Batch, rate-limit headers. Tests use
it to prove that nothing is paid twice, that a cap holds, and that a run survives failures.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Self, cast

from aiohttp import web

from qbuild.core.errors import UsageError
from qbuild.llm.mock.answers import completion, default_answer, last_text
from qbuild.llm.mock.batches import Batches
from qbuild.llm.mock.faults import ScriptedFault, match_fault, read_script

LOOPBACK = "127.0.0.1"
TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x28"  # fatal, handshake failure
MAX_HEADER_BYTES = 1 << 16


class MockServer:
    """The server, used as `async with MockServer(script=…) as server: server.base_url`.

    `answer` makes the text of an answer from the body of a request. With `key`, any other key is
    rejected; with `models`, any other model is not found. `requests` counts chat requests, those
    in batches too; `served` those answered with a completion, by the hash of their body.
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
        self._runner: web.AppRunner | None = None

    @property
    def distinct(self) -> int:
        """The number of different requests that were answered."""
        return len(self.served)

    @property
    def base_url(self) -> str:
        """The base address for a client."""
        if self._runner is None:
            raise UsageError("mock server", "is not running")
        return f"http://{LOOPBACK}:{self._runner.addresses[0][1]}/v1"

    def counts(self) -> dict[str, int]:
        """The counts that `GET /counts` returns."""
        return {
            "requests": self.requests,
            "answered": self.served.total(),
            "distinct": self.distinct,
            "most_in_flight": self.most_in_flight,
        }

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=0, middlewares=[self._check_key])
        app.add_routes(
            [
                web.get("/counts", self._get_counts),
                web.post("/v1/chat/completions", self._chat),
                web.post("/v1/files", self._upload),
                web.get("/v1/files/{id}/content", self._download),
                web.post("/v1/batches", self._create_batch),
                web.get("/v1/batches", self._list_batches),
                web.get("/v1/batches/{id}", self._retrieve_batch),
            ]
        )
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.1,
            max_field_size=MAX_HEADER_BYTES,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._port, backlog=1024).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _check_key(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            return _json(_error("Incorrect API key provided.", "invalid_api_key"), 401)
        return await handler(request)

    async def _get_counts(self, _: web.Request) -> web.Response:
        return _json({**self.counts(), "served": dict(self.served)})

    async def _upload(self, request: web.Request) -> web.Response:
        file = (await request.post())["file"]
        assert isinstance(file, web.FileField)  # noqa: S101 - a form field of a file
        return _json(self.store.upload(file.file.read()))

    async def _download(self, request: web.Request) -> web.Response:
        return _json(self.store.files.get(request.match_info["id"]))

    async def _create_batch(self, request: web.Request) -> web.Response:
        fault = match_fault(self.faults, "", batch=True)
        batch = self.store.create(await request.json(), fault)
        if fault is not None and fault.do == "batch-lose-reply" and request.transport is not None:
            request.transport.abort()
        return _json(batch)

    async def _list_batches(self, _: web.Request) -> web.Response:
        newest_first = list(reversed(self.store.batches.values()))
        return _json({"object": "list", "data": newest_first, "has_more": False})

    async def _retrieve_batch(self, request: web.Request) -> web.Response:
        return _json(self.store.retrieve(request.match_info["id"], self._reply_in_batch))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self._count_request(body)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
            fault = match_fault(self.faults, last_text(body))
            sent_key = request.headers.get("authorization", "")
            status, reply = self._reply(body, fault, sent_key)
        finally:
            self.in_flight -= 1
        headers = {**self.headers, **(fault.headers if fault is not None else {})}
        if fault is not None and fault.retry_after is not None:
            headers["retry-after"] = str(fault.retry_after)
        return await _send(request, _json(reply, status, headers), fault.do if fault else "")

    def _reply_in_batch(self, body: dict[str, Any]) -> tuple[int, Any]:
        self._count_request(body)
        return self._reply(body, match_fault(self.faults, last_text(body)), "")

    def _count_request(self, body: dict[str, Any]) -> None:
        self.requests += 1
        self.bodies.append(body)

    def _reply(
        self, body: dict[str, Any], fault: ScriptedFault | None, sent_key: str
    ) -> tuple[int, Any]:
        """Status and body of the reply to a chat request, changed by its fault."""
        if self.models is not None and body.get("model") not in self.models:
            return 404, _error(f"The model {body.get('model')!r} does not exist", "model_not_found")
        if fault is not None and (error := _scripted_error(fault, body, sent_key)) is not None:
            return error
        self.served[hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()] += 1
        do = fault.do if fault is not None else ""
        if do == "not-json":
            return 200, b"<html>Bad gateway</html>"
        return 200, completion(body, self.answer(body), do)


def _scripted_error(
    fault: ScriptedFault, body: dict[str, Any], sent_key: str
) -> tuple[int, Any] | None:
    """The error that a fault returns instead of an answer; None for other faults."""
    do, _, status = fault.do.partition(":")
    if do == "status":
        return int(status), _error("scripted error", fault.code)
    if do == "quota":
        return 429, _error("You exceeded your current quota", "insufficient_quota")
    if do == "echo-key":
        return 401, _error(f"Incorrect API key provided: {sent_key}", "invalid_api_key")
    if do == "unknown-parameter" and fault.parameter in body:
        message = f"Unsupported parameter: '{fault.parameter}' is not supported with this model."
        return 400, _error(message, "unsupported_parameter", fault.parameter)
    return None


def _error(message: str, code: str | None, parameter: str | None = None) -> dict[str, Any]:
    error = {"message": message, "type": "invalid_request_error", "param": parameter, "code": code}
    return {"error": error}


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON response, bytes as they are; 404 for None."""
    if value is None:
        status, value = 404, _error("no such file or batch", None)
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return web.Response(body=data, status=status, headers=headers, content_type="application/json")


async def _send(request: web.Request, response: web.Response, fault: str) -> web.StreamResponse:
    """The response, or a connection broken by the fault."""
    transport, sent = request.transport, cast("web.StreamResponse", response)
    if fault == "hang":
        await asyncio.Event().wait()
    if fault in {"reset-mid-body", "short-body"}:
        data = bytes(response.body)  # type: ignore[arg-type]
        half = web.StreamResponse(status=response.status, headers=response.headers)
        half.content_length = len(data)
        await half.prepare(request)
        await half.write(data[: len(data) // 2])
        sent = half
    if transport is None:
        return sent
    if fault == "not-http":
        transport.write(TLS_ALERT)
    if fault in {"reset", "reset-mid-body"}:
        transport.abort()
    elif fault in {"close", "not-http", "short-body"}:
        transport.close()
    return sent
