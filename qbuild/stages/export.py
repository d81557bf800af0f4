"""Write pairs in a training framework's dialect.

Reads `instruction` artifacts; writes a folder: `FORMAT.json`, a JSON array with one record per line
(UTF-8), and next to it the files that the framework expects (llava: `mix.yaml`). With --split-files
each split has its own file, `FORMAT-SPLIT.json`; rows of no split go to `FORMAT.json`. Rows that
the dialect cannot hold are rejected with the reason. Values for which the dialect has no key are
under the key `qbuild`, so that `import-qa` restores the same rows. See docs/dialects.md.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO
from urllib.parse import quote

from pydantic import Field

from qbuild.core.artifact.output_folder import File
from qbuild.core.canonical import canonical_json
from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import format_collapsed, plural
from qbuild.core.rows.rejections import RejectedError, RejectedRow, Rejection, rejected_table
from qbuild.core.rows.split_filter import SplitFilter, format_left_out, is_held_out
from qbuild.dialects import get_dialect
from qbuild.dialects.dialect import Dialect, Record, Row
from qbuild.stages.split_option import SplitOptions, read_splits

if TYPE_CHECKING:
    from qbuild.core.artifact.reader import Artifact
    from qbuild.core.rows.duplicates import DedupResult

_CONFLICT = "another row of this id has other values; conflicting rows are all rejected"


class ExportOptions(SplitOptions):
    """The dialect and the files."""

    format: Literal["llava", "q-align"] = Field(
        default="llava", description="Dialect of the records."
    )
    split_files: bool = Field(
        default=False, description="Write a file for each split instead of one for all."
    )


def produce(inputs: Inputs, options: ExportOptions) -> Generator[Output, None, dict[str, int]]:
    """The files of the dialect; batches are written as they come, so memory stays bounded."""
    from qbuild.core.rows.duplicates import find_duplicates

    dialect, splits = get_dialect(options.format), read_splits(inputs, options)
    with ExitStack() as closing:
        arrays = _Arrays(inputs.scratch, options, splits, closing)
        duplicates = find_duplicates(inputs, "sample_id")
        for batch in inputs.scan():
            yield _write_batch(batch, duplicates.deduplicate(batch), dialect, arrays, inputs)
        counts = arrays.finish()
    files = [File(name, inputs.scratch / name) for name in counts]
    training = [name for name in sorted(counts) if name not in arrays.held_out]
    companions = dialect.companions(training) if counts else {}
    files += [File(name, text.encode()) for name, text in companions.items()]
    yield Output(files=tuple(files))
    return counts


def finish(counts: dict[str, int], tally: Tally, options: ExportOptions) -> dict[str, Any]:
    """Records per file, and rejected rows by reason."""
    files = {"format": options.format, "files": counts, "refused": tally.of("refused")}
    left_out = tally.of("left-out")
    return {
        **files,
        "collapsed": tally["collapsed"],
        **({"left_out": left_out} if left_out else {}),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [f"{name}: {plural(count, 'record')}" for name, count in report["files"].items()]
    lines += [f"{count:,} rejected: {reason}" for reason, count in report["refused"].items()]
    lines += filter(None, [format_left_out(report.get("left_out", {}))])
    lines += format_collapsed(report["collapsed"])
    return "\n".join(lines)


def _write_batch(
    batch: Batch, unique: DedupResult, dialect: Dialect, arrays: _Arrays, inputs: Inputs
) -> Output:
    """Write the records of a batch; the output holds what is rejected."""
    conflicts, kept = set(unique.conflicts.tolist()), set(unique.positions.tolist())
    tally = Tally()
    rejected: list[RejectedRow] = []
    for at, row in enumerate(_rows(batch)):
        if not arrays.splits.takes(row["split"]):
            tally.add("left-out", "none" if row["split"] is None else row["split"])
            continue
        rejection = None
        if at in conflicts:
            rejection = Rejection("conflict", _CONFLICT, "sample_id", row["sample_id"])
        elif at in kept:
            try:
                arrays.add(row["split"], dialect.write(row))
                tally.add("rows")
            except RejectedError as error:
                rejection = error.rejection
        else:
            tally.add("collapsed")
        if rejection is not None:
            place = _place(batch.start + at, inputs.artifacts)
            rejected.append(RejectedRow(*place, rejection, canonical_json(row)))
            tally.add("refused", rejection.reason)
    return Output(rejected=rejected_table(rejected), tally=tally)


def _rows(batch: Batch) -> Iterator[Row]:
    """The rows as Python values, a thousand at a time: they need ten times a table's memory."""
    for chunk in batch.rows.to_batches(max_chunksize=1_000):
        yield from chunk.to_pylist()


def _place(number: int, artifacts: list[Artifact]) -> tuple[str, int]:
    """Base name of the artifact that row `number` of all inputs is in, and its number from 1."""
    starts = list(accumulate((artifact.rows for artifact in artifacts), initial=0))
    at = bisect_right(starts, number) - 1
    return artifacts[at].path.name, number - starts[at] + 1


class _Arrays:
    """JSON arrays being written in a folder, one per split or one for all."""

    def __init__(
        self, folder: Path, options: ExportOptions, splits: SplitFilter, closing: ExitStack
    ) -> None:
        self._folder, self._options, self._closing = folder, options, closing
        self.splits = splits
        self._streams: dict[str, TextIO] = {}
        self._counts: Counter[str] = Counter()
        self.held_out: set[str] = set()  # files of test, validation and dev splits

    def add(self, split: str | None, record: Record) -> None:
        """Write one record to the file of its split."""
        name = self._name(split)
        if name not in self._streams:
            stream = (self._folder / name).open("w", encoding="utf-8", newline="\n")
            self._streams[name] = self._closing.enter_context(stream)
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
        self._streams[name].write((",\n" if self._counts[name] else "[\n") + text)
        self._counts[name] += 1

    def finish(self) -> dict[str, int]:
        """Close every array; the number of records per file, by name."""
        for stream in self._streams.values():
            stream.write("\n]\n")
            stream.close()
        return dict(sorted(self._counts.items()))

    def _name(self, split: str | None) -> str:
        if split is None or not self._options.split_files:
            return f"{self._options.format}.json"
        # quoted, since a split's name may hold characters that no file name can
        name = f"{self._options.format}-{quote(split, safe=' ')}.json"
        if is_held_out(split):
            self.held_out.add(name)
        return name


STAGE = Stage(
    name="export",
    version=1,
    options=ExportOptions,
    reads=Reads(schema="instruction"),
    writes=None,
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild export pairs.parquet -o training --format llava",
)
