"""What came of depictions as rows: canonical pairs, rejected answers, counts for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import canonical_json
from qbuild.core.engine.stage import Output
from qbuild.core.engine.tally import Tally
from qbuild.quality.choices import answer_text, choice_text

if TYPE_CHECKING:
    import pyarrow as pa

    from qbuild.pairs.generate import Extended, Made, Refused

Depiction = Mapping[str, Any]
RAW_KEPT = 4_000  # signs of an answer in a rejected row; the ledger has the whole of it
STAGE = "gpt-extend"


class Rows:
    """Makes Outputs of what came of depictions, and drops pairs that a medium has already."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._seen: set[str] = set()

    def output(self, start: int, found: Sequence[tuple[Depiction, Extended]]) -> Output:
        """The rows of consecutive depictions, the first of them row `start` of the inputs."""
        import pyarrow as pa

        from qbuild.core.schema import load_schema

        tally = Tally()
        kept: list[tuple[Depiction, Made]] = []
        refused: list[dict[str, Any]] = []
        for depiction, extended in found:
            _count(tally, depiction, extended)
            kept += [(depiction, made) for made in extended.made]
            refused += [_rejected(depiction, one) for one in extended.refused]
        table = self._unseen(_pairs(kept, self._origin), tally) if kept else None
        form = load_schema("rejected").arrow
        rejected = pa.Table.from_pylist(refused, schema=form) if refused else None
        return Output(table, rejected, tally=tally, at=start, answers=len(found))

    def _unseen(self, table: pa.Table, tally: Tally) -> pa.Table:
        """The rows whose sample was not made before."""
        import pyarrow as pa

        fresh = []
        for sample in map(str, table.column("sample_id").to_pylist()):
            fresh.append(sample not in self._seen)
            self._seen.add(sample)
        for task, key, new in zip(
            table.column("task").to_pylist(),
            table.column("answer_key").to_pylist(),
            fresh,
            strict=True,
        ):
            if not new:
                tally.add("repeated")
                continue
            tally.add("form", str(task))
            if key is not None:
                tally.add("letter", str(task), str(key))
        return table if all(fresh) else table.filter(pa.array(fresh))


def _pairs(kept: Sequence[tuple[Depiction, Made]], origin: str) -> pa.Table:
    import pyarrow as pa

    from qbuild.quality.instruction import SYNTHETIC, Pairs, instruction_table

    names = ("media_id", "path", "split", "source", "level", "word", "mos_norm")
    rows = pa.table({name: [depiction[name] for depiction, _ in kept] for name in names})
    made = [one for _, one in kept]
    pairs = [one.pair for one in made]
    synthetic = [str(depiction["source"] or "").startswith(SYNTHETIC) for depiction, _ in kept]
    return instruction_table(
        rows,
        Pairs(
            task=[pair.form for pair in pairs],
            stage=STAGE,
            kinds=[depiction["medium"] for depiction, _ in kept],
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
                    one.task.template.named if one.request_id else f"rules {one.task.id}"
                    for one in made
                ],
                "response_id": [one.request_id for one in made],
                "annotator": [depiction["annotator"] for depiction, _ in kept],
                "origin": [SYNTHETIC if made_up else origin for made_up in synthetic],
                "parents": [[d["depiction_id"], d["media_id"]] for d, _ in kept],
            },
        ),
    )


def _rejected(depiction: Depiction, one: Refused) -> dict[str, Any]:
    raw = one.raw if one.raw is None or len(one.raw) <= RAW_KEPT else one.raw[:RAW_KEPT] + "…"
    return {
        "source": depiction["source_file"],
        "row": depiction["source_row"],
        "reason": one.fault.reason.replace("_", "-"),
        "message": f"{one.task.id}: {one.fault.message}",
        "column": "text",
        "value": None,
        "record": canonical_json(
            {
                "depiction_id": depiction["depiction_id"],
                "media_id": depiction["media_id"],
                "task": one.task.id,
                "request_id": one.request_id,
                "raw": raw,
            }
        ),
    }


def _count(tally: Tally, depiction: Depiction, extended: Extended) -> None:
    tally.update(extended.counts)
    tally.add("kind", depiction["kind"])
    tally.add("pairs", depiction["kind"], count=len(extended.made))
    tally.add_each("refused", (one.fault.reason for one in extended.refused))
