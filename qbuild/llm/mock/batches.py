"""The Files and Batch half of the mock server: what was uploaded, and what became of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from qbuild.llm.mock.http import Back, form_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from qbuild.llm.mock.faults import Fault
    from qbuild.llm.mock.http import Call


class Batches:
    """Files by id, batches by id; a batch ends after `polls` looks at it."""

    def __init__(self, polls: int = 1) -> None:
        self.polls = polls
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self._looks: dict[str, int] = {}
        self._faults: dict[str, Fault | None] = {}

    def upload(self, call: Call) -> Back:
        """Keep a file."""
        name = f"file-{len(self.files) + 1}"
        self.files[name] = form_fields(call)["file"]
        return Back(body=self._described(name))

    def content(self, name: str) -> Back:
        """The bytes of a file."""
        if name not in self.files:
            return missing(f"no such file: {name}")
        return Back(body=self.files[name])

    def create(self, body: dict[str, Any], fault: Fault | None) -> Back:
        """Make a batch of an uploaded file."""
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
        self._faults[name] = fault
        lost = fault is not None and fault.do == "batch-lose-reply"
        return Back(body=self.batches[name], ending="reset" if lost else "whole")

    def listed(self) -> Back:
        """All batches, the newest first."""
        data = list(reversed(self.batches.values()))
        return Back(body={"object": "list", "data": data, "has_more": False})

    def retrieve(self, name: str, complete: Callable[[dict[str, Any]], dict[str, Any]]) -> Back:
        """A batch; it ends when it was looked at often enough."""
        if name not in self.batches:
            return missing(f"no such batch: {name}")
        batch = self.batches[name]
        self._looks[name] = self._looks.get(name, 0) + 1
        if batch["status"] in {"validating", "in_progress"}:
            batch["status"] = "in_progress"
            if self._looks[name] >= self.polls:
                self._end(batch, complete)
        return Back(body=batch)

    def cancel(self, name: str) -> Back:
        """A batch that is given up."""
        if name not in self.batches:
            return missing(f"no such batch: {name}")
        self.batches[name]["status"] = "cancelled"
        return Back(body=self.batches[name])

    def _end(
        self, batch: dict[str, Any], complete: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        fault = self._faults[batch["id"]]
        do = fault.do if fault is not None else ""
        if do == "batch-fail":
            said = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
            batch |= {"status": "failed", "errors": {"object": "list", "data": [said]}}
            return
        asked = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        if do == "batch-expire":
            asked = asked[: len(asked) // 2]
        rows = [self._row(line, complete) for line in asked]
        if do == "batch-twice":
            rows = [*reversed(rows), *rows, {**rows[0], "custom_id": "f" * 64}]
        good = [row for row in rows if row["response"]["status_code"] == 200]
        bad = [row for row in rows if row["response"]["status_code"] != 200]
        batch["output_file_id"] = self._keep(good)
        batch["error_file_id"] = self._keep(bad)
        batch["status"] = "expired" if do == "batch-expire" else "completed"

    def _row(
        self, line: dict[str, Any], complete: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        made = complete(line["body"])
        status = made.pop("status_code", 200)
        reply = {"status_code": status, "request_id": "req", "body": made}
        return {"id": "row", "custom_id": line["custom_id"], "response": reply, "error": None}

    def _keep(self, rows: list[dict[str, Any]]) -> str | None:
        if not rows:
            return None
        name = f"file-{len(self.files) + 1}"
        self.files[name] = "".join(json.dumps(row) + "\n" for row in rows).encode()
        return name

    def _described(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "object": "file",
            "bytes": len(self.files[name]),
            "created_at": 0,
            "filename": "requests.jsonl",
            "purpose": "batch",
            "status": "processed",
        }


def missing(what: str) -> Back:
    """404 in the form of the protocol."""
    return Back(404, {"error": {"message": what, "type": "invalid_request_error", "code": None}})
