"""Bring in and check pairs from a dialect's own file.

Reads JSON or JSONL files of records, or an export's folder; writes `instruction` rows. A record
that `export` wrote gives the row that it was written from; of any other one the sample_id is
computed, the dataset and the task are the options', and the score is read from a `name->score` id.
Records of a wrong shape are rejected with the reason; identical rows collapse to one, rows of one
sample_id that differ are all rejected. See docs/dialects.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.artifact.output_folder import DESCRIPTION
from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError
from qbuild.core.plural import plural
from qbuild.dialects import get_dialect, recognise
from qbuild.dialects.dialect import Defaults, Unreadable
from qbuild.dialects.records import as_json, read_values

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    import pyarrow as pa

    from qbuild.dialects.dialect import Dialect, Row

PIECE = 1_024  # records turned into a table at a time; one bad record sends its piece row by row


class ImportOptions(Options):
    """What the files are, and what their records do not say."""

    format: Literal["auto", "llava", "q-align"] = Field(
        default="auto", description="Dialect of the records; auto tells by their placeholders."
    )
    dataset: str = Field(
        default="",
        description="Dataset of records made elsewhere; by default the file's name without suffix.",
    )
    task: Literal[
        "scoring",
        "distortion",
        "streaming",
        "binary",
        "multi",
        "open",
        "temporal",
        "extended",
        "in-context",
        "causal",
        "general",
    ] = Field(default="general", description="Task of records made elsewhere.")


@dataclass
class Kept:
    """The rows of all files, with the file and the record's number of each, and what was read."""

    tables: list[pa.Table] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)


def produce(
    inputs: Inputs, options: ImportOptions
) -> Generator[Output, None, list[dict[str, Any]]]:
    """The rows of the files; refused records first, then those whose sample_id is not their own."""
    kept, left = Kept(), inputs.limit
    paths = [path for given in inputs.files for path in _record_files(given)]
    for number, path in enumerate(paths):
        read = yield from _file(path, number, options, kept, left)
        left = None if left is None else left - read
    yield from _settled(kept, paths)
    return kept.files


def finish(files: list[dict[str, Any]], tally: Tally, _: ImportOptions) -> dict[str, Any]:
    """Each file with its dialect and records, duplicates, and records refused by reason."""
    return {"files": files, "collapsed": tally["collapsed"], "refused": tally.of("refused")}


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [
        f"{file['file']}: {plural(file['records'], 'record')} of {file['format']}"
        for file in report["files"]
    ]
    if report["collapsed"]:
        lines.append(f"{plural(report['collapsed'], 'identical duplicate')} collapsed")
    return "\n".join(lines + [f"{n:,} rejected: {why}" for why, n in report["refused"].items()])


def _record_files(given: Path) -> list[Path]:
    """The file given, or the files of records in the folder of an export."""
    if given.name != DESCRIPTION and not given.is_dir():
        return [given]
    from qbuild.core.artifact.lineage import open_described

    files: list[Path] = []
    if (given / DESCRIPTION).is_file() or given.name == DESCRIPTION:
        found = open_described(given)
        names = sorted(found.description["files"])
        files = [found.path / name for name in names if name.endswith(".json")]
    if given.is_dir() and files:
        return files
    what = "a folder without an export in it" if given.is_dir() else "the description of an export"
    raise InputError(
        str(given),
        f"{what}, no file of records",
        "expected the JSON or JSONL of a dialect, or the folder of an export",
        f"Give {' or '.join(map(str, files[:3]))}." if files else "Give the files themselves.",
    )


def _file(
    path: Path, number: int, options: ImportOptions, kept: Kept, limit: int | None
) -> Generator[Output, None, int]:
    """What a file's records give, kept or refused; returns how many were read."""
    auto = options.format == "auto"
    dialect = recognise(read_values(path)) if auto else get_dialect(options.format)
    defaults = Defaults(options.dataset or path.stem, options.task)
    records = enumerate(islice(read_values(path), limit), start=1)
    count = 0
    while piece := list(islice(records, PIECE)):
        count += len(piece)
        rows, refused = _read(path, piece, dialect, defaults)
        table, unfit = _fitted(rows)
        refused += [(n, refusal) for n, refusal in unfit.items()]
        kept.tables.append(table)
        kept.places += [(number, n) for n in rows if n not in unfit]
        yield _refused(path.name, sorted(refused, key=lambda item: item[0]), dict(piece))
    kept.files.append({"file": path.name, "format": dialect.name, "records": count})
    return count


def _read(
    path: Path, piece: list[tuple[int, Any]], dialect: Dialect, defaults: Defaults
) -> tuple[dict[int, Row], list[tuple[int, Unreadable]]]:
    """The rows of numbered records, and the refusals."""
    rows: dict[int, Row] = {}
    refused: list[tuple[int, Unreadable]] = []
    for number, record in piece:
        if not isinstance(record, dict):
            fault = Unreadable("not-an-object", "the record is no JSON object; expected one")
            refused.append((number, fault))
            continue
        try:
            rows[number] = dialect.read(record, defaults)
        except Unreadable as refusal:
            if number == 1 and refusal.reason == "rating-file":
                raise InputError(
                    str(path),
                    "a rating file: its records hold a score and no conversation",
                    "expected records with `conversations`",
                    "Read it with `qbuild ingest-ratings`.",
                ) from refusal
            refused.append((number, refusal))
    return rows, refused


def _fitted(rows: dict[int, Row]) -> tuple[pa.Table, dict[int, Unreadable]]:
    """The rows as a table, without those that the schema refuses; these by number."""
    table = _table(list(rows.values()))
    if not isinstance(table, str):
        return table, {}
    unfit: dict[int, Unreadable] = {}
    for number, row in rows.items():
        if isinstance(fault := _table([row]), str):
            unfit[number] = Unreadable("against-schema", fault)
    good = _table([row for number, row in rows.items() if number not in unfit])
    assert not isinstance(good, str)  # noqa: S101 - rows that fit one by one fit together
    return good, unfit


def _table(rows: list[Row]) -> pa.Table | str:
    """The rows in the form of the schema, or what is wrong with one of them."""
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    schema = load_schema("instruction")
    try:
        table = pa.Table.from_pylist(rows, schema=schema.arrow)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        return f"no row of the schema ({str(error)[:200]})"
    faults = schema.check(table)
    return f"{faults.first[0].column}: {faults.first[0].message}" if faults.total else table


def _settled(kept: Kept, files: list[Path]) -> Iterator[Output]:
    """The rows kept, each sample once; rows that conflict are refused."""
    import pyarrow as pa

    whole = pa.concat_tables(kept.tables) if kept.tables else None
    if whole is None or not whole.num_rows:
        return
    dropped, conflicts = _duplicates(whole)
    for number, path in enumerate(files):
        bad = {
            kept.places[at][1]: why for at, why in conflicts.items() if kept.places[at][0] == number
        }
        if bad:
            records = {n: r for n, r in enumerate(read_values(path), start=1) if n in bad}
            yield _refused(path.name, sorted(bad.items()), records)
    keep = [at not in dropped and at not in conflicts for at in range(whole.num_rows)]
    yield Output(rows=whole.filter(pa.array(keep)), tally=Tally(collapsed=len(dropped)))


def _duplicates(whole: pa.Table) -> tuple[set[int], dict[int, Unreadable]]:
    """Rows that repeat an earlier one, and rows that differ from another of their sample_id."""
    ids = whole.column("sample_id").to_pylist()
    times = Counter(ids)
    again = [at for at, sample in enumerate(ids) if times[sample] > 1]
    groups: dict[str, dict[int, Row]] = {}
    for at, row in zip(again, whole.take(again).to_pylist() if again else [], strict=True):
        groups.setdefault(row["sample_id"], {})[at] = row
    dropped: set[int] = set()
    conflicts: dict[int, Unreadable] = {}
    for sample, group in groups.items():
        first = next(iter(group.values()))
        if all(row == first for row in group.values()):
            dropped |= set(list(group)[1:])
        else:
            message = f"{len(group)} records of this sample_id differ; expected one"
            refusal = Unreadable("conflict", message, "sample_id", sample)
            conflicts |= dict.fromkeys(group, refusal)
    return dropped, conflicts


def _refused(source: str, refused: list[tuple[int, Unreadable]], records: dict[int, Any]) -> Output:
    """Rejected rows for refusals by number, with the records as they were read."""
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    rows = [why.as_row(source, number, as_json(records[number])) for number, why in refused]
    table = pa.Table.from_pylist(rows, schema=load_schema("rejected").arrow)
    tally = Tally()
    tally.add_each("refused", (why.reason for _, why in refused))
    return Output(rejected=table, tally=tally)


STAGE = Stage(
    name="import-qa",
    version=1,
    summary="Bring in and check pairs from a dialect's own file.",
    options=ImportOptions,
    reads=Reads(schema=None),
    writes="instruction",
    produce=produce,
    finish=finish,
    render=render,
)
