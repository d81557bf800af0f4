"""Instruction-tuning data for visual-quality assessment, made from opinion scores.

The functions of this module do what the commands of the same name do (docs/python.md). Importing it
loads none of them, and no table library: each is imported when it is first used.
"""

from importlib import import_module

__version__ = "0.1.0"

__all__ = [
    "Artifact",
    "Export",
    "IncompleteWarning",
    "QbuildError",
    "StepResult",
    "__version__",
    "answer",
    "causal_qa",
    "contact_sheet",
    "corrupt",
    "demo_media",
    "distortion_qa",
    "evaluate",
    "export",
    "gpt_extend",
    "import_checkpoint",
    "import_qa",
    "ingest_depictions",
    "ingest_ratings",
    "label_project",
    "mos_to_levels",
    "motion_clips",
    "open_artifact",
    "plan_stage",
    "probe",
    "read_ratings",
    "responses",
    "run_pipeline",
    "run_stage",
    "sample",
    "score",
    "scoring_qa",
    "split",
    "stalling",
    "streaming_qa",
    "train",
]

# Where a name is defined; those that are not listed are functions of stages.
_HOMES = {
    "Artifact": "artifacts",
    "Export": "artifacts",
    "IncompleteWarning": "artifacts",
    "QbuildError": "artifacts",
    "open_artifact": "artifacts",
    "StepResult": "pipelines",
    "run_pipeline": "pipelines",
    "import_checkpoint": "models",
    "train": "models",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'qbuild' has no attribute {name!r}")
    return getattr(import_module(f"qbuild.api.{_HOMES.get(name, 'stages')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
