"""The stages, by panel of `qbuild --help`: module, panel, one-line summary.

Adding a stage takes a line here, its module, its schema and its test.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from qbuild.core.errors import UsageError, suggest

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Stage

LABELS, MEDIA, PAIRS = "Read labels", "Media", "Make pairs"
LLM, EXPORT, MODELS = "Language models", "Export", "Train and score"


class Listing(NamedTuple):
    """A command as `qbuild --help` lists it, and the module that holds it."""

    module: str
    panel: str
    summary: str


STAGES: dict[str, Listing] = {
    "ingest-ratings": Listing(
        "ingest_ratings", LABELS, "Read rating files of any published layout."
    ),
    "mos-to-levels": Listing(
        "mos_to_levels", LABELS, "Normalise opinion scores and cut them into five levels."
    ),
    "stalling": Listing("stalling", LABELS, "Read streaming session logs and find their stalls."),
    "ingest-depictions": Listing(
        "ingest_depictions", LABELS, "Read depictions of quality and report on annotators."
    ),
    "label-project": Listing(
        "label_project", LABELS, "Write a Label Studio project: configuration and tasks."
    ),
    "probe": Listing("probe", MEDIA, "Decode every image and video and list its properties."),
    "corrupt": Listing("corrupt", MEDIA, "Distort images by seed."),
    "motion-clips": Listing(
        "motion_clips", MEDIA, "Cut clips from videos, or add motion distortions."
    ),
    "contact-sheet": Listing(
        "contact_sheet", MEDIA, "Draw an image under every distortion at every severity."
    ),
    "demo-media": Listing("demo_media", MEDIA, "Make distorted images with synthetic ratings."),
    "sample": Listing("sample", PAIRS, "Choose rows; keep or flatten the score distribution."),
    "scoring-qa": Listing("scoring_qa", PAIRS, "Write pairs that ask for the quality level."),
    "distortion-qa": Listing(
        "distortion_qa", PAIRS, "Write pairs about distortions of images and videos."
    ),
    "streaming-qa": Listing(
        "streaming_qa", PAIRS, "Write pairs about streaming sessions and their stalls."
    ),
    "causal-qa": Listing(
        "causal_qa", PAIRS, "Write pairs that lead from a depiction to the level."
    ),
    "gpt-extend": Listing("gpt_extend", LLM, "Extend depictions into pairs with a language model."),
    "responses": Listing("responses", LLM, "Write the responses of a ledger as an artifact."),
    "export": Listing("export", EXPORT, "Write pairs in the format of a training framework."),
    "import-qa": Listing("import_qa", EXPORT, "Read and check pairs from a training framework."),
    "score": Listing("score", MODELS, "Score images and videos with a model."),
    "answer": Listing("answer", MODELS, "Answer questions about images and videos with a model."),
    "evaluate": Listing("evaluate", MODELS, "Compare predicted scores with opinion scores."),
}


def get_stage(name: str) -> Stage[Any, Any]:
    """The stage of that name; UsageError with the near names where there is none."""
    if name not in STAGES:
        raise UsageError(name, "no such stage", todo=suggest(name, STAGES))
    module = import_module(f"qbuild.stages.{STAGES[name].module}")
    return cast("Stage[Any, Any]", module.STAGE)
