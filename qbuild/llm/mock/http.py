"""Just enough HTTP/1.1 to serve JSON on loopback, with connections that stay open or break."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x28"  # fatal, handshake failure
MOST_HEADER_BYTES = 1 << 16
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many"}


@dataclass(frozen=True)
class Call:
    """A request as it came; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Back:
    """A reply; `ending` says how the connection behaves in the middle of it."""

    status: int = 200
    body: Any = None  # bytes are sent as they are, anything else as JSON
    headers: dict[str, str] = field(default_factory=dict)
    ending: Literal["whole", "reset", "short", "hang", "close", "abort", "alert"] = "whole"


async def serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    handle: Callable[[Call], Awaitable[Back]],
) -> None:
    """Answer the requests of one connection until it ends."""
    try:
        while (call := await _read(reader)) is not None:
            back = await handle(call)
            if not await _write(writer, back):
                return
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return  # the client went away
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Call | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(method, target.partition("?")[0], headers, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """The body of a request sent in chunks, as clients send files."""
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _write(writer: asyncio.StreamWriter, back: Back) -> bool:
    """Send a reply; whether the connection goes on."""
    data = back.body if isinstance(back.body, bytes) else json.dumps(back.body).encode()
    named = {"content-type": "application/json", **back.headers, "content-length": str(len(data))}
    lines = [f"HTTP/1.1 {back.status} {_REASONS.get(back.status, 'Other')}"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    if back.ending == "hang":
        await asyncio.Event().wait()
    if back.ending == "abort":
        writer.transport.abort()
    if back.ending == "alert":
        writer.write(TLS_ALERT)
        await writer.drain()
    if back.ending in {"close", "abort", "alert"}:
        return False
    if back.ending == "whole":
        writer.write(head + data)
        await writer.drain()
        return True
    writer.write(head + data[: len(data) // 2])
    await writer.drain()
    if back.ending == "reset":
        writer.transport.abort()
    return False


def form_fields(call: Call) -> dict[str, bytes]:
    """The fields of a multipart form by name."""
    mark = call.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    found = {}
    for part in call.body.split(b"--" + mark)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        found[name] = content.removesuffix(b"\r\n")
    return found
