"""Options of the stage that reads session logs, and the names of the layouts."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, field_validator

from qbuild.core.engine.stage import Options, ValueHint

Clock = Literal["media", "wall"]

# the first that fits a log reads it, so the general one comes last
SESSION_LAYOUTS = (
    "waterloo", "live-nflx-2", "live-mobile-2", "live-nflx-1", "lfovia", "p1203", "events",
)  # fmt: skip
_LAYOUT = ValueHint("LAYOUT", "qbuild.labels.sessions.options:SESSION_LAYOUTS")
_RATE = re.compile(r"(?:\d+(?:\.\d+)?|\d+/\d+)", re.ASCII)


class SessionOptions(Options):
    """How session logs are read, and what the 0/1 sequence contains."""

    layout: Annotated[str, _LAYOUT] = Field(
        default="auto", description="Layout of the session logs, or auto."
    )
    dataset: str = Field(
        default="", description="Dataset name; default: the layout's own, else the input's stem."
    )
    fps: str = Field(
        default="", description="Frame rate of logs without one: 25, 23.976 or 24000/1001."
    )
    clock: Clock = Field(
        default="media", description="Clock of plain event lists that do not name theirs."
    )
    initial: Literal["ones", "none"] = Field(
        default="ones", description="Initial buffering in the 0/1 sequence: as ones, or left out."
    )
    licence: str = Field(default="", description="Licence of the logs.")
    source: str = Field(default="", description="Source of the sessions.")

    @field_validator("fps")
    @classmethod
    def _check_rate(cls, text: str) -> str:
        if text and (not _RATE.fullmatch(text) or text.endswith("/0") or Fraction(text) <= 0):
            raise ValueError("expected a positive rate such as 25 or 24000/1001")
        return text

    @property
    def rate(self) -> Fraction | None:
        """The frame rate of logs without one."""
        return Fraction(self.fps) if self.fps else None
