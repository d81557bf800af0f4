"""Where a sample or a medium comes from: its row in each output on the way back to the rating."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from qbuild.core.artifact.lineage import ArtifactIndex, DescribedOutput
from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError
from qbuild.core.rows.lookup import find_row, id_column, iter_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from qbuild.core.artifact.reader import Artifact

LEAST_PREFIX = 6
_CONSIDERED = 5_000  # ids among which near ones are looked for
_SHOWN_REJECTED = 20


def trace_row(wanted: str, workdir: Path) -> dict[str, Any]:
    """The traces of an id below a folder, and the rejected rows that name it.

    `wanted` is an id, the beginning of a sample's (at least 6 characters of it), or the path of a
    medium. Raises InputError with near ids where nothing has it, or with all that fit.
    """
    shelf = ArtifactIndex.scan(workdir)
    identity = _whole(wanted, shelf)
    traces = _traces(identity, shelf)
    rejected = list(_rejections(identity, shelf))
    if not traces and not rejected:
        raise InputError(
            wanted,
            f"no row below {workdir} has this id",
            "expected a sample_id (or its beginning), a media_id or the path of a medium",
            _near(wanted, shelf),
        )
    skipped = [str(error) for error in shelf.skipped]
    return {"id": identity, "traces": traces, "rejected": rejected, "skipped": skipped}


def _traces(identity: str, shelf: ArtifactIndex) -> list[dict[str, Any]]:
    """A trace from each output that has the row, but for those that lie on another's way."""
    holders = []
    for item in shelf.items:
        row = find_row(item.artifact, identity) if item.artifact is not None else None
        if row is not None:
            holders.append((item, row))
    passed: set[Path] = set()
    traces: dict[str, tuple[Path, dict[str, Any]]] = {}
    for item, row in holders:
        trace = _step(item, row, shelf, frozenset(), passed)
        # Copies of an output say the same: one of them is enough.
        same = item.description.fingerprint or str(item.path)
        traces.setdefault(same, (item.path, trace))
    return [trace for path, trace in traces.values() if path not in passed]


def _step(
    item: DescribedOutput,
    row: dict[str, Any],
    shelf: ArtifactIndex,
    trail: frozenset[Path],
    passed: set[Path],
) -> dict[str, Any]:
    """One output's row, with the rows of its inputs that it was made from under `from`."""
    trail = trail | {item.path}
    described = item.description
    wanted = _parents(item, row)
    found: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    for given in described.inputs:
        above = shelf.find(given, item.path, set(trail)) if given.schema_name else None
        if above is None or above.artifact is None:
            missing += [given.as_dict()] if given.schema_name else []
            continue
        for name in wanted:
            if (parent := find_row(above.artifact, name)) is not None:
                passed.add(above.path)
                found.append(_step(above, parent, shelf, trail, passed))
    return {
        "artifact": str(item.path),
        "schema": described.schema_name,
        "stage": described.stage.name,
        "version": described.stage.version,
        "options": described.options,
        "row": row,
        "cut": _cut(described.report, row),
        "file": _made_file(item, row),
        "files": [given.as_dict() for given in described.inputs if not given.schema_name],
        "from": found,
        "missing": missing,
    }


def _parents(item: DescribedOutput, row: dict[str, Any]) -> list[str]:
    """The ids a row's inputs know it by: its own, and those it names as parents."""
    own = id_column(item.artifact.schema) if item.artifact is not None else None
    named = (row.get("provenance") or {}).get("parents") or []
    named += [row[key] for key in ("media_id", "source_media_id") if row.get(key)]
    return list(dict.fromkeys([*([row[own]] if own else []), *named]))


def _cut(report: dict[str, Any], row: dict[str, Any]) -> dict[str, Any] | None:
    """What the report of the stage says of the row's dataset, such as the range of its levels."""
    for entry in report.get("datasets", []):
        if isinstance(entry, dict) and entry.get("dataset") == row.get("dataset"):
            return entry
    return None


def _made_file(item: DescribedOutput, row: dict[str, Any]) -> dict[str, Any] | None:
    """The file that the stage made for this row, with its hash as it is now."""
    if item.media_folder is None or "path" not in row:
        return None
    place = item.media_folder / row["path"]
    digest = hash_file(place).removeprefix("sha256:") if place.is_file() else None
    return {"path": str(place), "sha256": digest, "expected": row.get("sha256")}


def _whole(wanted: str, shelf: ArtifactIndex) -> str:
    """The one sample_id that begins with `wanted`, else the one medium that lies there.

    `wanted` itself where neither is; InputError where several are.
    """
    if ":" in wanted or not wanted:
        return wanted
    found: set[str] = set()
    if len(wanted) >= LEAST_PREFIX:
        found = _matching(shelf, "sample_id", lambda column: pc.starts_with(column, wanted))
    what = "samples begin so"
    if not found:
        found = _matching(shelf, "media_id", lambda column: _lies_at(column, wanted))
        what = "media lie there"
    if len(found) > 1 and wanted not in found:
        shown = ", ".join(sorted(found)[:10])
        raise InputError(wanted, f"{len(found)} {what}", "expected one", f"They are {shown}.")
    return next(iter(found)) if len(found) == 1 else wanted


def _matching(shelf: ArtifactIndex, column: str, fits: Callable[[Any], Any]) -> set[str]:
    found: set[str] = set()
    for artifact in _artifacts(shelf, column):
        for values in iter_ids(artifact):
            found.update(values.filter(fits(values)).to_pylist())
    return found


def _lies_at(media: Any, path: str) -> Any:
    """Whether each medium has this path, or a path that ends in it."""
    return pc.or_(pc.ends_with(media, f":{path}"), pc.ends_with(media, f"/{path}"))


def _rejections(identity: str, shelf: ArtifactIndex) -> Iterator[dict[str, Any]]:
    """The rejected rows whose record holds the id, or the path in it, as one of its values."""
    path = identity.partition(":")[2]
    names = {identity, path, path.rpartition("/")[2]} - {""}
    count = 0
    for item in shelf.items:
        if item.artifact is None or item.artifact.schema.name != "rejected":
            continue
        for table in item.artifact.batches(65_536):
            hit = None
            for name in names:
                inside = pc.match_substring(table.column("record"), json.dumps(name)[1:-1])
                plain = pc.match_substring(table.column("record"), name)
                hit = pc.or_(inside, plain) if hit is None else pc.or_(hit, pc.or_(inside, plain))
            for row in table.filter(hit).to_pylist():
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


def _near(wanted: str, shelf: ArtifactIndex) -> str:
    """`Did you mean …?` with ids that look alike; nothing where none does."""
    import difflib

    column = "media_id" if ":" in wanted else "sample_id"
    known: set[str] = set()
    for artifact in [*_artifacts(shelf, column), *_artifacts(shelf, "media_id")]:
        for chunk in iter_ids(artifact):
            ids = chunk.drop_null()  # predictions of media name no sample
            alike = ids.filter(pc.starts_with(ids, wanted[:4]))
            known.update((alike if len(alike) else ids).slice(0, _CONSIDERED).to_pylist())
            if len(known) >= _CONSIDERED:
                break
    close = difflib.get_close_matches(wanted, sorted(known)[:_CONSIDERED], n=3, cutoff=0.5)
    return f"Did you mean {', '.join(close)}?" if close else "Check the id and --workdir."


def _artifacts(shelf: ArtifactIndex, column: str) -> Iterator[Artifact]:
    for item in shelf.items:
        if item.artifact is not None and id_column(item.artifact.schema) == column:
            yield item.artifact
