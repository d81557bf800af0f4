"""The command `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from qbuild.cli.commands.checkpoints import assigned, told_in
from qbuild.cli.flags import Debug, Json, MediaRoot
from qbuild.cli.output import print_json, say

_ARTIFACTS = typer.Argument(metavar="PAIRS...", help="Instruction artifacts, or exported JSON.")
_BACKEND = typer.Option("--backend", help="The model to train: vqa2.")
_OUTPUT = typer.Option("--output", "-o", help="The checkpoint's folder.")
_CONFIG = typer.Option("--config", help="A YAML file of settings.")
_SET = typer.Option("--set", metavar="KEY=VALUE", help="A setting, before those of --config.")
_SEED = typer.Option("--seed", min=0, help="Seed of the order, and of weights that are drawn.")
RUN = "run.json"  # what the run took, which the checkpoint's own description leaves out


def train(
    artifacts: Annotated[list[Path], _ARTIFACTS],
    output: Annotated[Path, _OUTPUT],
    backend: Annotated[str, _BACKEND],
    media_root: MediaRoot = None,
    config: Annotated[Path | None, _CONFIG] = None,
    set_: Annotated[list[str] | None, _SET] = None,
    seed: Annotated[int, _SEED] = 0,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Train a model on pairs.

    The same command goes on with a run that was cut off. Settings: docs/training.md.
    """
    from qbuild.backends.protocol import TrainSpec
    from qbuild.backends.registry import load_backend

    settings = _settings(config, backend) | assigned(set_ or [])
    spec = TrainSpec(tuple(artifacts), output, tuple(media_root or ()), seed, settings)
    made = load_backend(backend).train(spec)
    report, run = _told(made)
    if json_:
        print_json({"output": str(made), **report, "run": run})
    else:
        say(_text(made, report, run))


def _settings(config: Path | None, backend: str) -> dict[str, Any]:
    """What the file says; UsageError where it cannot be read or is for another backend."""
    if config is None:
        return {}
    import yaml

    from qbuild.core.errors import UsageError

    try:
        found = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        what = f"cannot be read ({' '.join(str(error).split())})"
        raise UsageError(f"--config {config}", what, "expected YAML") from error
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise UsageError(f"--config {config}", "is no mapping", "expected lines `setting: value`")
    named = found.pop("backend", backend)
    if named != backend:
        raise UsageError(
            f"--config {config}",
            f"is for backend {named}",
            f"expected one for {backend}",
            f"Give --backend {named}, or another file.",
        )
    return found


def _told(made: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report of a checkpoint and what its run took; empty for a backend that tells neither."""
    from qbuild.core.artifact.output_folder import DESCRIPTION

    report = dict(told_in(made / DESCRIPTION).get("report", {}))
    report["fingerprint"] = report.pop("run", None)
    return report, told_in(made / RUN)


def _text(made: Path, report: dict[str, Any], run: dict[str, Any]) -> str:
    from qbuild.core.plural import plural

    lines = [f"→ {made}"]
    if "plan" in report:
        lines.append(
            f"  {report['plan']} from {report['base']}: {plural(report['samples'], 'sample')}"
            f" ({report['skipped']:,} skipped), {plural(report['steps'], 'step')},"
            f" loss {report['first_loss']:.4f} → {report['last_loss']:.4f}"
        )
        for group, share in report["parameters"].items():
            lines.append(f"  {group}: {share['trained']:,} of {share['parameters']:,} trained")
    if run:
        lines.append(
            f"  {run['seconds']:.1f} s, {run['tokens_a_second']:,} tokens/s,"
            f" {run['waited_share']:.1%} of it waiting for data, {run['peak_gib']:.2f} GiB"
        )
    return "\n".join(lines)
