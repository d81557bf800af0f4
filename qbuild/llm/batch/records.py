"""What became of each batch, written down before the next step: a restart goes on from there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.llm.ledger.segments import encode, read_lines, set_torn_apart

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = "batches.jsonl"


@dataclass
class BatchRecord:
    """How far a shard came: its file uploaded, its batch created, its rows collected."""

    shard: str
    tokens: int = 0
    file_id: str | None = None
    batch_id: str | None = None
    collected: bool = False


class BatchRecords:
    """The records of a ledger's folder, one line a step, each durable before the step after it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORDS
        self.runs: list[BatchRecord] = []
        if self.path.exists():
            set_torn_apart(self.path)
            for line in read_lines(self.path):
                if line.value is not None:
                    self._take(line.value)

    def open(self) -> list[BatchRecord]:
        """Batches whose rows were not collected, oldest first."""
        return [run for run in self.runs if not run.collected]

    def begin(self, shard: str, tokens: int) -> BatchRecord:
        """A shard whose input file is on the disk."""
        self._write({"is": "prepared", "shard": shard, "tokens": tokens})
        return self.runs[-1]

    def uploaded(self, record: BatchRecord, file_id: str) -> None:
        """Its file has an id; a batch of it may come to be."""
        self._write({"is": "uploaded", "shard": record.shard, "file_id": file_id})

    def created(self, record: BatchRecord, batch_id: str) -> None:
        """Its batch has an id; from now on it is polled, never made again."""
        self._write({"is": "created", "shard": record.shard, "batch_id": batch_id})

    def collected(self, record: BatchRecord) -> None:
        """All rows of it are in the ledger."""
        self._write({"is": "collected", "shard": record.shard})

    def _take(self, line: dict[str, object]) -> None:
        if line["is"] == "prepared":
            self.runs.append(BatchRecord(str(line["shard"]), int(str(line["tokens"]))))
            return
        record = next(run for run in reversed(self.runs) if run.shard == line["shard"])
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
        self._take(line)
