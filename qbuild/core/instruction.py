"""Canonical `instruction` rows about one medium each, their nested columns built whole.

Every stage that asks one question about one medium makes its rows here, so that they all have the
same form: a user turn that shows the medium before or after the question, on a line of its own,
and an assistant turn with the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.canonical import sample_id
from qbuild.core.nested import lists, lists_of
from qbuild.core.schema import load_schema

SYNTHETIC = "synthetic"  # how the source of scores that no human gave begins


@dataclass(frozen=True)
class Pairs:
    """A question and an answer for each row, and what they are."""

    task: str
    stage: str
    kinds: list[str]  # image or video
    words: list[str]  # the level's word in the answer
    questions: list[str]
    answers: list[str]
    medium_first: bool


def instruction_table(rows: pa.Table, pairs: Pairs) -> pa.Table:
    """The pairs about the media of `rows` (level or rating rows), as canonical rows."""
    form = load_schema("instruction").arrow
    ids: list[Any] = rows.column("media_id").to_pylist()
    samples = [
        sample_id([medium], pairs.task, question, answer)
        for medium, question, answer in zip(ids, pairs.questions, pairs.answers, strict=True)
    ]
    media = _struct(form.field("media").type.value_type, rows, {"kind": pairs.kinds})
    given = {
        "sample_id": pa.array(samples, pa.string()),
        "media": lists_of(len(rows), 1, media),
        "turns": _turns(pairs, form.field("turns").type.value_type),
        "task": pa.array([pairs.task] * len(rows), pa.string()),
        "labels": _struct(form.field("labels").type, rows, {"word": pairs.words}),
        "split": rows.column("split"),
        "provenance": _provenance(rows, pairs.stage, form.field("provenance").type),
    }
    columns = [given.get(f.name, pa.nulls(len(rows), f.type)) for f in form]
    return pa.table(columns, names=form.names)


def _turns(pairs: Pairs, turn: Any) -> Any:
    """Two turns a row, three parts: the medium and the question, then the answer."""
    count = len(pairs.questions)
    none: list[Any] = [None] * count
    first: list[Any] = [0] * count
    texts: list[list[Any]]
    media: list[list[Any]]
    if pairs.medium_first:
        texts, media = [none, [f"\n{q}" for q in pairs.questions]], [first, none, none]
    else:
        texts, media = [[f"{q}\n" for q in pairs.questions], none], [none, first, none]
    text = pa.array(_in_turn(*texts, pairs.answers), pa.string())
    part = turn.field("parts").type.value_type
    made: dict[str, Any] = {"text": text, "media": pa.array(_in_turn(*media), pa.int32())}
    parts = pa.StructArray.from_arrays([made[f.name] for f in part], fields=list(part))
    ends = np.arange(count)[:, None] * 3 + np.array([2, 3])
    given: dict[str, Any] = {
        "role": pa.array(["user", "assistant"] * count, pa.string()),
        "parts": lists(np.concatenate(([0], ends.ravel())), parts),
    }
    turns = pa.StructArray.from_arrays([given[f.name] for f in turn], fields=list(turn))
    return lists_of(count, 2, turns)


def _in_turn(*columns: list[Any]) -> list[Any]:
    return [value for row in zip(*columns, strict=True) for value in row]


def _provenance(rows: pa.Table, stage: str, kind: Any) -> Any:
    """The stage, whether the scores are synthetic, and the row that each pair was made from."""
    source = rows.column("source").cast(pa.string()).combine_chunks()
    synthetic = pc.fill_null(pc.starts_with(source, SYNTHETIC), False)
    given = {
        "stage": [stage] * len(rows),
        "origin": pc.if_else(synthetic, SYNTHETIC, pa.scalar(None, pa.string())),
        "parents": lists_of(len(rows), 1, rows.column("media_id").combine_chunks()),
    }
    return _struct(kind, rows.select([]), given, count=len(rows))


def _struct(kind: Any, rows: pa.Table, given: dict[str, Any], count: int | None = None) -> Any:
    """A struct a row: the given fields, the row's own columns of that name, else null."""
    arrays = []
    for field in kind:
        if field.name in given:
            array: Any = given[field.name]
        elif field.name in rows.column_names:
            array = rows.column(field.name).combine_chunks()
        else:
            array = pa.nulls(len(rows) if count is None else count, field.type)
        arrays.append(
            pa.array(array, field.type) if isinstance(array, list) else array.cast(field.type)
        )
    return pa.StructArray.from_arrays(arrays, fields=list(kind))
