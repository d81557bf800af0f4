"""The options of `streaming-qa`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qbuild.core.engine.stage import Options

DECIMALS = 2


class StreamingOptions(Options):
    """The text about the stalls, and the words for the level."""

    format: Literal["both", "sequence", "summary"] = Field(
        default="both", description="One digit per frame, a summary in words, or a pair of each."
    )
    preset: Literal["paper", "release"] = Field(
        default="paper",
        description="Words as in the paper (High), or as the released scorer reads (high).",
    )
    every_nth_frame: int = Field(
        default=1, ge=1, description="Keep the digit of every nth frame; the text says so."
    )
    decimals: int = Field(
        default=DECIMALS, ge=0, le=6, description="Maximum decimals of seconds and percentages."
    )

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that are written, in order."""
        return ("sequence", "summary") if self.format == "both" else (self.format,)
