"""Label Studio's JSON export: tasks, each with annotations, each with results a field.

Read as its documentation describes it and as the exporter writes it: `data` holds what the task
showed, `annotations[].result[]` one object a field (`from_name`) with its `value`. JSON_MIN is a
table, whose keys are the fields. Cancelled annotations are left out and counted.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError, SchemaError
from qbuild.labels.depictions.entries import (
    Annotation,
    Entry,
    Found,
    annotation,
    levels_alone,
    says_anything,
    wide_entries,
)
from qbuild.labels.depictions.names import ABOUT, TEXTS, WIDE
from qbuild.labels.depictions.tables import refuse_unknown
from qbuild.labels.tables.columns import known, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

CHOICE = "note"  # of our own project: which of two notes is written; the notes themselves say it
_PERSONAL = ("annotator", "date")  # said by the annotation, not by the task
_FIELDS = tuple(name for name in WIDE if name not in ABOUT)
_VALUES = ("text", "choices", "number", "rating")


def is_export(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these records are tasks with annotations."""
    return any(
        isinstance(record.get("annotations"), list) and isinstance(record.get("data"), dict)
        for record in records
    )


def read_export(
    path: Path, records: Sequence[Mapping[str, Any]], given: Mapping[str, str]
) -> Found:
    """The annotations of all tasks; SchemaError where no field is one of a depiction's."""
    refuse_unknown(given)
    fields = _Fields(given)
    found = Found([])
    for number, task in enumerate(records, 1):
        done = list(_done(task))
        kept = [one for one in done if not one.get("was_cancelled")]
        found.tally["cancelled"] += len(done) - len(kept)
        found.tally["tasks without annotation"] += not done
        found.annotations += [_annotation(number, task, one, fields, found) for one in kept]
    if not found.annotations:
        raise InputError(
            str(path),
            f"{len(records)} tasks hold no annotation that was not cancelled",
            "expected at least one",
            "Export the project again, with annotated tasks.",
        )
    fields.refuse_foreign(path)
    found.notes += fields.notes()
    return found


def _done(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    annotations = task.get("annotations")
    for one in annotations if isinstance(annotations, list) else []:
        if isinstance(one, dict):
            yield one


def _annotation(
    number: int, task: Mapping[str, Any], done: Mapping[str, Any], fields: _Fields, found: Found
) -> Annotation:
    data = task.get("data")
    cells = {
        **fields.about(data if isinstance(data, dict) else {}),
        "annotator": done.get("completed_by"),
        "date": done.get("created_at"),
        **fields.written(done),
    }
    found.tally["levels alone"] += levels_alone(cells)
    entries = tuple(wide_entries(cells))
    if not says_anything(cells):
        entries = (Entry("overall", None, column="overall"),)
    return annotation(number, cells, entries)


class _Fields:
    """What a project's fields are called, and which of them were seen."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._seen: Counter[str] = Counter()
        self._names = {one: name for name in _FIELDS for one in WIDE[name]}
        self._names |= {spelled(given[name]): name for name in _FIELDS if name in given}

    def about(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the task says of the medium and of what was shown, by canonical name."""
        cells = {}
        for name in (name for name in ABOUT if name not in _PERSONAL):
            wanted = [self._given[name]] if name in self._given else ABOUT[name]
            keys = [key for one in wanted for key in known(data, [spelled(one)])]
            if keys:
                cells[name] = data[keys[0]]
        return cells

    def written(self, done: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The values of an annotation's results, by canonical name."""
        cells: dict[str, list[Any]] = {}
        results = done.get("result")
        for result in results if isinstance(results, list) else []:
            parts = result if isinstance(result, dict) else {}
            field, value = parts.get("from_name"), parts.get("value")
            if not isinstance(field, str) or not isinstance(value, dict):
                continue  # a relation between regions, which no depiction has
            self._seen[field] += 1
            name = self._names.get(spelled(field))
            if name is not None:
                cells.setdefault(name, []).extend(_values(value))
        return cells

    def refuse_foreign(self, path: Path) -> None:
        """Raise a SchemaError where fields were seen and none of them is a depiction's."""
        texts = {name for name, field in self._names.items() if field in TEXTS}
        if self._seen and not any(spelled(field) in texts for field in self._seen):
            raise SchemaError(
                str(path),
                f"no field of this project is a depiction: {', '.join(sorted(self._seen))}",
                f"expected one of {', '.join(spelled(name) for name in TEXTS)}",
                "Name them with --columns overall=FIELD,….",
            )

    def notes(self) -> list[str]:
        """The fields that were not read."""
        foreign = sorted(f for f in self._seen if f != CHOICE and spelled(f) not in self._names)
        return [f"fields not read: {', '.join(foreign)}"] if foreign else []


def _values(value: Mapping[str, Any]) -> list[Any]:
    for key in _VALUES:
        if key in value:
            held = value[key]
            return list(held) if isinstance(held, list) else [held]
    return []
