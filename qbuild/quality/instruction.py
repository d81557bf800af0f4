"""Canonical `instruction` rows about one medium each, their nested columns built whole.

Every stage that asks one question about one medium makes its rows here, so that they all have the
same form: a user turn that shows the medium before or after the question, on a line of its own,
and an assistant turn with the answer.
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

SYNTHETIC = "synthetic"  # how the source of scores that no human gave begins


@dataclass(frozen=True)
class Pairs:
    """A question and an answer for each row, and what they are."""

    task: str | list[str]  # of all rows, or of each
    stage: str
    kinds: list[str]  # image or video
    words: list[str] | None  # the level's word in the answer, where it says one
    questions: list[str]
    answers: list[str]
    medium_first: bool
    options: list[Any] | None = None  # the choices, where answers are given to choose from
    answer_keys: list[Any] | None = None  # the letter of the right one
    provenance: dict[str, list[Any]] = field(default_factory=dict)  # what the rows do not tell


def instruction_table(rows: pa.Table, pairs: Pairs) -> pa.Table:
    """The pairs about the media of `rows` as canonical rows, with what `rows` says of scores."""
    form = load_schema("instruction").arrow
    ids: list[Any] = rows.column("media_id").to_pylist()
    tasks = [pairs.task] * len(rows) if isinstance(pairs.task, str) else pairs.task
    samples = [
        sample_id([medium], task, question, answer)
        for medium, task, question, answer in zip(
            ids, tasks, pairs.questions, pairs.answers, strict=True
        )
    ]
    media = _struct(form.field("media").type.value_type, rows, {"kind": pairs.kinds})
    given = {
        "sample_id": pa.array(samples, pa.string()),
        "media": lists_of(len(rows), 1, media),
        "turns": _turns(pairs, form.field("turns").type.value_type),
        "task": pa.array(tasks, pa.string()),
        "labels": _struct(form.field("labels").type, rows, _known(word=pairs.words)),
        "split": rows.column("split"),
        "provenance": _provenance(rows, pairs, form.field("provenance").type),
    }
    for name, values in _known(options=pairs.options, answer_key=pairs.answer_keys).items():
        given[name] = pa.array(values, form.field(name).type)
    columns = [given.get(f.name, pa.nulls(len(rows), f.type)) for f in form]
    return pa.table(columns, names=form.names)


def _known(**given: Any) -> dict[str, Any]:
    return {name: values for name, values in given.items() if values is not None}


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


def _provenance(rows: pa.Table, pairs: Pairs, kind: Any) -> Any:
    """The stage, whether the labels are synthetic, and the media that each pair goes back to.

    What the pairs say of it themselves goes before.
    """
    source = rows.column("source").cast(pa.string()).combine_chunks()
    synthetic = pc.fill_null(pc.starts_with(source, SYNTHETIC), False)
    given = {
        "stage": [pairs.stage] * len(rows),
        "origin": pc.if_else(synthetic, SYNTHETIC, pa.scalar(None, pa.string())),
        "parents": _parents(rows),
        **pairs.provenance,
    }
    return _struct(kind, rows.select([]), given, count=len(rows))


def _parents(rows: pa.Table) -> Any:
    """The row's own medium, and the one that it was made from, where that is known."""
    own = rows.column("media_id").combine_chunks()
    if "source_media_id" not in rows.column_names:
        return lists_of(len(rows), 1, own)
    above: list[Any] = rows.column("source_media_id").to_pylist()
    both = zip(own.to_pylist(), above, strict=True)
    found = [[medium, source] if source else [medium] for medium, source in both]
    return pa.array(found, pa.list_(pa.string()))


def _struct(kind: Any, rows: pa.Table, given: dict[str, Any], count: int | None = None) -> Any:
    """A struct a row: the given fields, the row's own columns of that name, else null."""
    arrays = []
    for part in kind:
        if part.name in given:
            array: Any = given[part.name]
        elif part.name in rows.column_names:
            array = rows.column(part.name).combine_chunks()
        else:
            array = pa.nulls(len(rows) if count is None else count, part.type)
        arrays.append(
            pa.array(array, part.type) if isinstance(array, list) else array.cast(part.type)
        )
    return pa.StructArray.from_arrays(arrays, fields=list(kind))
