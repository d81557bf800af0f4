"""The command `import-checkpoint`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from qbuild.cli.commands.checkpoints import assigned, told_in
from qbuild.cli.flags import Debug, Json
from qbuild.cli.output import print_json, say

_SOURCE = typer.Argument(
    metavar="SOURCE", help="The folder of the published weights, with their tokenizer."
)
_OUTPUT = typer.Option("--output", "-o", help="The checkpoint's folder.")
_BACKEND = typer.Option("--backend", help="The model that takes the weights: vqa2.")
_SET = typer.Option("--set", metavar="KEY=VALUE", help="A setting of the backend; repeatable.")


def import_checkpoint(
    source: Annotated[Path, _SOURCE],
    output: Annotated[Path, _OUTPUT],
    backend: Annotated[str, _BACKEND],
    set_: Annotated[list[str] | None, _SET] = None,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Bring in published weights, for train and score.

    Nothing is fetched, and nothing in a file is run. Settings: docs/vqa2-model.md.
    """
    from qbuild.backends.protocol import Importer, ImportSpec
    from qbuild.backends.registry import load_backend
    from qbuild.core.errors import UsageError

    settings = assigned(set_ or [])
    loaded = load_backend(backend)
    if not isinstance(loaded, Importer):
        raise UsageError(
            f"--backend {backend}",
            "imports no checkpoints",
            "expected a backend that does, such as vqa2",
            "See qbuild.backends.protocol.Importer.",
        )
    made = loaded.import_checkpoint(ImportSpec(source, output, settings))
    report = _told(made)
    if json_:
        print_json({"output": str(made), **report})
    else:
        say(_text(made, report))


def _told(made: Path) -> dict[str, Any]:
    """The report of a checkpoint; empty for a backend that gives none."""
    from qbuild.core.artifact.output_folder import DESCRIPTION

    return dict(told_in(made / DESCRIPTION).get("report", {}))


def _text(made: Path, report: dict[str, Any]) -> str:
    from qbuild.core.plural import plural

    lines = [f"→ {made}"]
    lines += [
        f"  {part['layout']} from {part['source']}: {plural(part['matched'], 'tensor')} matched,"
        f" {part['left_out']:,} left out"
        for part in report.get("parts", ())
    ]
    random = [f"{group} ({plural(n, 'tensor')})" for group, n in report.get("random", {}).items()]
    if random:
        lines.append(f"  begins at random: {', '.join(random)}")
    return "\n".join(lines)
