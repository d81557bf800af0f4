"""The Files and Batch half of the mock server: uploaded files, and batches of their requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from qbuild.llm.mock.faults import ScriptedFault

Complete = Callable[[dict[str, Any]], tuple[int, Any]]


class Batches:
    """Files by id, batches by id; a batch ends at its `polls`-th retrieval."""

    def __init__(self, polls: int = 1) -> None:
        self.polls = polls
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.retrievals: dict[str, int] = {}
        self._faults: dict[str, str] = {}

    def upload(self, data: bytes) -> dict[str, Any]:
        """Store a file; returns its description."""
        return {
            "id": self._store(data),
            "object": "file",
            "bytes": len(data),
            "created_at": 0,
            "filename": "requests.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def create(self, body: dict[str, Any], fault: ScriptedFault | None) -> dict[str, Any]:
        """Create a batch of an uploaded file."""
        name = f"batch_{len(self.batches) + 1}"
        self.batches[name] = {
            "id": name,
            "object": "batch",
            "endpoint": body["endpoint"],
            "input_file_id": body["input_file_id"],
            "completion_window": body["completion_window"],
            "status": "validating",
            "created_at": 0,
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
            "metadata": body.get("metadata"),
        }
        self._faults[name] = fault.do if fault is not None else ""
        return self.batches[name]

    def retrieve(self, name: str, complete: Complete) -> dict[str, Any] | None:
        """A batch, None where there is none; it ends at its `polls`-th retrieval."""
        batch = self.batches.get(name)
        if batch is None:
            return None
        self.retrievals[name] = self.retrievals.get(name, 0) + 1
        if batch["status"] in {"validating", "in_progress"}:
            batch["status"] = "in_progress"
            if self.retrievals[name] >= self.polls:
                self._end(batch, complete)
        return batch

    def _end(self, batch: dict[str, Any], complete: Complete) -> None:
        fault = self._faults[batch["id"]]
        if fault == "batch-fail":
            error = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
            batch |= {"status": "failed", "errors": {"object": "list", "data": [error]}}
            return
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        if fault == "batch-expire":
            lines = lines[: len(lines) // 2]
        rows = [_row(line, complete) for line in lines]
        if fault == "batch-twice":
            rows = [*reversed(rows), *rows, {**rows[0], "custom_id": "f" * 64}]
        for kind, success in (("output", True), ("error", False)):
            chosen = [r for r in rows if (r["response"]["status_code"] == 200) is success]
            data = "".join(json.dumps(row) + "\n" for row in chosen).encode()
            batch[f"{kind}_file_id"] = self._store(data) if chosen else None
        batch["status"] = "expired" if fault == "batch-expire" else "completed"

    def _store(self, data: bytes) -> str:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = data
        return name


def _row(line: dict[str, Any], complete: Complete) -> dict[str, Any]:
    status, body = complete(line["body"])
    response = {"status_code": status, "request_id": "req", "body": body}
    return {"id": "row", "custom_id": line["custom_id"], "response": response, "error": None}
