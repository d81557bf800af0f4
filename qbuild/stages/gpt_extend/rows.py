"""The pairs of depictions as rows: canonical pairs, rejected answers, counts for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from qbuild.core.canonical import canonical_json
from qbuild.core.engine.stage import Output
from qbuild.core.engine.tally import Tally
from qbuild.core.rows.rejections import RejectedRow, rejected_table
from qbuild.pairs.generate import AcceptedPair, DepictionPairs, RejectedAnswer
from qbuild.quality.instruction import SYNTHETIC, Pairs, instruction_table
from qbuild.quality.published_text import answer_text, choice_text

Depiction = Mapping[str, Any]
RAW_KEPT = 4_000  # characters of an answer in a rejected row; the ledger has the complete answer
STAGE = "gpt-extend"


class RowMaker:
    """Makes Outputs of depictions and their pairs; duplicate pairs about a medium are dropped."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._samples: set[str] = set()

    def make_output(
        self, start: int, results: Sequence[tuple[Depiction, DepictionPairs]]
    ) -> Output:
        """The rows of consecutive depictions, the first of them row `start` of the inputs."""
        tally = Tally()
        accepted: list[tuple[Depiction, AcceptedPair]] = []
        rejected: list[RejectedRow] = []
        for depiction, pairs in results:
            _count(tally, depiction, pairs)
            accepted += [(depiction, pair) for pair in pairs.accepted]
            rejected += [_rejected_row(depiction, answer) for answer in pairs.rejected]
        table = self._drop_duplicates(_table(accepted, self._origin), tally) if accepted else None
        return Output(table, rejected_table(rejected), tally=tally, at=start, answers=len(results))

    def _drop_duplicates(self, table: pa.Table, tally: Tally) -> pa.Table:
        """The rows whose sample is new; counts them by form and letter."""
        columns = (table.column(name).to_pylist() for name in ("sample_id", "task", "answer_key"))
        fresh = []
        for sample, task, key in zip(*columns, strict=True):
            fresh.append(sample not in self._samples)
            self._samples.add(sample)
            if not fresh[-1]:
                tally.add("repeated")
                continue
            tally.add("form", str(task))
            if key is not None:
                tally.add("letter", str(task), str(key))
        return table if all(fresh) else table.filter(pa.array(fresh))


def _table(accepted: Sequence[tuple[Depiction, AcceptedPair]], origin: str) -> pa.Table:
    names = ("media_id", "path", "split", "source", "level", "word", "mos_norm")
    depictions = [depiction for depiction, _ in accepted]
    rows = pa.table({name: [depiction[name] for depiction in depictions] for name in names})
    answers = [answer for _, answer in accepted]
    pairs = [answer.pair for answer in answers]
    synthetic = [str(d["source"] or "").startswith(SYNTHETIC) for d in depictions]
    return instruction_table(
        rows,
        Pairs(
            task=[pair.form for pair in pairs],
            stage=STAGE,
            kinds=[depiction["medium"] for depiction in depictions],
            words=None,
            questions=[
                pair.question if pair.options is None else choice_text(pair.question, pair.options)
                for pair in pairs
            ],
            answers=[
                pair.answer if pair.options is None else answer_text(pair.answer, pair.right)
                for pair in pairs
            ],
            medium_first=True,
            options=[None if pair.options is None else list(pair.options) for pair in pairs],
            answer_keys=[None if pair.options is None else pair.answer for pair in pairs],
            provenance={
                "prompt": [
                    answer.task.template.named if answer.request_id else f"rules {answer.task.id}"
                    for answer in answers
                ],
                "response_id": [answer.request_id for answer in answers],
                "annotator": [depiction["annotator"] for depiction in depictions],
                "origin": [SYNTHETIC if is_synthetic else origin for is_synthetic in synthetic],
                "parents": [[d["depiction_id"], d["media_id"]] for d in depictions],
            },
        ),
    )


def _rejected_row(depiction: Depiction, answer: RejectedAnswer) -> RejectedRow:
    raw = answer.raw
    record = {
        "depiction_id": depiction["depiction_id"],
        "media_id": depiction["media_id"],
        "task": answer.task.id,
        "request_id": answer.request_id,
        "raw": raw if raw is None or len(raw) <= RAW_KEPT else raw[:RAW_KEPT] + "…",
    }
    message = f"{answer.task.id}: {answer.rejection.message}"
    rejection = replace(answer.rejection, message=message, column="text")
    return RejectedRow(
        depiction["source_file"], depiction["source_row"], rejection, canonical_json(record)
    )


def _count(tally: Tally, depiction: Depiction, pairs: DepictionPairs) -> None:
    tally.update(pairs.counts)
    tally.add("kind", depiction["kind"])
    tally.add("pairs", depiction["kind"], count=len(pairs.accepted))
    tally.add_each("refused", (answer.rejection.reason for answer in pairs.rejected))
