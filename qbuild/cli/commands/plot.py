"""The command `plot`."""

from pathlib import Path
from typing import Annotated

import typer

from qbuild.cli.flags import Debug, Json
from qbuild.cli.output import print_json, say

_LEVELS = typer.Argument(help="An artifact of schema level.")
_OUTPUT = typer.Option("--output", "-o", help="The PNG to write.")


def plot(
    artifact: Annotated[Path, _LEVELS],
    output: Annotated[Path, _OUTPUT],
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Draw the scores of an artifact as a PNG, a diagram a dataset.

    Rows that `sample` chose are drawn over the ones they were chosen from. Needs matplotlib:
    pip install matplotlib.
    """
    from qbuild.quality.plots.artifact_plot import plot_artifact

    drawn = plot_artifact(artifact, output)
    if json_:
        print_json({"output": str(output), "datasets": drawn})
    else:
        say(f"{', '.join(drawn)} → {output}")
