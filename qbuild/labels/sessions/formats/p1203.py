"""ITU-T P.1203 inputs: one JSON file per session, stalls as `[media second, length]` in `I23`.

The published open dataset names its files `046-<pvs_id>-<pc|mobile>-input.json`; one session is
rated on both devices, so its path is `<context>/<pvs_id>`, as in the table of scores `mos.csv`.
"""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from qbuild.core.errors import InputError, shorten
from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.sessions.cells import Row, rating_in, read_objects, read_rows
from qbuild.labels.sessions.folders import file_layout
from qbuild.labels.sessions.options import SessionOptions
from qbuild.labels.sessions.rates import common_rate
from qbuild.labels.sessions.session import Session, one_session
from qbuild.labels.tables.sniff import sniff

SCORES_FILE = "mos.csv"

_KEYS = ("I11", "I13", "I23", "O21", "O22")
_KEY = re.compile(r'"(?:I11|I13|I23|O21|O22)"\s*:')
_NAMED = re.compile(r"(?:\d+-)?(?P<pvs>.+)-(?P<context>pc|mobile)-input", re.ASCII)


def is_log(path: Path) -> bool:
    """A JSON object with one of the keys of P.1203 in its first 64 KiB."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        text = sniff(path).text or ""
    except InputError:
        return False
    return text.lstrip().startswith("{") and _KEY.search(text) is not None


def _session(path: Path, options: SessionOptions) -> Session:
    record = _read_record(path)
    named = _NAMED.fullmatch(path.stem)
    name = f"{named['context']}/{named['pvs']}" if named else path.stem
    fps, media_s = _video(record, options.rate)
    return Session(
        path=name,
        source_file=path.name,
        fps=fps,
        media_s=media_s,
        events=_stalls(record),
        rating=_rating(path.parent / SCORES_FILE, name) if named else {},
    )


def _read_record(path: Path) -> dict[str, Any]:
    records = read_objects(path)
    if len(records) != 1 or records[0].keys().isdisjoint(_KEYS):
        keys = ", ".join(shorten(key, 40) for key in list(records[0])[:12]) or "nothing"
        raise RejectedError(
            "another-form",
            f"{len(records)} JSON objects, the first with {keys}; "
            "expected one with I13 or O22, and I23",
        )
    return records[0]


def _stalls(record: dict[str, Any]) -> tuple[tuple[float, float], ...]:
    """The stalls as logged; none where the input has no `I23` or no list in it."""
    listed = _object(record, "I23").get("stalling")
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise RejectedError("another-form", f"I23.stalling is {_quote(listed)}; expected a list")
    return tuple(_stall(number, stall) for number, stall in enumerate(listed, start=1))


def _stall(number: int, stall: Any) -> tuple[float, float]:
    if not isinstance(stall, list) or len(stall) != 2:
        raise RejectedError(
            "another-form", f"stall {number} is {_quote(stall)}; expected [media second, length]"
        )
    return _number(stall[0], f"stall {number}"), _number(stall[1], f"stall {number}")


def _video(
    record: dict[str, Any], default: Fraction | None
) -> tuple[Fraction | None, float | None]:
    """Rate and length of the segments; without them one score per second gives the length."""
    segments = _object(record, "I13").get("segments") or []
    if not isinstance(segments, list) or not all(isinstance(part, dict) for part in segments):
        raise RejectedError("another-form", "I13.segments is not a list of segments")
    if not segments:
        scores = record.get("O22")
        return None, float(len(scores)) if isinstance(scores, list) else None
    rates = {_number(part["fps"], "fps") for part in segments if part.get("fps") is not None}
    lengths = [_number(part.get("duration"), "the length of a segment") for part in segments]
    return common_rate(rates, default), math.fsum(lengths)


def _object(record: dict[str, Any], key: str) -> dict[str, Any]:
    value = record.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RejectedError("another-form", f"{key} is {_quote(value)}; expected an object")
    return value


def _number(value: Any, where: str) -> float:
    try:
        number = float(value) if type(value) in (int, float) else math.nan
    except OverflowError:
        number = math.nan
    if not math.isfinite(number):
        raise RejectedError("not-a-number", f"{where} holds {_quote(value)}; expected a number")
    return number


def _quote(value: Any) -> str:
    return shorten(json.dumps(value), 60)


def _rating(scores: Path, name: str) -> dict[str, Any]:
    """The row of `mos.csv` for a session; nothing where there is no file or no row."""
    if not scores.is_file():
        return {}
    row = _read_scores(scores, scores.stat().st_mtime_ns).get(name)
    return {} if row is None else rating_in(row, mos="mos", mos_std="sd", num_ratings="n")


@lru_cache(maxsize=4)
def _read_scores(path: Path, _changed: int) -> dict[str, Row]:
    try:
        rows = read_rows(path)
    except RejectedError as error:
        raise RejectedError(error.reason, f"{SCORES_FILE}: {error.message}") from error
    return {f"{row.cells.get('context')}/{row.cells.get('pvs_id')}": row for row in rows}


LAYOUT = file_layout("p1203", is_log, one_session(_session), (SCORES_FILE,), "p1203")
