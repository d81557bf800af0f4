"""The script of faults of the mock server: which request shall go wrong, how, and how often."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError, UsageError, near

if TYPE_CHECKING:
    from pathlib import Path

DEEDS = (
    "status",  # `status:429`: that status, with an error body
    "close",  # the connection ends before the reply begins
    "reset",  # the connection is reset before the reply begins
    "not-http",  # a TLS alert instead of a reply
    "reset-mid-body",  # half of the body, then the connection is reset
    "short-body",  # half of the body, then the connection ends as if it were whole
    "hang",  # no answer while the connection lasts
    "empty",  # no choices
    "blank",  # a choice without text
    "not-json",  # a body that is no JSON
    "prose",  # text where JSON was asked for
    "refusal",
    "content-filter",
    "length",  # cut at the limit of tokens
    "wrong-model",
    "no-usage",
    "unknown-parameter",  # 400 while the body holds `parameter`
    "echo-key",  # 401 that repeats the Authorization header
    "quota",  # 429 insufficient_quota
)
BATCH_DEEDS = (
    "batch-expire",  # expires with half of its rows answered
    "batch-fail",  # fails before any row, for too many enqueued tokens
    "batch-twice",  # every row twice, in another order, and one of an unknown id
    "batch-lose-reply",  # the batch is made, but the connection is reset before its id comes
)


@dataclass
class Fault:
    """One entry: counts the requests that match, and acts from the `nth` on, `times` times.

    `match` is a part of the last message's text; None matches every request. `times` 0 is always.
    """

    do: str
    match: str | None = None
    nth: int = 1
    times: int = 1
    retry_after: float | str | None = None
    parameter: str = "temperature"
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    def strikes(self, text: str) -> bool:
        """Whether this request is one to go wrong; counts it."""
        if self.match is not None and self.match not in text:
            return False
        self.seen += 1
        return self.seen >= self.nth and (not self.times or self.seen < self.nth + self.times)


_KEYS = {entry.name for entry in fields(Fault)} - {"seen"}


def read_script(script: list[dict[str, Any]]) -> list[Fault]:
    """The faults of a script; UsageError names an entry that is none."""
    found = []
    for number, entry in enumerate(script, 1):
        where = f"fault {number}"
        if not isinstance(entry, dict) or "do" not in entry:
            raise UsageError(where, f"{entry!r} says not what to `do`", "expected an object")
        for key in entry.keys() - _KEYS:
            raise UsageError(where, f"unknown key {key!r}", todo=near(key, _KEYS))
        deed = str(entry["do"]).partition(":")[0]
        if deed not in (*DEEDS, *BATCH_DEEDS):
            raise UsageError(where, f"cannot do {deed!r}", todo=near(deed, (*DEEDS, *BATCH_DEEDS)))
        found.append(Fault(**entry))
    return found


def load_script(path: Path) -> list[dict[str, Any]]:
    """The entries of a script file; InputError where it is no JSON list."""
    try:
        script = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"cannot be read: {error}", "expected a JSON list") from error
    if not isinstance(script, list):
        raise InputError(str(path), "is no list", 'expected [{"do": "status:429"}, …]')
    return script


def struck(faults: list[Fault], text: str, batch: bool = False) -> Fault | None:
    """The first fault that a request of this text meets; those before it count it too."""
    for fault in faults:
        if fault.do.startswith("batch-") == batch and fault.strikes(text):
            return fault
    return None
