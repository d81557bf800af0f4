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


_SUMMARIES = {
    LABELS: {
        "ingest-ratings": "Read rating files of any published layout.",
        "mos-to-levels": "Normalise opinion scores and cut them into five levels.",
        "stalling": "Read streaming session logs and find their stalls.",
        "ingest-depictions": "Read depictions of quality and report on annotators.",
        "label-project": "Write a Label Studio project: configuration and tasks.",
    },
    MEDIA: {
        "probe": "Decode every image and video and list its properties.",
        "corrupt": "Apply reproducible distortions to images.",
        "motion-clips": "Cut clips from videos, or add motion distortions.",
        "contact-sheet": "Draw an image under every distortion at every severity.",
        "demo-media": "Make distorted images with synthetic ratings.",
    },
    PAIRS: {
        "sample": "Choose rows; keep or flatten the score distribution.",
        "split": "Divide rows into splits such as train and test.",
        "scoring-qa": "Write pairs that ask for the quality level.",
        "distortion-qa": "Write pairs about distortions of images and videos.",
        "streaming-qa": "Write pairs about streaming sessions and their stalls.",
        "causal-qa": "Write pairs that lead from a depiction to the level.",
    },
    LLM: {
        "gpt-extend": "Extend depictions into pairs with a language model.",
        "responses": "Write the responses of a ledger as an artifact.",
    },
    EXPORT: {
        "export": "Write pairs in the format of a training framework.",
        "import-qa": "Read and check pairs from a training framework.",
    },
    MODELS: {
        "score": "Score images and videos with a model.",
        "answer": "Answer questions about images and videos with a model.",
        "evaluate": "Compare predicted scores with opinion scores.",
    },
}
STAGES = {
    name: Listing(name.replace("-", "_"), panel, summary)
    for panel, summaries in _SUMMARIES.items()
    for name, summary in summaries.items()
}


def get_stage(name: str) -> Stage[Any, Any]:
    """The stage of that name; UsageError with the near names where there is none."""
    if name not in STAGES:
        raise UsageError(name, "no such stage", todo=suggest(name, STAGES))
    module = import_module(f"qbuild.stages.{STAGES[name].module}")
    return cast("Stage[Any, Any]", module.STAGE)
