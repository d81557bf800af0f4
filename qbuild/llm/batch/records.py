"""The progress of each batch, recorded before the next step: a restart continues from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.llm.ledger.segments import cut_torn_line, encode, read_lines

RECORDS = "batches.jsonl"
Step = Literal["uploaded", "created", "collected"]


@dataclass
class BatchRecord:
    """The progress of a shard: its file uploaded, its batch created, its rows collected."""

    shard: str
    tokens: int = 0
    file_id: str | None = None
    batch_id: str | None = None
    collected: bool = False


class BatchRecords:
    """The records in a ledger's folder, one line per step, each durable before the next step."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORDS
        self.records: list[BatchRecord] = []
        if self.path.exists():
            cut_torn_line(self.path)
            for line in read_lines(self.path):
                if line.value is not None:
                    self._apply(line.value)

    def open(self) -> list[BatchRecord]:
        """Batches whose rows were not collected, oldest first."""
        return [record for record in self.records if not record.collected]

    def begin(self, shard: str, tokens: int) -> BatchRecord:
        """Record a shard whose input file is on the disk."""
        self._write({"is": "prepared", "shard": shard, "tokens": tokens})
        return self.records[-1]

    def advance(self, record: BatchRecord, step: Step, **ids: str) -> None:
        """Record a step, with the id that it gave.

        After `uploaded` (`file_id`) a batch may exist; after `created` (`batch_id`) it is polled
        and never created again; after `collected` all its rows are in the ledger.
        """
        self._write({"is": step, "shard": record.shard, **ids})

    def _apply(self, line: dict[str, Any]) -> None:
        if line["is"] == "prepared":
            self.records.append(BatchRecord(line["shard"], line["tokens"]))
            return
        record = next(each for each in reversed(self.records) if each.shard == line["shard"])
        record.file_id = line.get("file_id", record.file_id)
        record.batch_id = line.get("batch_id", record.batch_id)
        record.collected = line["is"] == "collected"

    def _write(self, line: dict[str, Any]) -> None:
        with disk_errors(self.path):
            new = not self.path.exists()
            with self.path.open("ab") as stream:
                stream.write(encode(line))
                stream.flush()
                os.fsync(stream.fileno())
            if new:
                sync(self.path.parent)
        self._apply(line)
