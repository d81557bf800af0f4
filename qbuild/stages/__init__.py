"""The stages, in the order in which data passes them: name, module, one line of summary.

Adding a stage takes a line here, its module, its schema and its test.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from qbuild.core.errors import UsageError, near

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Stage

STAGES: dict[str, tuple[str, str]] = {
    "probe": ("probe", "Decode every image and video and list its properties."),
    "ingest-ratings": ("ingest_ratings", "Read rating files of any published layout."),
    "stalling": ("stalling", "Write streaming sessions with their stalls."),
    "mos-to-levels": ("mos_to_levels", "Normalise opinion scores and cut them into five levels."),
    "sample": ("sample", "Choose which rows to use: keep or flatten the scores."),
    "corrupt": ("corrupt", "Distort images by seed."),
    "motion-clips": ("motion_clips", "Cut clips from videos, or add motion distortions."),
    "distortion-qa": ("distortion_qa", "Write pairs about the distortions of images and videos."),
    "scoring-qa": ("scoring_qa", "Write pairs that ask for the quality level."),
    "streaming-qa": ("streaming_qa", "Write pairs about streaming sessions and their stalls."),
    "ingest-depictions": (
        "ingest_depictions",
        "Read what people wrote about quality, and report on their annotations.",
    ),
    "label-project": (
        "label_project",
        "Write a Label Studio project: configuration and tasks.",
    ),
    "gpt-extend": ("gpt_extend", "Extend depictions into pairs by a language model, or by rules."),
    "causal-qa": ("causal_qa", "Write pairs that lead from a depiction to the level."),
    "responses": ("responses", "Write what a ledger holds as an artifact."),
    "import-qa": ("import_qa", "Bring in and check pairs from a dialect's own file."),
    "export": ("export", "Write pairs in a training framework's dialect."),
    "score": ("score", "Score pictures and videos with a model."),
    "answer": ("answer", "Answer questions about pictures and videos with a model."),
    "evaluate": ("evaluate", "Compare predicted scores with opinion scores."),
    "contact-sheet": ("contact_sheet", "Draw an image under every distortion at every severity."),
    "demo-media": ("demo_media", "Make distorted images with synthetic ratings."),
}


def get_stage(name: str) -> Stage[Any, Any]:
    """The stage of that name; UsageError with the near names where there is none."""
    if name not in STAGES:
        raise UsageError(name, "no such stage", todo=near(name, STAGES))
    module = import_module(f"qbuild.stages.{STAGES[name][0]}")
    return cast("Stage[Any, Any]", module.STAGE)
