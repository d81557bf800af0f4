"""Options that several commands share, with one wording of their help."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Recipe = Annotated[
    str, typer.Argument(metavar="PIPELINE", help="A YAML file, or the name of one that ships.")
]
Workdir = Annotated[
    Path | None,
    typer.Option(help="Where the artifacts lie; by default work/ and the pipeline's name."),
]
MediaRoot = Annotated[
    list[str] | None,
    typer.Option("--media-root", help="Where media lie: [DATASET=]DIR; repeatable."),
]
