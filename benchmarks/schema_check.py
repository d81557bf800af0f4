"""How fast rows are checked against their schema, as a ratio to `jsonschema` in the same run.

    python benchmarks/schema_check.py --rows 1000000 --peer-rows 5000

Peer: one reused `Draft202012Validator`, its `is_valid` called on ready Python dicts (making them
is not timed); it sees --peer-rows rows and its time is scaled. Before anything is timed, both
must agree row by row on good rows and on rows with each kind of fault.
"""

from __future__ import annotations

import argparse
import copy
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from jsonschema import Draft202012Validator

from qbuild.core.schema import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
POOL = 20_000  # distinct rows made in Python; tables repeat them, each checked anew
WORDS = ["bad", "poor", "fair", "good", "excellent"]


def hexadecimal(random: np.random.Generator, digits: int) -> str:
    return random.bytes(digits // 2).hex()


def make_level(random: np.random.Generator, i: int) -> Row:
    level = int(random.integers(1, 6))
    path = f"videos/{i % 97:03d}/clip_{i}.mp4"
    return {
        "media_id": f"set-a:{path}",
        "dataset": "set-a",
        "path": path,
        "mos": float(random.uniform(1, 5)),
        "mos_std": float(random.uniform(0, 1)),
        "num_ratings": int(random.integers(10, 60)) if i % 3 else None,
        "votes": None,
        "scale_low": 1.0,
        "scale_high": 5.0,
        "split": "train" if i % 5 else "test",
        "licence": None,
        "source": "a study",
        "source_file": "scores.csv",
        "source_row": i + 1,
        "mos_norm": float(random.uniform(0, 100)),
        "level": level,
        "word": WORDS[level - 1],
        "level_probs": None,
    }


def make_instruction(random: np.random.Generator, i: int) -> Row:
    medium = {
        "media_id": f"set-a:videos/clip_{i}.mp4",
        "kind": "video",
        "path": f"videos/{i % 97:03d}/clip_{i}.mp4",
        "sha256": hexadecimal(random, 64),
        "fps": 25.0,
        "num_frames": int(random.integers(100, 500)),
        "start_s": None,
        "end_s": None,
    }
    answer = WORDS[int(random.integers(5))]
    return {
        "sample_id": hexadecimal(random, 32),
        "media": [medium],
        "system": "You judge the quality of videos." if i % 2 else None,
        "turns": [
            {
                "role": "user",
                "parts": [
                    {"text": None, "media": 0},
                    {"text": "How would you rate the quality of this video?", "media": None},
                ],
            },
            {
                "role": "assistant",
                "parts": [{"text": f"The quality of the video is {answer}.", "media": None}],
            },
        ],
        "task": "scoring" if i % 4 else "multi",
        "options": None if i % 4 else WORDS,
        "answer_key": None if i % 4 else answer,
        "labels": {
            "mos": float(random.uniform(1, 5)),
            "mos_norm": float(random.uniform(0, 100)),
            "mos_std": None,
            "level": int(random.integers(1, 6)),
            "word": answer,
            "level_probs": [0.1, 0.2, 0.4, 0.2, 0.1] if i % 2 else None,
        },
        "split": "train",
        "provenance": {
            "stage": "scoring-qa",
            "prompt": "scoring",
            "response_id": None,
            "annotator": None,
            "origin": None,
            "parents": [hexadecimal(random, 32)],
        },
    }


FAULTS: dict[str, list[tuple[str, Callable[[Row], Any]]]] = {
    "level": [
        ("null", lambda r: r.update(path=None)),
        ("minimum", lambda r: r.update(mos_std=-0.5)),
        ("maximum", lambda r: r.update(mos_norm=100.5)),
        ("enum", lambda r: r.update(word="great")),
        ("pattern", lambda r: r.update(path="a/../b")),
        ("minLength", lambda r: r.update(media_id="a:")),
        ("minItems", lambda r: r.update(votes=[1.0])),
        ("maxItems", lambda r: r.update(level_probs=[0.1] * 6)),
        ("item", lambda r: r.update(level_probs=[0.1, 0.2, 0.3, 0.4, 1.5])),
    ],
    "instruction": [
        ("null", lambda r: r.update(turns=None)),
        ("minimum", lambda r: r["turns"][0]["parts"][0].update(media=-1)),
        ("exclusiveMinimum", lambda r: r["media"][0].update(fps=0.0)),
        ("maximum", lambda r: r["labels"].update(level=6)),
        ("enum", lambda r: r["turns"][1].update(role="judge")),
        ("enum of a column", lambda r: r.update(task="chat")),
        ("pattern", lambda r: r["media"][0].update(sha256="A" * 64)),
        ("minLength", lambda r: r["turns"][1]["parts"][0].update(text="")),
        ("minItems", lambda r: r["turns"][1].update(parts=[])),
        ("item", lambda r: r["provenance"].update(parents=[""])),
        ("oneOf, both", lambda r: r["turns"][0]["parts"][0].update(text="and")),
        ("oneOf, none", lambda r: r["turns"][0]["parts"][0].update(media=None)),
    ],
}
MAKERS = {"level": make_level, "instruction": make_instruction}


def broken(rows: list[Row], name: str) -> list[Row]:
    """The rows, every second one with a fault, each kind in turn."""
    rows = copy.deepcopy(rows)
    for i, row in enumerate(rows[::2]):
        FAULTS[name][i % len(FAULTS[name])][1](row)
    return rows


def assert_agreement(name: str, rows: list[Row]) -> int:
    """Both verdicts, row by row, on good rows and faulty ones; how many were compared."""
    schema = load_schema(name)
    mixed = broken(rows, name)
    table = schema.cast(pa.Table.from_pylist(mixed, schema=schema.arrow), name)
    validator = Draft202012Validator(schema.document)
    expected = [validator.is_valid(row) for row in table.to_pylist()]
    assert schema.mask(table).tolist() == expected, "verdicts differ"
    assert expected == [i % 2 == 1 for i in range(len(rows))], "a fault was not seen"
    return len(rows)


def large(name: str, rows: list[Row], count: int) -> pa.Table:
    """A table of `count` rows as a stage hands it on: low-cardinality columns encoded."""
    schema = load_schema(name)
    pool = pa.Table.from_pylist(rows, schema=schema.arrow)
    table = pa.concat_tables([pool] * -(-count // len(rows))).slice(0, count).combine_chunks()
    for column in schema.dictionary_columns:
        at = table.column_names.index(column)
        table = table.set_column(at, column, table.column(column).dictionary_encode())
    return schema.cast(table, name)


def best(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(name: str, count: int, peer_count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = [MAKERS[name](random, i) for i in range(min(POOL, max(count, peer_count)))]
    compared = assert_agreement(name, rows[:600])
    schema, table = load_schema(name), large(name, rows, count)
    validator = Draft202012Validator(schema.document)
    ready = table.slice(0, peer_count).to_pylist()
    assert all(validator.is_valid(row) for row in ready[:100])
    assert not schema.check(table)
    ours = best(lambda: schema.check(table), 3) / count
    peer = best(lambda: [validator.is_valid(row) for row in ready], 2) / len(ready)
    cast = best(lambda: schema.cast(table, name), 3) / count
    plain = pa.table(
        [c.cast(f.type) for c, f in zip(table.columns, schema.arrow, strict=True)],
        names=table.column_names,
    )
    flat = best(lambda: schema.check(plain), 3) / count
    print(
        f"{name:12} {count:>11,} {ours * 1e6:9.3f} {flat * 1e6:9.3f} {cast * 1e6:9.3f}"
        f" {peer * 1e6:9.1f} {peer / ours:8.0f}x   ({compared} verdicts equal,"
        f" peer timed on {len(ready):,} rows and scaled)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-rows", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--schema", choices=[*MAKERS, "all"], default="all")
    args = parser.parse_args()
    print("µs a row              rows     check  unencod.      cast      peer    ratio")
    for name in MAKERS if args.schema == "all" else [args.schema]:
        measure(name, args.rows, args.peer_rows, args.seed)


if __name__ == "__main__":
    main()
