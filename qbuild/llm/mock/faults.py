"""The fault script of the mock server: which request goes wrong, how, and how often."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from qbuild.core.errors import InputError, UsageError, suggest

FAULT_KINDS = (
    "status",  # `status:429`: that status, with an error body
    "close",  # the connection is closed before the reply begins
    "reset",  # the connection is reset before the reply begins
    "not-http",  # a TLS alert instead of a reply
    "reset-mid-body",  # half of the body, then the connection is reset
    "short-body",  # half of the body, then the connection is closed as if it were complete
    "hang",  # no answer while the connection lasts
    "empty",  # no choices
    "blank",  # a choice without text
    "not-json",  # a body that is not JSON
    "prose",  # text where JSON was requested
    "refusal",
    "content-filter",
    "length",  # truncated at the limit of tokens
    "wrong-model",
    "no-usage",
    "unknown-parameter",  # 400 while the body has `parameter`
    "echo-key",  # 401 that repeats the Authorization header
    "quota",  # 429 insufficient_quota
)
BATCH_FAULT_KINDS = (
    "batch-expire",  # expires with half of its rows answered
    "batch-fail",  # fails before any row, for too many enqueued tokens
    "batch-twice",  # every row twice, in another order, and one with an unknown id
    "batch-lose-reply",  # the batch is created, but the connection is reset before its id is sent
)
_ALL_KINDS = (*FAULT_KINDS, *BATCH_FAULT_KINDS)


@dataclass
class ScriptedFault:
    """An entry of the script: of the requests that match, it affects `times` from the `nth` on.

    `match` is a part of the last message's text; None matches every request. `times` 0: always.
    """

    do: str
    match: str | None = None
    nth: int = 1
    times: int = 1
    retry_after: float | str | None = None
    parameter: str = "temperature"
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    matched: int = 0

    def affects(self, text: str) -> bool:
        """Whether this request goes wrong; counts it where it matches."""
        if self.match is not None and self.match not in text:
            return False
        self.matched += 1
        return self.nth <= self.matched and (not self.times or self.matched < self.nth + self.times)


_KEYS = {entry.name for entry in fields(ScriptedFault)} - {"matched"}


def read_script(script: list[dict[str, Any]]) -> list[ScriptedFault]:
    """The faults of a script; UsageError names an invalid entry."""
    faults = []
    for number, entry in enumerate(script, 1):
        where = f"fault {number}"
        if not isinstance(entry, dict) or "do" not in entry:
            raise UsageError(where, f"{entry!r} has no key `do`", "expected an object")
        for key in entry.keys() - _KEYS:
            raise UsageError(where, f"unknown key {key!r}", todo=suggest(key, _KEYS))
        kind = str(entry["do"]).partition(":")[0]
        if kind not in _ALL_KINDS:
            raise UsageError(where, f"unknown fault {kind!r}", todo=suggest(kind, _ALL_KINDS))
        faults.append(ScriptedFault(**entry))
    return faults


def load_script(path: Path) -> list[dict[str, Any]]:
    """The entries of a script file; InputError where it is not a JSON list."""
    try:
        script = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"cannot be read: {error}", "expected a JSON list") from error
    if not isinstance(script, list):
        raise InputError(str(path), "is not a list", 'expected [{"do": "status:429"}, …]')
    return script


def match_fault(
    faults: list[ScriptedFault], text: str, batch: bool = False
) -> ScriptedFault | None:
    """The first fault that affects a request with this text; those before it count it too."""
    for fault in faults:
        if fault.do.startswith("batch-") == batch and fault.affects(text):
            return fault
    return None
