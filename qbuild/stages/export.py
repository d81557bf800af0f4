"""Write pairs in a training framework's dialect.

Reads `instruction` artifacts; writes a folder: `FORMAT.json`, a JSON array with one record a line
(UTF-8), beside it what the framework wants to find (llava: `mix.yaml`). With --split-files a file
a split, `FORMAT-SPLIT.json`; rows of no split stay in `FORMAT.json`. Rows that the dialect cannot
hold are rejected with the reason. What a record's own keys cannot hold stands under its key
`qbuild`, so that `import-qa` gives the same rows back. See docs/dialects.md.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pydantic import Field

from qbuild.core.canonical import canonical_json
from qbuild.core.engine.stage import File, Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import plural
from qbuild.dialects import get_dialect
from qbuild.dialects.dialect import Unwritable, held_out

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from typing import TextIO

    from qbuild.core.engine.stage import Batch
    from qbuild.core.rows.duplicates import DedupResult
    from qbuild.dialects.dialect import Dialect, Record, Row


_CONFLICT = "another row of this id says something else; rows that disagree are all rejected"


class ExportOptions(Options):
    """Which dialect, and how many files."""

    format: Literal["llava", "q-align"] = Field(
        default="llava", description="Dialect of the records."
    )
    split_files: bool = Field(
        default=False, description="Write a file for each split instead of one for all."
    )


def produce(inputs: Inputs, options: ExportOptions) -> Generator[Output, None, dict[str, int]]:
    """The files of the dialect; batches go to disk as they come, so memory stays bounded."""
    from qbuild.core.rows.duplicates import find_duplicates

    dialect = get_dialect(options.format)
    sources = _Sources(inputs.lengths)
    with ExitStack() as closing:
        arrays = _Arrays(inputs.scratch, options, closing)
        duplicates = find_duplicates(inputs, "sample_id")
        for batch in inputs.scan():
            yield _written(batch, duplicates.deduplicate(batch), dialect, arrays, sources)
        counts = arrays.finish()
    files = [File(name, inputs.scratch / name) for name in counts]
    beside = dialect.companions(arrays.for_training(counts)) if counts else {}
    yield Output(files=(*files, *(File(name, text.encode()) for name, text in beside.items())))
    return counts


def finish(counts: dict[str, int], tally: Tally, options: ExportOptions) -> dict[str, Any]:
    """Records a file, and rows refused by reason."""
    files = {"format": options.format, "files": counts, "refused": tally.of("refused")}
    return {**files, "collapsed": tally["collapsed"]}


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    files = [f"{name}: {plural(count, 'record')}" for name, count in report["files"].items()]
    refused = [f"{count:,} rejected: {reason}" for reason, count in report["refused"].items()]
    again = report["collapsed"]
    collapsed = [f"{plural(again, 'identical row')} collapsed"] if again else []
    return "\n".join(files + refused + collapsed)


def _written(
    batch: Batch, found: DedupResult, dialect: Dialect, arrays: _Arrays, sources: _Sources
) -> Output:
    """What became of a batch: its records lie in the arrays, what is refused comes back."""
    refused: list[Row] = []
    conflicts, kept = set(found.conflicts.tolist()), set(found.positions.tolist())
    tally = Tally(rows=len(kept), collapsed=found.collapsed)
    for at, row in enumerate(_rows(batch)):
        refusal = None
        if at in kept:
            refusal = _refusal(row, dialect, arrays)
            tally.add("rows", count=-int(refusal is not None))
        elif at in conflicts:
            refusal = Unwritable("conflict", _CONFLICT, "sample_id", row["sample_id"])
        if refusal is not None:
            place = sources.place(batch.start + at)
            refused.append(refusal.as_row(*place, canonical_json(row)))
            tally.add("refused", refusal.reason)
    return Output(rejected=_rejected(refused), tally=tally)


def _refusal(row: Row, dialect: Dialect, arrays: _Arrays) -> Unwritable | None:
    """None when the row's record was added to its array, else why it cannot be."""
    try:
        arrays.add(row["split"], dialect.write(row))
    except Unwritable as refusal:
        return refusal
    return None


def _rows(batch: Batch) -> Iterator[Row]:
    """The rows as Python values, a thousand at a time: they take ten times the room of a table."""
    for piece in batch.rows.to_batches(max_chunksize=1_000):
        yield from piece.to_pylist()


def _rejected(rows: list[Row]) -> Any:
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    return pa.Table.from_pylist(rows, schema=load_schema("rejected").arrow) if rows else None


class _Sources:
    """Which artifact a row came from, by its number over all of them; asked in ascending order."""

    def __init__(self, lengths: list[tuple[str, int]]) -> None:
        self._left = lengths[::-1]
        self._start = 0

    def place(self, number: int) -> tuple[str, int]:
        """Base name of the artifact, and the row's number in it from 1."""
        while number - self._start >= self._left[-1][1]:
            self._start += self._left.pop()[1]
        return self._left[-1][0], number - self._start + 1


class _Arrays:
    """JSON arrays being written in a folder, one a split or one for all."""

    def __init__(self, folder: Path, options: ExportOptions, closing: ExitStack) -> None:
        self._folder, self._options, self._closing = folder, options, closing
        self._streams: dict[str, TextIO] = {}
        self._counts: Counter[str] = Counter()
        self._splits: dict[str, str | None] = {}

    def add(self, split: str | None, record: Record) -> None:
        """Write one record to the file of its split."""
        name = self._name(split)
        self._splits[name] = split if self._options.split_files else None
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
        if name not in self._streams:
            target = self._folder / name
            stream = target.open("w", encoding="utf-8", newline="\n")
            self._streams[name] = self._closing.enter_context(stream)
        self._streams[name].write(",\n" if self._counts[name] else "[\n")
        self._streams[name].write(text)
        self._counts[name] += 1

    def for_training(self, counts: dict[str, int]) -> list[str]:
        """The files to train on: those of held-out splits stay out of what lists them."""
        return [name for name in counts if not held_out(self._splits[name])]

    def finish(self) -> dict[str, int]:
        """Close every array; records a file, by name."""
        for stream in self._streams.values():
            stream.write("\n]\n")
            stream.close()
        return dict(sorted(self._counts.items()))

    def _name(self, split: str | None) -> str:
        # quoted, since a split may be named with signs that no file name has
        named = self._options.split_files and split is not None
        suffix = f"-{quote(split or '', safe=' ')}" if named else ""
        return f"{self._options.format}{suffix}.json"


STAGE = Stage(
    name="export",
    version=1,
    summary="Write pairs in a training framework's dialect.",
    options=ExportOptions,
    reads=Reads(schema="instruction"),
    writes=None,
    produce=produce,
    finish=finish,
    render=render,
)
