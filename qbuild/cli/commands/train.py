"""The commands that make a checkpoint: `train` and `import-checkpoint`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from qbuild.backends.protocol import ImportSpec, TrainSpec
from qbuild.backends.registry import load_backend, load_importer
from qbuild.cli.command import Debug, Json, MediaRoot
from qbuild.cli.complete import artifacts, backends
from qbuild.cli.output import print_report
from qbuild.core.artifact.output_folder import DESCRIPTION
from qbuild.core.errors import UsageError, raise_all

EXAMPLES = {
    "train": "qbuild train pairs.parquet -o checkpoint --backend vqa2 --media-root photos"
    " \\\n    --config training.yaml",
    "import-checkpoint": "qbuild import-checkpoint published -o checkpoint --backend vqa2",
}
RUN = "run.json"  # speed and memory of the run, which are not part of the description

_PAIRS = typer.Argument(
    metavar="PAIRS", help="Instruction artifacts, or exported JSON.", autocompletion=artifacts
)
_SOURCE = typer.Argument(
    metavar="SOURCE", help="The folder of the published weights, with their tokenizer."
)
_OUTPUT = typer.Option("--output", "-o", metavar="DIR", help="The checkpoint's folder.")
_BACKEND = typer.Option(
    "--backend", metavar="NAME", help="The model's backend: vqa2.", autocompletion=backends
)
_CONFIG = typer.Option("--config", metavar="FILE", help="A YAML file of settings.")
_SET = typer.Option("--set", metavar="KEY=VALUE", help="A setting; overrides --config; repeatable.")
_SETTING = typer.Option("--set", metavar="KEY=VALUE", help="A setting; repeatable.")
_SEED = typer.Option(
    "--seed", min=0, metavar="N", help="Seed of the order of samples and of random weights."
)
_SPLIT = typer.Option(
    "--split",
    metavar="NAME",
    help="Split to train on; repeatable; none: rows without one; all. Default: train and none.",
)


def train(
    pairs: Annotated[list[Path], _PAIRS],
    output: Annotated[Path, _OUTPUT],
    backend: Annotated[str, _BACKEND],
    media_root: MediaRoot = None,
    config: Annotated[Path | None, _CONFIG] = None,
    set_: Annotated[list[str] | None, _SET] = None,
    seed: Annotated[int, _SEED] = 0,
    split: Annotated[list[str] | None, _SPLIT] = None,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Train a model on pairs.

    The same command resumes a run that was interrupted. Settings: docs/training.md.
    """
    from qbuild.cli.render.checkpoints import format_training

    settings = _read_config(config, backend) | _parse_settings(set_ or [])
    spec = TrainSpec(
        tuple(pairs), output, tuple(media_root or ()), seed, settings, tuple(split or ())
    )
    made = load_backend(backend).train(spec)
    report = _read_report(made)
    report["fingerprint"] = report.pop("run", None)
    printed = {"output": str(made), **report, "run": _read_object(made / RUN)}
    print_report(printed, format_training, json_)


def import_checkpoint(
    source: Annotated[Path, _SOURCE],
    output: Annotated[Path, _OUTPUT],
    backend: Annotated[str, _BACKEND],
    set_: Annotated[list[str] | None, _SETTING] = None,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Convert published weights for train and score.

    Nothing is downloaded, and no code in a file is run. Settings: docs/vqa2-model.md.
    """
    from qbuild.cli.render.checkpoints import format_import

    settings = _parse_settings(set_ or [])
    importer = load_importer(backend, f"--backend {backend}")
    made = importer.import_checkpoint(ImportSpec(source, output, settings))
    print_report({"output": str(made), **_read_report(made)}, format_import, json_)


def _read_config(config: Path | None, backend: str) -> dict[str, Any]:
    """The settings in the file; UsageError if it cannot be read or is for another backend."""
    if config is None:
        return {}
    import yaml

    try:
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        what = f"cannot be read ({' '.join(str(error).split())})"
        raise UsageError(f"--config {config}", what, "expected YAML") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict) or not all(isinstance(key, str) for key in settings):
        what = "is not a mapping"
        raise UsageError(f"--config {config}", what, "expected lines `setting: value`")
    named = settings.pop("backend", backend)
    if named != backend:
        raise UsageError(
            f"--config {config}",
            f"is for backend {named}",
            f"expected one for {backend}",
            f"Use --backend {named}, or another file.",
        )
    return settings


def _parse_settings(given: list[str]) -> dict[str, Any]:
    """The settings of `--set`, parsed as YAML; one UsageError per invalid assignment."""
    import yaml

    settings: dict[str, Any] = {}
    faults = []
    for text in given:
        name, equals, value = text.partition("=")
        try:
            settings[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            equals = ""
        if not equals or not name.strip():
            faults.append(UsageError(f"--set {text}", "is not an assignment", "expected KEY=VALUE"))
    raise_all(faults)
    return settings


def _read_report(checkpoint: Path) -> dict[str, Any]:
    """The report in a checkpoint's description; empty if its backend wrote none."""
    return dict(_read_object(checkpoint / DESCRIPTION).get("report", {}))


def _read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if there is no such file."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
