"""ITU-T P.1203 inputs: a JSON file a session, stalls as `[media second, length]` in `I23`.

The published open data set names its files `046-<pvs_id>-<pc|mobile>-input.json`; one session is
rated on both devices, so its path is `<context>/<pvs_id>`, as in the table of scores `mos.csv`.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError, shortened
from qbuild.labels.sessions.cells import Row, json_records, rating_in, read_rows
from qbuild.labels.sessions.folders import one_a_file
from qbuild.labels.sessions.rates import one_rate
from qbuild.labels.sessions.rejection import Refusal, one
from qbuild.labels.sessions.session import Refused, Session, SessionOptions
from qbuild.labels.tables.sniff import look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction
    from pathlib import Path

BESIDE = ("mos.csv",)

_KEYS = ("I11", "I13", "I23", "O21", "O22")
_KEY = re.compile(r'"(?:I11|I13|I23|O21|O22)"\s*:')
_NAMED = re.compile(r"(?:\d+-)?(?P<pvs>.+)-(?P<context>pc|mobile)-input", re.ASCII)


def is_log(path: Path) -> bool:
    """A JSON object with one of the keys of P.1203 in its first 64 KiB."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        text = look(path).text or ""
    except InputError:
        return False
    return text.lstrip().startswith("{") and _KEY.search(text) is not None


def read_log(path: Path, options: SessionOptions) -> Iterator[Session | Refused]:
    """The one session of a file."""
    return one(lambda: _session(path, options), path.name)


def _session(path: Path, options: SessionOptions) -> Session:
    record = _record(path)
    named = _NAMED.fullmatch(path.stem)
    name = f"{named['context']}/{named['pvs']}" if named else path.stem
    fps, media_s = _video(record, options.fps)
    return Session(
        path=name,
        source_file=path.name,
        source_row=1,
        fps=fps,
        media_s=media_s,
        events=_stalls(record),
        rating=_rating(path.parent / "mos.csv", name) if named else {},
    )


def _record(path: Path) -> dict[str, Any]:
    records = json_records(path)
    if len(records) != 1 or records[0].keys().isdisjoint(_KEYS):
        shown = ", ".join(shortened(key, 40) for key in list(records[0])[:12]) or "nothing"
        raise Refusal(
            "another-form",
            f"{len(records)} JSON objects, the first with {shown}; "
            "expected one with I13 or O22, and I23",
        )
    return records[0]


def _stalls(record: dict[str, Any]) -> tuple[tuple[float, float], ...]:
    """The stalls as logged; none where the input has no `I23` or no list in it."""
    listed = _object(record, "I23").get("stalling")
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise Refusal("another-form", f"I23.stalling is {_shown(listed)}; expected a list")
    return tuple(_stall(at, stall) for at, stall in enumerate(listed, start=1))


def _stall(at: int, stall: Any) -> tuple[float, float]:
    if not isinstance(stall, list) or len(stall) != 2:
        raise Refusal(
            "another-form",
            f"stall {at} is {_shown(stall)}; expected [media second, length]",
        )
    return _number(stall[0], f"stall {at}"), _number(stall[1], f"stall {at}")


def _video(record: dict[str, Any], given: Fraction | None) -> tuple[Fraction | None, float | None]:
    """Rate and length of the segments; without them one score a second gives the length."""
    segments = _object(record, "I13").get("segments") or []
    if not isinstance(segments, list) or not all(isinstance(part, dict) for part in segments):
        raise Refusal("another-form", "I13.segments is no list of segments")
    if not segments:
        scores = record.get("O22")
        return None, float(len(scores)) if isinstance(scores, list) else None
    rates = {_number(part["fps"], "fps") for part in segments if part.get("fps") is not None}
    lengths = [_number(part.get("duration"), "the length of a segment") for part in segments]
    return one_rate(rates, given), math.fsum(lengths)


def _object(record: dict[str, Any], key: str) -> dict[str, Any]:
    found = record.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refusal("another-form", f"{key} is {_shown(found)}; expected an object")
    return found


def _number(value: Any, where: str) -> float:
    try:
        number = float(value) if type(value) in (int, float) else math.nan
    except OverflowError:
        number = math.nan
    if not math.isfinite(number):
        raise Refusal("not-a-number", f"{where} holds {_shown(value)}; expected a number")
    return number


def _shown(value: Any) -> str:
    return shortened(json.dumps(value), 60)


def _rating(scores: Path, name: str) -> dict[str, Any]:
    """The row of `mos.csv` for a session; nothing where there is no file or no row."""
    if not scores.is_file():
        return {}
    row = _scores(scores, scores.stat().st_mtime_ns).get(name)
    if row is None:
        return {}
    return rating_in(row, mos="mos", mos_std="sd", num_ratings="n")


@lru_cache(maxsize=4)
def _scores(path: Path, _changed: int) -> dict[str, Row]:
    try:
        rows = read_rows(path)
    except Refusal as refusal:
        raise Refusal(refusal.reason, f"mos.csv: {refusal.message}") from refusal
    return {f"{row.cells.get('context')}/{row.cells.get('pvs_id')}": row for row in rows}


LAYOUT = one_a_file(
    "p1203",
    "ITU-T P.1203 inputs: JSON with I23.stalling, mos.csv beside",
    is_log,
    read_log,
    beside=BESIDE,
    dataset="p1203",
)
