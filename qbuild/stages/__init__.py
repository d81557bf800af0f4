"""The stages, in the order in which data passes them: name, module, one line of summary.

Adding a stage takes a line here, its module, its schema and its test.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from qbuild.core.errors import UsageError, near

if TYPE_CHECKING:
    from qbuild.core.stage import Stage

STAGES: dict[str, tuple[str, str]] = {
    "ingest-ratings": ("ingest_ratings", "Read rating files of any published layout."),
    "stalling": ("stalling", "Write streaming sessions with their stalls."),
    "mos-to-levels": ("mos_to_levels", "Normalise opinion scores and cut them into five levels."),
    "sample": ("sample", "Choose which rows to use: keep or flatten the scores."),
    "scoring-qa": ("scoring_qa", "Write pairs that ask for the quality level."),
    "streaming-qa": ("streaming_qa", "Write pairs about streaming sessions and their stalls."),
    "import-qa": ("import_qa", "Bring in and check pairs from a dialect's own file."),
    "export": ("export", "Write pairs in a training framework's dialect."),
    "demo-media": ("demo_media", "Make spoiled pictures with synthetic ratings."),
}


def get_stage(name: str) -> Stage[Any, Any]:
    """The stage of that name; UsageError with the near names where there is none."""
    if name not in STAGES:
        raise UsageError(name, "no such stage", todo=near(name, STAGES))
    module = import_module(f"qbuild.stages.{STAGES[name][0]}")
    return cast("Stage[Any, Any]", module.STAGE)
