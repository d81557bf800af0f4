"""Requests as files of the Batch API and of `vllm run-batch`, and the answers out of theirs.

One JSON object a line: `custom_id` (the request's id), `method`, `url`, `body`. The same requests
give the same files. Answers come in any order, some twice, some in a file of errors.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import canonical_json
from qbuild.core.errors import InputError
from qbuild.core.scratch import whole_file
from qbuild.llm.reply_policy import Reply, Verdict, judge
from qbuild.llm.requests import Heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from qbuild.llm.answers import Answer
    from qbuild.llm.request_body import BodyForm
    from qbuild.llm.requests import ChatRequest

ENDPOINT = "/v1/chat/completions"
MOST_REQUESTS = 50_000  # of a batch, as OpenAI documents it
MOST_BYTES = 190_000_000  # 200 MB, with room for what counts as a megabyte


@dataclass(frozen=True)
class Limits:
    """The most that one batch may hold."""

    requests: int = MOST_REQUESTS
    bytes: int = MOST_BYTES
    tokens: int | None = None  # enqueued tokens of the account: prompts and allowed answers


@dataclass(frozen=True)
class Shard:
    """The requests of one batch, and its input file's bytes."""

    requests: tuple[ChatRequest, ...]
    data: bytes
    tokens: int

    @property
    def name(self) -> str:
        """16 hex digits of the hash of the file."""
        return hashlib.sha256(self.data).hexdigest()[:16]


def enqueued_tokens(request: ChatRequest) -> int:
    """What a request counts against the limit of enqueued tokens."""
    return request.estimated_tokens() + (request.max_output_tokens or 0)


def request_line(request: ChatRequest, form: BodyForm) -> bytes:
    """The line of a request, with its line feed."""
    line = {
        "custom_id": request.request_id,
        "method": "POST",
        "url": ENDPOINT,
        "body": form.body(request),
    }
    return canonical_json(line).encode() + b"\n"


def shards(requests: Iterable[ChatRequest], form: BodyForm, limits: Limits) -> Iterator[Shard]:
    """The requests in their order, as few batches as the limits allow; identical ones once."""
    seen: set[str] = set()
    taken: list[ChatRequest] = []
    lines: list[bytes] = []
    size = tokens = 0
    for request in requests:
        if request.request_id in seen:
            continue
        seen.add(request.request_id)
        line, more = request_line(request, form), enqueued_tokens(request)
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
    """The files `requests-NNNNN.jsonl`, for `vllm run-batch -i … -o answers-NNNNN.jsonl`."""
    written = []
    for number, shard in enumerate(shards(requests, form, limits or Limits()), 1):
        path = folder / f"requests-{number:05}.jsonl"
        write_durably(path, shard.data)
        written.append(path)
    return written


def read_batch_files(folder: Path) -> Iterator[tuple[str, Answer]]:
    """Request id and answer of every row in `answers-*.jsonl`, each id once.

    Raises InputError for a row that answers nothing in `requests-*.jsonl`.
    """
    bodies: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("requests-*.jsonl")):
        bodies |= read_bodies(path)
    seen: set[str] = set()
    for path in sorted(folder.glob("answers-*.jsonl")):
        for row in read_rows(path):
            name = str(row.get("custom_id"))
            if name not in bodies:
                expected = "expected the id of a request in requests-*.jsonl"
                raise InputError(str(path), f"custom_id {name!r} was not asked", expected)
            if name not in seen:
                seen.add(name)
                yield name, judge_row(row, bodies[name]).answer


def judge_row(row: dict[str, Any], body: dict[str, Any]) -> Verdict:
    """What a row of an output or error file means for the body that it answers."""
    response = row.get("response") or {}
    error = row.get("error")
    status = int(response.get("status_code") or (500 if error else 200))
    inner = response.get("body") if response.get("body") is not None else {"error": error}
    heading = Heading(str(row.get("custom_id")), "-", "-", str(body.get("model")))
    reply = Reply(status, json.dumps(inner))
    return judge(reply, heading, body, "the key")


def read_bodies(path: Path) -> dict[str, dict[str, Any]]:
    """The bodies of an input file by request id."""
    return {row["custom_id"]: row["body"] for row in read_rows(path)}


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file; InputError names the line that is none."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}", f"no JSON: {error}") from error
            yield row


def write_durably(path: Path, data: bytes) -> None:
    """A file that is whole or not there."""
    with whole_file(path) as unfinished:
        unfinished.write_bytes(data)
