"""Files of a folder that a stage does not look at, counted by their endings."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from qbuild.core.plural import plural

if TYPE_CHECKING:
    from qbuild.core.engine.tally import Tally

_TOLD = 8  # endings in a line
NO_ENDING = "no ending"


def leave_out(name: str, tally: Tally) -> None:
    """Count a file that is not looked at."""
    ending = PurePosixPath(name).suffix.lower()
    tally.add("ignored")
    tally.add("ignored", ending or NO_ENDING)


def left_out(tally: Tally) -> dict[str, Any]:
    """`ignored` and `ignored_endings` of a report, the most frequent ending first."""
    ordered = sorted(tally.of("ignored").items(), key=lambda each: (-each[1], each[0]))
    return {"ignored": tally["ignored"], "ignored_endings": dict(ordered)}


def left_out_line(report: dict[str, Any]) -> list[str]:
    """The line that tells it, where there is something to tell."""
    if not report["ignored"]:
        return []
    endings = [f"{ending} {count}" for ending, count in report["ignored_endings"].items()]
    more = [f"{len(endings) - _TOLD:,} more endings"] if len(endings) > _TOLD else []
    told = ", ".join([*endings[:_TOLD], *more])
    return [f"{plural(report['ignored'], 'file')} of other endings left out: {told}"]
