"""Read and check pairs from a dialect's own file.

Reads JSON or JSONL files of records, or an export's folder; writes `instruction` rows. A record
that `export` wrote gives the row it was written from; for any other one the sample_id is computed,
dataset and task come from the options, and the score is read from a `name->score` id. Malformed
records are rejected with the reason; identical rows collapse to one, rows of one sample_id that
differ are all rejected. See docs/dialects.md.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.artifact.output_folder import DESCRIPTION
from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, SchemaError
from qbuild.core.json_stream import decode_utf8, iter_json
from qbuild.core.plural import format_collapsed, plural
from qbuild.core.rows.rejections import RejectedError, RejectedRow, Rejection, rejected_table
from qbuild.dialects import get_dialect, recognise
from qbuild.dialects.dialect import Defaults, Dialect, Row

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 1_024  # records per table; a bad record makes its chunk be converted row by row
Task = Literal[
    "scoring", "distortion", "streaming", "binary", "multi", "open", "temporal", "extended",
    "in-context", "causal", "general"
]  # fmt: skip


class ImportOptions(Options):
    """Dialect of the files, and values that their records lack."""

    format: Literal["auto", "llava", "q-align"] = Field(
        default="auto", description="Dialect of the records; auto infers it from placeholders."
    )
    dataset: str = Field(
        default="",
        description="Dataset of records made elsewhere; by default the file's name without suffix.",
    )
    task: Task = Field(default="general", description="Task of records made elsewhere.")


@dataclass
class Accepted:
    """The rows of all files as tables, the file and record number of each row, and the files."""

    tables: list[pa.Table] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)


def produce(inputs: Inputs, options: ImportOptions) -> Generator[Output, None, list[Row]]:
    """The rows of the files, after the rejected records; conflicting rows are rejected last."""
    accepted, left = Accepted(), inputs.limit
    paths = [path for file_or_folder in inputs.files for path in _record_files(file_or_folder)]
    for number, path in enumerate(paths):
        count = yield from _read_file(path, number, options, accepted, left)
        left = None if left is None else left - count
    yield from _deduplicated(accepted, paths)
    return accepted.files


def finish(files: list[Row], tally: Tally, _: ImportOptions) -> dict[str, Any]:
    """Each file with its dialect and records, duplicates, and rejected records by reason."""
    return {"files": files, "collapsed": tally["collapsed"], "refused": tally.of("refused")}


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [
        f"{file['file']}: {plural(file['records'], 'record')} of {file['format']}"
        for file in report["files"]
    ]
    lines += format_collapsed(report["collapsed"], "identical duplicate")
    return "\n".join(lines + [f"{n:,} rejected: {why}" for why, n in report["refused"].items()])


def _record_files(path: Path) -> list[Path]:
    """The file itself, or the files of records in the folder of an export."""
    if path.name != DESCRIPTION and not path.is_dir():
        return [path]
    from qbuild.core.artifact.lineage import open_output

    files: list[Path] = []
    if (path / DESCRIPTION).is_file() or path.name == DESCRIPTION:
        export = open_output(path)
        names = sorted(export.description.files)
        files = [export.path / name for name in names if name.endswith(".json")]
    if path.is_dir() and files:
        return files
    what = "a folder without an export in it" if path.is_dir() else "the description of an export"
    raise InputError(
        str(path),
        f"{what}, not a file of records",
        "expected the JSON or JSONL of a dialect, or the folder of an export",
        f"Give {' or '.join(map(str, files[:3]))}." if files else "Give the files themselves.",
    )


def read_records(path: Path) -> Iterator[Any]:
    """Each JSON value of a file in order; InputError with the place of what cannot be read.

    Only the text of the file is held in memory, not its values.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        what = f"cannot be opened: {error.strerror or error}"
        raise InputError(str(path), what, "expected a JSON file", "Check the path.") from error
    if data.startswith(b"PAR1"):
        raise SchemaError(
            str(path),
            "a Parquet file",
            "expected the JSON or JSONL of a dialect",
            "Give pairs that are an artifact already to `qbuild export`.",
        )
    yield from iter_json(path, decode_utf8(path, data))


def _read_file(
    path: Path, number: int, options: ImportOptions, accepted: Accepted, limit: int | None
) -> Generator[Output, None, int]:
    """Add the accepted rows of a file, yield its rejected records; returns the records read."""
    auto = options.format == "auto"
    dialect = recognise(read_records(path)) if auto else get_dialect(options.format)
    defaults = Defaults(options.dataset or path.stem, options.task)
    records = enumerate(islice(read_records(path), limit), start=1)
    count = 0
    while chunk := dict(islice(records, CHUNK)):
        count += len(chunk)
        rows, rejections = _read_chunk(path, chunk, dialect, defaults)
        table, invalid = _fit_schema(rows)
        accepted.tables.append(table)
        accepted.places += [(number, n) for n in rows if n not in invalid]
        yield _rejected(path.name, rejections | invalid, chunk)
    accepted.files.append({"file": path.name, "format": dialect.name, "records": count})
    return count


def _read_chunk(
    path: Path, chunk: dict[int, Any], dialect: Dialect, defaults: Defaults
) -> tuple[dict[int, Row], dict[int, Rejection]]:
    """The rows of records and the rejections, by number."""
    rows: dict[int, Row] = {}
    rejections: dict[int, Rejection] = {}
    for number, record in chunk.items():
        if not isinstance(record, dict):
            message = "the record is not a JSON object; expected one"
            rejections[number] = Rejection("not-an-object", message)
            continue
        try:
            rows[number] = dialect.read(record, defaults)
        except RejectedError as error:
            if number == 1 and error.reason == "rating-file":
                raise InputError(
                    str(path),
                    "a rating file: its records hold a score and no conversation",
                    "expected records with `conversations`",
                    "Read it with `qbuild ingest-ratings`.",
                ) from error
            rejections[number] = error.rejection
    return rows, rejections


def _fit_schema(rows: dict[int, Row]) -> tuple[pa.Table, dict[int, Rejection]]:
    """The rows as a table, without those that break the schema; these are rejected."""
    table = _table(list(rows.values()))
    if not isinstance(table, str):
        return table, {}
    faults = {number: _table([row]) for number, row in rows.items()}
    invalid = {
        number: Rejection("against-schema", fault)
        for number, fault in faults.items()
        if isinstance(fault, str)
    }
    valid = _table([row for number, row in rows.items() if number not in invalid])
    assert not isinstance(valid, str)  # noqa: S101 - rows that fit one by one fit together
    return valid, invalid


def _table(rows: list[Row]) -> pa.Table | str:
    """The rows as a table of the schema, or what is wrong with one of them."""
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    schema = load_schema("instruction")
    try:
        table = pa.Table.from_pylist(rows, schema=schema.arrow)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        return f"not a row of the schema ({str(error)[:200]})"
    faults = schema.check(table)
    return f"{faults.first[0].column}: {faults.first[0].message}" if faults.total else table


def _deduplicated(accepted: Accepted, paths: list[Path]) -> Iterator[Output]:
    """The accepted rows without duplicates, after the records that conflict."""
    import pyarrow as pa

    if not accepted.places:
        return
    rows = pa.concat_tables(accepted.tables)
    dropped, conflicts = _find_duplicates(rows)
    by_file: dict[int, dict[int, Rejection]] = {}
    for position, rejection in conflicts.items():
        file, number = accepted.places[position]
        by_file.setdefault(file, {})[number] = rejection
    for file, rejections in sorted(by_file.items()):
        numbered = enumerate(read_records(paths[file]), start=1)
        records = {number: record for number, record in numbered if number in rejections}
        yield _rejected(paths[file].name, rejections, records)
    kept = [at not in dropped and at not in conflicts for at in range(rows.num_rows)]
    yield Output(rows=rows.filter(pa.array(kept)), tally=Tally(collapsed=len(dropped)))


def _find_duplicates(rows: pa.Table) -> tuple[set[int], dict[int, Rejection]]:
    """Positions of rows that collapse, and of rows that conflict with another of their id."""
    from qbuild.core.rows.duplicates import deduplicate

    ids = rows.column("sample_id").to_pylist()
    times = Counter(ids)
    suspects = [at for at, sample in enumerate(ids) if times[sample] > 1]
    records = rows.take(suspects).to_pylist() if suspects else []
    unique = deduplicate(
        zip(suspects, records, strict=True), lambda item: item[1]["sample_id"], lambda item: item[1]
    )
    conflicts = {
        position: Rejection(
            "conflict",
            f"{len(group)} records of this sample_id differ; expected one",
            "sample_id",
            row["sample_id"],
        )
        for group in unique.conflicts
        for position, row in group
    }
    return set(suspects) - {at for at, _ in unique.kept} - conflicts.keys(), conflicts


def _rejected(source: str, rejections: dict[int, Rejection], records: dict[int, Any]) -> Output:
    """Rejected rows by number, with the records as they were read."""
    rows = [
        RejectedRow(
            source,
            number,
            replace(
                rejection,
                message=_escape(rejection.message),
                value=None if rejection.value is None else _escape(rejection.value),
            ),
            _escape(json.dumps(records[number], ensure_ascii=False)),
        )
        for number, rejection in sorted(rejections.items())
    ]
    tally = Tally()
    tally.add_each("refused", (rejection.reason for rejection in rejections.values()))
    return Output(rejected=rejected_table(rows), tally=tally)


def _escape(text: str) -> str:
    """`text` with escapes for lone surrogates, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


STAGE = Stage(
    name="import-qa",
    version=1,
    options=ImportOptions,
    reads=Reads(schema=None),
    writes="instruction",
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild import-qa llava.json -o pairs.parquet --format llava",
)
