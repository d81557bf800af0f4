"""The options of `streaming-qa`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qbuild.core.engine.stage import Options
from qbuild.quality.published_text import WordCase

DECIMALS = 2


class StreamingOptions(Options):
    """The text about the stalls, and the words for the level."""

    format: Literal["both", "sequence", "summary"] = Field(
        default="both", description="One digit per frame, a summary in words, or a pair of each."
    )
    word_case: WordCase = Field(
        default="lower",
        description="Case of the level words: high, as the scorer reads them, or High.",
    )
    every_nth_frame: int = Field(
        default=1, ge=1, description="Keep the digit of every nth frame; the text states it."
    )
    decimals: int = Field(
        default=DECIMALS, ge=0, le=6, description="Maximum decimals of seconds and percentages."
    )

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that are written, in order."""
        return ("sequence", "summary") if self.format == "both" else (self.format,)
