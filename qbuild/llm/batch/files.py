"""Input files of the Batch API and of `vllm run-batch`, and the answers in their output.

One JSON object per line: `custom_id` (the request's id), `method`, `url`, `body`. The same
requests give the same files. Answers come in any order, some twice, some in an error file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qbuild.core.canonical import canonical_json
from qbuild.core.errors import InputError
from qbuild.core.scratch import atomic_file
from qbuild.llm.answers import Answer
from qbuild.llm.reply_policy import Reply, ReplyDecision, decide
from qbuild.llm.request_body import BodyForm
from qbuild.llm.requests import ChatRequest, RequestHead

ENDPOINT = "/v1/chat/completions"
MAX_REQUESTS = 50_000  # per batch, as OpenAI documents it
MAX_BYTES = 190_000_000  # 200 MB, whether a megabyte is 10^6 or 2^20 bytes


@dataclass(frozen=True)
class Limits:
    """The most that one batch may hold."""

    requests: int = MAX_REQUESTS
    bytes: int = MAX_BYTES
    tokens: int | None = None  # enqueued tokens of the account: prompts and allowed answers


@dataclass(frozen=True)
class Shard:
    """The requests of one batch, and the bytes of its input file."""

    requests: tuple[ChatRequest, ...]
    data: bytes
    tokens: int

    @property
    def name(self) -> str:
        """16 hex digits of the hash of the file."""
        return hashlib.sha256(self.data).hexdigest()[:16]


def split_requests(
    requests: Iterable[ChatRequest], form: BodyForm, limits: Limits
) -> Iterator[Shard]:
    """The requests in order, in as few batches as the limits allow; duplicates once."""
    distinct = {request.request_id: request for request in requests}
    taken: list[ChatRequest] = []
    lines: list[bytes] = []
    size = tokens = 0
    for request in distinct.values():
        entry = {"method": "POST", "url": ENDPOINT, "body": form.body(request)}
        line = canonical_json({"custom_id": request.request_id, **entry}).encode() + b"\n"
        more = request.estimated_tokens + (request.max_output_tokens or 0)
        over = len(taken) >= limits.requests or size + len(line) > limits.bytes
        if taken and (over or (limits.tokens is not None and tokens + more > limits.tokens)):
            yield Shard(tuple(taken), b"".join(lines), tokens)
            taken, lines, size, tokens = [], [], 0, 0
        taken.append(request)
        lines.append(line)
        size, tokens = size + len(line), tokens + more
    if taken:
        yield Shard(tuple(taken), b"".join(lines), tokens)


def write_batch_files(
    requests: Iterable[ChatRequest], folder: Path, form: BodyForm, limits: Limits | None = None
) -> list[Path]:
    """Write `requests-NNNNN.jsonl`, for `vllm run-batch -i … -o answers-NNNNN.jsonl`."""
    written = []
    for number, shard in enumerate(split_requests(requests, form, limits or Limits()), 1):
        path = folder / f"requests-{number:05}.jsonl"
        write_durably(path, shard.data)
        written.append(path)
    return written


def read_batch_files(folder: Path) -> Iterator[tuple[str, Answer]]:
    """Request id and answer of every row in `answers-*.jsonl`, each id once.

    Raises InputError for a row whose request is not in `requests-*.jsonl`.
    """
    bodies: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("requests-*.jsonl")):
        bodies |= read_bodies(path)
    answered: set[str] = set()
    for path in sorted(folder.glob("answers-*.jsonl")):
        for row in read_rows(path):
            name = str(row.get("custom_id"))
            if name not in bodies:
                expected = "expected the id of a request in requests-*.jsonl"
                raise InputError(str(path), f"custom_id {name!r} was not requested", expected)
            if name not in answered:
                answered.add(name)
                yield name, decide_row(row, bodies[name]).answer


def decide_row(row: dict[str, Any], body: dict[str, Any]) -> ReplyDecision:
    """What a row of an output or error file means for the body that it answers."""
    response = row.get("response") or {}
    error = row.get("error")
    status = int(response.get("status_code") or (500 if error else 200))
    inner = response.get("body") if response.get("body") is not None else {"error": error}
    head = RequestHead(str(row.get("custom_id")), "-", "-", str(body.get("model")))
    return decide(Reply(status, json.dumps(inner)), head, body, "the key")


def read_bodies(path: Path) -> dict[str, dict[str, Any]]:
    """The bodies of an input file by request id."""
    return {row["custom_id"]: row["body"] for row in read_rows(path)}


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file; InputError names an invalid line."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}", f"not valid JSON: {error}") from error
            yield row


def write_durably(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)
