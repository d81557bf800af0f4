"""Traces a sample or a medium back to its rating, through its row in each output."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from qbuild.core.artifact.lineage import ArtifactIndex, DescribedOutput
from qbuild.core.artifact.reader import Artifact
from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError
from qbuild.core.rows.lookup import find_row, id_column, iter_ids

MIN_PREFIX = 6
_CONSIDERED = 5_000  # ids that are compared to suggest similar ones
_SHOWN_REJECTED = 20


def trace_row(wanted: str, workdir: Path) -> dict[str, Any]:
    """The traces of an id in the outputs below a folder, and the rejected rows that name it.

    `wanted` is an id, at least the first 6 characters of a sample's, or the path of a medium.
    Raises InputError with similar ids if nothing has it, or with all ids that match.
    """
    index = ArtifactIndex.scan(workdir)
    identity = _complete_id(wanted, index)
    traces = _traces(identity, index)
    rejected = list(_rejections(identity, index))
    if not traces and not rejected:
        raise InputError(
            wanted,
            f"no row below {workdir} has this id",
            "expected a sample_id (or its beginning), a media_id or the path of a medium",
            _suggest(wanted, index),
        )
    skipped = [str(error) for error in index.skipped]
    return {"id": identity, "traces": traces, "rejected": rejected, "skipped": skipped}


def _traces(identity: str, index: ArtifactIndex) -> list[dict[str, Any]]:
    """A trace from each output that has the row, except outputs that are part of another trace."""
    holders = []
    for item in index.items:
        row = find_row(item.artifact, identity) if item.artifact is not None else None
        if row is not None:
            holders.append((item, row))
    passed: set[Path] = set()
    traces: dict[str, tuple[Path, dict[str, Any]]] = {}
    for item, row in holders:
        trace = _step(item, row, index, frozenset(), passed)
        # one trace for all copies of an output
        same = item.description.fingerprint or str(item.path)
        traces.setdefault(same, (item.path, trace))
    return [trace for path, trace in traces.values() if path not in passed]


def _step(
    item: DescribedOutput,
    row: dict[str, Any],
    index: ArtifactIndex,
    trail: frozenset[Path],
    passed: set[Path],
) -> dict[str, Any]:
    """The row in one output; under `from`, the rows of its inputs that it was made from."""
    trail = trail | {item.path}
    described = item.description
    wanted = _parents(item, row)
    sources: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    for reference in described.inputs:
        above = index.find(reference, item.path, set(trail)) if reference.schema_name else None
        if above is None or above.artifact is None:
            missing += [reference.as_dict()] if reference.schema_name else []
            continue
        for name in wanted:
            if (parent := find_row(above.artifact, name)) is not None:
                passed.add(above.path)
                sources.append(_step(above, parent, index, trail, passed))
    return {
        "artifact": str(item.path),
        "schema": described.schema_name,
        "stage": described.stage.name,
        "version": described.stage.version,
        "options": described.options,
        "row": row,
        "cut": _cut(described.report, row),
        "file": _made_file(item, row),
        "files": [file.as_dict() for file in described.inputs if not file.schema_name],
        "from": sources,
        "missing": missing,
    }


def _parents(item: DescribedOutput, row: dict[str, Any]) -> list[str]:
    """The ids of a row in the inputs: its own, and those it names as parents."""
    own = id_column(item.artifact.schema) if item.artifact is not None else None
    named = (row.get("provenance") or {}).get("parents") or []
    named += [row[key] for key in ("media_id", "source_media_id") if row.get(key)]
    return list(dict.fromkeys([*([row[own]] if own else []), *named]))


def _cut(report: dict[str, Any], row: dict[str, Any]) -> dict[str, Any] | None:
    """The entry of the stage's report for the row's dataset, such as the range of its levels."""
    entries = (entry for entry in report.get("datasets", []) if isinstance(entry, dict))
    return next((entry for entry in entries if entry.get("dataset") == row.get("dataset")), None)


def _made_file(item: DescribedOutput, row: dict[str, Any]) -> dict[str, Any] | None:
    """The file that the stage made for this row, with its present hash."""
    if item.media_folder is None or "path" not in row:
        return None
    file = item.media_folder / row["path"]
    digest = hash_file(file).removeprefix("sha256:") if file.is_file() else None
    return {"path": str(file), "sha256": digest, "expected": row.get("sha256")}


def _complete_id(wanted: str, index: ArtifactIndex) -> str:
    """The only sample_id that begins with `wanted`, else the only medium with that path.

    `wanted` itself if there is none; InputError for several.
    """
    if ":" in wanted or not wanted:
        return wanted
    matches: set[str] = set()
    if len(wanted) >= MIN_PREFIX:
        matches = _matching(index, "sample_id", lambda column: pc.starts_with(column, wanted))
    what = "samples begin with it"
    if not matches:
        matches = _matching(index, "media_id", lambda column: _has_path(column, wanted))
        what = "media have this path"
    if len(matches) > 1 and wanted not in matches:
        shown = ", ".join(sorted(matches)[:10])
        raise InputError(wanted, f"{len(matches)} {what}", "expected one", f"They are {shown}.")
    return next(iter(matches)) if len(matches) == 1 else wanted


def _matching(index: ArtifactIndex, column: str, fits: Callable[[Any], Any]) -> set[str]:
    matches: set[str] = set()
    for artifact in _artifacts(index, column):
        for values in iter_ids(artifact):
            matches.update(values.filter(fits(values)).to_pylist())
    return matches


def _has_path(media: Any, path: str) -> Any:
    """Whether the path of each medium is, or ends in, this path."""
    return pc.or_(pc.ends_with(media, f":{path}"), pc.ends_with(media, f"/{path}"))


def _rejections(identity: str, index: ArtifactIndex) -> Iterator[dict[str, Any]]:
    """The rejected rows whose record has the id, or its path, as a value."""
    path = identity.partition(":")[2]
    names = {identity, path, path.rpartition("/")[2]} - {""}
    count = 0
    for item in index.items:
        if item.artifact is None or item.artifact.schema.name != "rejected":
            continue
        for table in item.artifact.batches(65_536):
            texts = names | {json.dumps(name)[1:-1] for name in names}
            records = table.column("record")
            hits = reduce(pc.or_, [pc.match_substring(records, text) for text in sorted(texts)])
            for row in table.filter(hits).to_pylist():
                if names & _values(json.loads(row["record"])) and count < _SHOWN_REJECTED:
                    count += 1
                    stage = item.description.stage.name
                    yield {"artifact": str(item.path), "stage": stage, **row}


def _values(record: Any) -> set[str]:
    if isinstance(record, dict):
        return set().union(*(_values(value) for value in record.values()))
    if isinstance(record, list):
        return set().union(*(_values(value) for value in record))
    return {record} if isinstance(record, str) else set()


def _suggest(wanted: str, index: ArtifactIndex) -> str:
    """`Did you mean …?` with similar ids, or what to check."""
    column = "media_id" if ":" in wanted else "sample_id"
    known: set[str] = set()
    for artifact in [*_artifacts(index, column), *_artifacts(index, "media_id")]:
        for chunk in iter_ids(artifact):
            ids = chunk.drop_null()  # predictions of media name no sample
            alike = ids.filter(pc.starts_with(ids, wanted[:4]))
            known.update((alike if len(alike) else ids).slice(0, _CONSIDERED).to_pylist())
            if len(known) >= _CONSIDERED:
                break
    close = difflib.get_close_matches(wanted, sorted(known)[:_CONSIDERED], n=3, cutoff=0.5)
    return f"Did you mean {', '.join(close)}?" if close else "Check the id and --workdir."


def _artifacts(index: ArtifactIndex, column: str) -> Iterator[Artifact]:
    for item in index.items:
        if item.artifact is not None and id_column(item.artifact.schema) == column:
            yield item.artifact
