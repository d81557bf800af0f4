"""The progress of each batch, written down before the next step: a restart continues from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.llm.ledger.segments import cut_torn_line, encode, read_lines

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = "batches.jsonl"


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

    def uploaded(self, record: BatchRecord, file_id: str) -> None:
        """Record the id of the uploaded file; a batch of it may exist from now on."""
        self._write({"is": "uploaded", "shard": record.shard, "file_id": file_id})

    def created(self, record: BatchRecord, batch_id: str) -> None:
        """Record the id of the batch; from now on it is polled and never created again."""
        self._write({"is": "created", "shard": record.shard, "batch_id": batch_id})

    def collected(self, record: BatchRecord) -> None:
        """Record that all its rows are in the ledger."""
        self._write({"is": "collected", "shard": record.shard})

    def _apply(self, line: dict[str, object]) -> None:
        if line["is"] == "prepared":
            self.records.append(BatchRecord(str(line["shard"]), int(str(line["tokens"]))))
            return
        record = next(each for each in reversed(self.records) if each.shard == line["shard"])
        if line["is"] == "uploaded":
            record.file_id = str(line["file_id"])
        elif line["is"] == "created":
            record.batch_id = str(line["batch_id"])
        else:
            record.collected = True

    def _write(self, line: dict[str, object]) -> None:
        with disk_errors(self.path):
            new = not self.path.exists()
            with self.path.open("ab") as stream:
                stream.write(encode(line))
                stream.flush()
                os.fsync(stream.fileno())
            if new:
                sync(self.path.parent)
        self._apply(line)
