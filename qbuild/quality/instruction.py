"""Canonical `instruction` rows about one medium each, built as whole columns.

Every stage that asks one question about one medium makes its rows here, so that they all have the
same form: a user turn with the medium before or after the question, on a separate line, and an
assistant turn with the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.canonical import sample_id
from qbuild.core.schema import load_schema
from qbuild.core.schema.arrow_lists import lists, lists_of

SYNTHETIC = "synthetic"  # prefix of the source of scores not rated by people


@dataclass(frozen=True)
class Pairs:
    """A question and an answer for each row, and their properties."""

    task: str | list[str]  # of all rows, or of each
    stage: str
    kinds: list[str]  # image or video
    words: list[str] | None  # the level's word in the answer, if any
    questions: list[str]
    answers: list[str]
    medium_first: bool
    options: list[Any] | None = None  # of multiple-choice questions
    answer_keys: list[Any] | None = None  # the letter of the right option
    provenance: dict[str, list[Any]] = field(default_factory=dict)  # overrides the columns of rows


def instruction_table(rows: pa.Table, pairs: Pairs) -> pa.Table:
    """The pairs about the media of `rows` as canonical rows, with the labels of `rows`."""
    schema = load_schema("instruction").arrow
    ids: list[Any] = rows.column("media_id").to_pylist()
    tasks = [pairs.task] * len(rows) if isinstance(pairs.task, str) else pairs.task
    texts = zip(ids, tasks, pairs.questions, pairs.answers, strict=True)
    samples = [sample_id([medium], task, *text) for medium, task, *text in texts]
    media = _struct(schema.field("media").type.value_type, rows, {"kind": pairs.kinds})
    words = {} if pairs.words is None else {"word": pairs.words}
    columns = {
        "sample_id": pa.array(samples, pa.string()),
        "media": lists_of(len(rows), 1, media),
        "turns": _turns(pairs, schema.field("turns").type.value_type),
        "task": pa.array(tasks, pa.string()),
        "labels": _struct(schema.field("labels").type, rows, words),
        "split": rows.column("split"),
        "provenance": _provenance(rows, pairs, schema.field("provenance").type),
    }
    for name, values in (("options", pairs.options), ("answer_key", pairs.answer_keys)):
        if values is not None:
            columns[name] = pa.array(values, schema.field(name).type)
    return pa.table(
        [columns.get(f.name, pa.nulls(len(rows), f.type)) for f in schema], schema.names
    )


def _turns(pairs: Pairs, turn: Any) -> Any:
    """Two turns and three parts per row: the medium and the question, then the answer."""
    count = len(pairs.questions)
    none: list[Any] = [None] * count
    first: list[Any] = [0] * count
    texts: list[list[Any]]
    media: list[list[Any]]
    if pairs.medium_first:
        texts, media = [none, [f"\n{q}" for q in pairs.questions]], [first, none, none]
    else:
        texts, media = [[f"{q}\n" for q in pairs.questions], none], [none, first, none]
    part = turn.field("parts").type.value_type
    fields: dict[str, Any] = {
        "text": pa.array(_interleave(*texts, pairs.answers), pa.string()),
        "media": pa.array(_interleave(*media), pa.int32()),
    }
    parts = pa.StructArray.from_arrays([fields[f.name] for f in part], fields=list(part))
    ends = np.arange(count)[:, None] * 3 + np.array([2, 3])
    fields = {
        "role": pa.array(["user", "assistant"] * count, pa.string()),
        "parts": lists(np.concatenate(([0], ends.ravel())), parts),
    }
    turns = pa.StructArray.from_arrays([fields[f.name] for f in turn], fields=list(turn))
    return lists_of(count, 2, turns)


def _interleave(*columns: list[Any]) -> list[Any]:
    return [value for row in zip(*columns, strict=True) for value in row]


def _provenance(rows: pa.Table, pairs: Pairs, struct: Any) -> Any:
    """The stage, whether the labels are synthetic, and the parent media; `pairs` override them."""
    source = rows.column("source").cast(pa.string()).combine_chunks()
    synthetic = pc.fill_null(pc.starts_with(source, SYNTHETIC), False)
    fields = {
        "stage": [pairs.stage] * len(rows),
        "origin": pc.if_else(synthetic, SYNTHETIC, pa.scalar(None, pa.string())),
        "parents": _parents(rows),
        **pairs.provenance,
    }
    return _struct(struct, rows.select([]), fields)


def _parents(rows: pa.Table) -> Any:
    """The row's own medium, and its source medium where that is known."""
    own = rows.column("media_id").combine_chunks()
    if "source_media_id" not in rows.column_names:
        return lists_of(len(rows), 1, own)
    sources: list[Any] = rows.column("source_media_id").to_pylist()
    both = zip(own.to_pylist(), sources, strict=True)
    parents = [[medium, source] if source else [medium] for medium, source in both]
    return pa.array(parents, pa.list_(pa.string()))


def _struct(struct: Any, rows: pa.Table, values: dict[str, Any]) -> Any:
    """A struct per row: these values, else the row's column of that name, else null."""
    arrays = []
    for part in struct:
        if part.name in values:
            array: Any = values[part.name]
        elif part.name in rows.column_names:
            array = rows.column(part.name).combine_chunks()
        else:
            array = pa.nulls(len(rows), part.type)
        arrays.append(
            pa.array(array, part.type) if isinstance(array, list) else array.cast(part.type)
        )
    return pa.StructArray.from_arrays(arrays, fields=list(struct))
