"""Validates an output in full: rows, hashes, layout, ids, files.

A finding is of kind `schema` (a row or column violates its schema) or `damage` (the file differs
from its description).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.artifact.content_hash import ROW_GROUP_ROWS
from qbuild.core.artifact.lineage import DescribedOutput, open_output
from qbuild.core.artifact.reader import Artifact, read_description, rejected_path
from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError, QbuildError, SchemaError
from qbuild.core.media_roots import MediaRoots, artifact_media
from qbuild.core.plural import plural
from qbuild.core.rows.lookup import id_column

SHOWN = 20


@dataclass(frozen=True)
class Finding:
    """A problem of an output: its kind, its place, and what is wrong."""

    kind: str  # "schema" or "damage"
    where: str
    what: str


@dataclass
class Findings:
    """The problems of one output: their number in `total`, the first in `problems`."""

    path: Path
    schema: str | None = None
    rows: int | None = None
    problems: list[Finding] = field(default_factory=list)
    total: int = 0
    of_schema: bool = False

    def add(self, kind: str, where: str, what: str, count: int = 1) -> None:
        """Add a problem that occurs `count` times."""
        self.total += count
        self.of_schema |= kind == "schema"
        if len(self.problems) < SHOWN:
            self.problems.append(Finding(kind, where, what))

    @property
    def exit_code(self) -> int:
        """0 without problems, 3 for a violated schema, 1 for damage only."""
        return (3 if self.of_schema else 1) if self.total else 0

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints for this output."""
        return {
            "path": str(self.path),
            "ok": not self.total,
            "schema": self.schema,
            "rows": self.rows,
            "total": self.total,
            "problems": [vars(problem) for problem in self.problems],
        }


def validate(path: Path, roots: MediaRoots) -> Findings:
    """All problems of the output at `path`; raises no error for them."""
    findings = Findings(path)
    with _collect(findings):
        item = open_output(path)
        with _collect(findings):
            _check_description(findings, item)
        if item.artifact is None:
            _check_export_files(findings, item)
            return findings
        findings.schema, findings.rows = item.artifact.schema.name, item.artifact.rows
        for check in (_check_layout, _check_rows, _check_content, _check_ids):
            with _collect(findings):
                check(findings, item.artifact)
        _check_rejected(findings, item)
        _check_media(findings, item, roots)
    return findings


@contextmanager
def _collect(findings: Findings) -> Iterator[None]:
    """Any error that ends a check is a problem too: a damaged file may cause any."""
    try:
        yield
    except SchemaError as error:
        findings.add("schema", error.where, f"{error.what}; {error.expected}")
    except QbuildError as error:
        findings.add("damage", error.where, f"{error.what}; {error.expected}")
    except (OSError, pa.ArrowException, ValueError, LookupError, TypeError) as error:
        findings.add("damage", "contents", f"cannot be read ({type(error).__name__}: {error})")


def _check_description(findings: Findings, item: DescribedOutput) -> None:
    described = item.description
    if not described.complete:
        pending = plural(described.pending, "row")
        findings.add("damage", "description", f"incomplete: {pending} pending")
    if described.fingerprint not in (None, described.compute_fingerprint()):
        findings.add("damage", "description", "its fingerprint does not match its contents")


def _check_export_files(findings: Findings, item: DescribedOutput) -> None:
    findings.rows = item.description.rows
    for name, known in item.description.files.items():
        place = item.path / name
        if not place.is_file():
            findings.add("damage", name, "the file is missing")
        elif hash_file(place) != known:
            findings.add("damage", name, "the file was changed after it was written")


def _check_layout(findings: Findings, artifact: Artifact) -> None:
    if artifact.rows != artifact.description.rows:
        known = artifact.description.rows
        what = f"{plural(artifact.rows, 'row')}; its description states {known:,}"
        findings.add("damage", "rows", what)
    for index in range(artifact.groups):
        rows, last = artifact.group_rows(index), index == artifact.groups - 1
        if (rows != ROW_GROUP_ROWS and not last) or not 0 < rows <= ROW_GROUP_ROWS:
            what = f"holds {rows} rows; expected {ROW_GROUP_ROWS}, or fewer in the last"
            findings.add("damage", f"row group {index + 1}", what)


def _check_rows(findings: Findings, artifact: Artifact) -> None:
    start = 0
    for index in range(artifact.groups):
        table = artifact.group(index)
        violations = artifact.schema.check(table)
        for violation in violations.first[:SHOWN]:
            where = f"row {start + violation.row + 1}, column {violation.column}"
            findings.add("schema", where, violation.message, count=0)
        findings.total += violations.total
        start += table.num_rows


def _check_content(findings: Findings, artifact: Artifact) -> None:
    if artifact.content_hash() != artifact.description.content_hash:
        findings.add("damage", "content hash", "the rows differ from those that were written")


def _check_rejected(findings: Findings, item: DescribedOutput) -> None:
    known = item.description.rejected
    if "rejected" not in item.description.model_fields_set:
        return
    file = rejected_path(item.path)
    if not file.is_file():
        if known.rows:
            rows = plural(known.rows, "rejected row")
            findings.add("damage", file.name, f"is missing; it held {rows}")
        return
    with _collect(findings):
        described = read_description(file)
        if described is None or described.content_hash != known.content_hash:
            findings.add("damage", file.name, "belongs to another run")
        elif Artifact.open(file).content_hash() != known.content_hash:
            findings.add("damage", file.name, "its rows differ from those that were written")


def _check_ids(findings: Findings, artifact: Artifact) -> None:
    column = id_column(artifact.schema)
    if column is not None:
        ids = pc.drop_null(artifact.table([column]).column(0))  # scores have no sample_id
        if pc.count_distinct(ids).as_py() != len(ids):
            counts = pc.value_counts(ids)
            repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
            findings.add("damage", column, f"{repeated[0]} identifies several rows", len(repeated))
    if {"media_id", "dataset", "path"}.issubset(artifact.schema.arrow.names):
        _check_media_ids(findings, artifact)


def _check_media_ids(findings: Findings, artifact: Artifact) -> None:
    for index in range(artifact.groups):
        table = artifact.group(index, ["media_id", "dataset", "path"])
        dataset = table.column("dataset").cast(pa.string())
        for character, escaped in (("%", "%25"), (":", "%3A")):
            dataset = pc.replace_substring(dataset, character, escaped)
        expected = pc.binary_join_element_wise(dataset, table.column("path"), ":")
        wrong = table.filter(pc.not_equal(table.column("media_id"), expected))
        if wrong.num_rows:
            row = wrong.slice(0, 1).to_pylist()[0]
            what = f"{row['media_id']!r} is not dataset {row['dataset']!r} and path {row['path']!r}"
            findings.add("damage", "media_id", what, wrong.num_rows)


def _check_media(findings: Findings, item: DescribedOutput, roots: MediaRoots) -> None:
    made = item.media_folder
    if item.artifact is None or (made is None and not roots.folders):
        return
    for dataset, path, sha256 in _unique_media(item.artifact):
        own = made is not None and dataset not in roots.folders
        try:
            file = made / path if made is not None and own else roots.find(dataset, path)
        except InputError as error:
            findings.add("damage", path, error.what)
            continue
        if not file.is_file():
            findings.add("damage", path, f"no such file in {file.parent}")
        elif sha256 and hash_file(file) != f"sha256:{sha256}":
            findings.add("damage", path, "its sha256 differs from the row")


def _unique_media(artifact: Artifact) -> Iterator[tuple[str, str, str | None]]:
    """Dataset, path and hash of each medium, in the order of the rows."""
    if not {"path", "media"}.intersection(artifact.schema.arrow.names):
        return
    checked: set[tuple[str, str, str | None]] = set()
    for table in artifact_media(artifact, ["dataset", "path", "sha256"]):
        for medium in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if medium not in checked:
                checked.add(medium)
                yield medium
