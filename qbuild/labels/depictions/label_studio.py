"""Label Studio's JSON export: tasks, each with annotations, each with one result per field.

Read as its documentation describes it and as the exporter writes it: `data` is what the task
showed, `annotations[].result[]` has one object per field (`from_name`) with its `value`. JSON_MIN
is a table, whose keys are the fields. Cancelled annotations are left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from qbuild.core.errors import InputError, SchemaError
from qbuild.labels.depictions.entries import FileAnnotations
from qbuild.labels.depictions.names import ABOUT, LONG, TEXTS, WIDE
from qbuild.labels.tables.columns import check_canonical, find_names, normalise_name

CHOICE = "note"  # field of our own project: which of two notes is written; not itself a depiction
_OF_ANNOTATION = ("annotator", "date")  # from the annotation, not from the task
_FIELDS = tuple(name for name in WIDE if name not in ABOUT)
_VALUES = ("text", "choices", "number", "rating")


def is_export(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these records are tasks with annotations."""
    return any(
        isinstance(record.get("annotations"), list) and isinstance(record.get("data"), dict)
        for record in records
    )


def read_export(
    path: Path, records: Sequence[Mapping[str, Any]], user_columns: Mapping[str, str]
) -> FileAnnotations:
    """The annotations of all tasks; SchemaError where no field holds depictions."""
    check_canonical(user_columns, WIDE | LONG)
    fields = _Fields(user_columns)
    file = FileAnnotations()
    for number, task in enumerate(records, 1):
        annotations = list(_annotations(task))
        kept = [one for one in annotations if not one.get("was_cancelled")]
        file.cancelled += len(annotations) - len(kept)
        file.unannotated_tasks += not annotations
        for annotation in kept:
            file.add(number, _cells(task, annotation, fields))
    if not file.annotations:
        raise InputError(
            str(path),
            f"{len(records)} tasks hold no annotation that was not cancelled",
            "expected at least one",
            "Export the project again, with annotated tasks.",
        )
    fields.check(path)
    file.notes += fields.notes()
    return file


def _annotations(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    annotations = task.get("annotations")
    for one in annotations if isinstance(annotations, list) else []:
        if isinstance(one, dict):
            yield one


def _cells(
    task: Mapping[str, Any], annotation: Mapping[str, Any], fields: _Fields
) -> dict[str, Any]:
    data = task.get("data")
    return {
        **fields.of_task(data if isinstance(data, dict) else {}),
        "annotator": annotation.get("completed_by"),
        "date": annotation.get("created_at"),
        **fields.of_results(annotation),
    }


class _Fields:
    """The names of a project's fields, and how often each occurs."""

    def __init__(self, user_columns: Mapping[str, str]) -> None:
        self._user_columns = user_columns
        self._counts: Counter[str] = Counter()
        self._names = {one: name for name in _FIELDS for one in WIDE[name]}
        self._names |= {
            normalise_name(user_columns[name]): name for name in _FIELDS if name in user_columns
        }

    def of_task(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The cells of a task on the medium and what was shown, by canonical name."""
        cells = {}
        for name in (name for name in ABOUT if name not in _OF_ANNOTATION):
            synonyms = [self._user_columns[name]] if name in self._user_columns else ABOUT[name]
            keys = [key for one in synonyms for key in find_names(data, [normalise_name(one)])]
            if keys:
                cells[name] = data[keys[0]]
        return cells

    def of_results(self, annotation: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The values of an annotation's results, by canonical name."""
        cells: dict[str, list[Any]] = {}
        results = annotation.get("result")
        for result in results if isinstance(results, list) else []:
            parts = result if isinstance(result, dict) else {}
            field, value = parts.get("from_name"), parts.get("value")
            if not isinstance(field, str) or not isinstance(value, dict):
                continue  # a relation between regions, which is not part of a depiction
            self._counts[field] += 1
            name = self._names.get(normalise_name(field))
            if name is not None:
                cells.setdefault(name, []).extend(_values(value))
        return cells

    def check(self, path: Path) -> None:
        """Raise a SchemaError where the project has fields and none of them holds depictions."""
        texts = {name for name, field in self._names.items() if field in TEXTS}
        if self._counts and not any(normalise_name(field) in texts for field in self._counts):
            raise SchemaError(
                str(path),
                f"no field of this project is a depiction: {', '.join(sorted(self._counts))}",
                f"expected one of {', '.join(normalise_name(name) for name in TEXTS)}",
                "Name them with --columns overall=FIELD,….",
            )

    def notes(self) -> list[str]:
        """The fields that were not read."""
        known = {CHOICE} | {field for field in self._counts if normalise_name(field) in self._names}
        unread = sorted(self._counts.keys() - known)
        return [f"fields not read: {', '.join(unread)}"] if unread else []


def _values(value: Mapping[str, Any]) -> list[Any]:
    for key in _VALUES:
        if key in value:
            held = value[key]
            return list(held) if isinstance(held, list) else [held]
    return []
