"""The commands that inspect: `show`, `validate`, `diff`, `why`, `check-media`, `plot`, `doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from qbuild.cli.command import Debug, Json, MediaRoot
from qbuild.cli.complete import artifacts
from qbuild.cli.output import print_report, print_warnings
from qbuild.core.inspect.environment import inventory
from qbuild.core.media_roots import MediaRoots
from qbuild.stages import STAGES, get_stage

EXAMPLES = {
    "show": "qbuild show levels.parquet --rows 3",
    "validate": "qbuild validate levels.parquet pairs.parquet",
    "diff": "qbuild diff levels-old.parquet levels.parquet",
    "why": "qbuild why bridge.png",
    "check-media": "qbuild check-media levels.parquet --media-root photos",
    "plot": "qbuild plot levels.parquet -o levels.png",
    "doctor": "qbuild doctor",
}

_PATH = typer.Argument(
    metavar="PATH", help="An artifact, its folder, or an export.", autocompletion=artifacts
)
_PATHS = typer.Argument(
    metavar="PATHS", help="Artifacts, their folders, or exports.", autocompletion=artifacts
)
_ROWS = typer.Option(min=0, metavar="N", help="Number of first rows to print.")
_A = typer.Argument(metavar="A", help="An artifact.", autocompletion=artifacts)
_B = typer.Argument(metavar="B", help="Another one of the same schema.", autocompletion=artifacts)
_ID = typer.Argument(
    metavar="ID",
    help="A sample_id or its first six digits or more, a media_id, or the path of a medium.",
)
_WORKDIR = typer.Option(metavar="DIR", help="Folder that holds the artifacts.")
_WITH_MEDIA = typer.Argument(
    metavar="ARTIFACTS",
    help="Artifacts whose rows name media: ratings, levels or pairs.",
    autocompletion=artifacts,
)
_LIST = typer.Option("--list", help="List every file instead of the first twenty.")
_LEVELS = typer.Argument(
    metavar="ARTIFACT", help="An artifact of schema level.", autocompletion=artifacts
)
_PNG = typer.Option("--output", "-o", metavar="FILE", help="The PNG file to write.")


def show(
    path: Annotated[Path, _PATH],
    rows: Annotated[int, _ROWS] = 5,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Show an artifact: schema, lineage, summary, first rows."""
    from qbuild.cli.render.show import format_artifact
    from qbuild.core.inspect.summary import summarise

    print_report(summarise(path, rows), format_artifact, json_)


def validate(
    paths: Annotated[list[Path], _PATHS],
    media_root: MediaRoot = None,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Check all of an artifact: rows, hashes, rejected rows, media.

    The exit code is 0 if everything is valid, 3 if rows violate their schema, 1 for other damage.
    """
    from qbuild.cli.render.findings import format_findings
    from qbuild.core.inspect.validate import validate as check

    roots = MediaRoots.parse(media_root or ())
    outputs = [check(path, roots) for path in paths]
    code = max(findings.exit_code for findings in outputs)
    report = {"ok": code == 0, "outputs": [findings.as_dict() for findings in outputs]}
    print_report(
        report, lambda _: "\n".join(format_findings(findings) for findings in outputs), json_
    )
    raise typer.Exit(code)


def diff(
    a: Annotated[Path, _A],
    b: Annotated[Path, _B],
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Compare two artifacts row by row."""
    from qbuild.cli.render.findings import format_diff
    from qbuild.core.artifact.reader import Artifact
    from qbuild.core.inspect.diff import compare

    first, second = Artifact.open(a), Artifact.open(b)
    stage = first.description.stage.name
    renamed = get_stage(stage).renamed if stage in STAGES else None
    print_report(compare(first, second, renamed), format_diff, json_)


def why(
    sample_id: Annotated[str, _ID],
    workdir: Annotated[Path, _WORKDIR] = Path(),
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Trace a sample back to the rating it was made from."""
    from qbuild.cli.render.trace import format_trace
    from qbuild.core.inspect.trace import trace_row

    report = trace_row(sample_id, workdir)
    print_warnings(f"skipped: {problem}" for problem in report["skipped"])
    print_report(report, format_trace, json_)


def check_media(
    ratings: Annotated[list[Path], _WITH_MEDIA],
    media_root: MediaRoot = None,
    list_: Annotated[bool, _LIST] = False,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Find missing and extra media files of an artifact.

    Compares the files below the media roots with the media that rows name. Hidden files are
    ignored. The exit code is 1 if a medium is missing or outside its root.
    """
    from qbuild.cli.render.findings import format_media
    from qbuild.core.inspect.media_check import SHOWN
    from qbuild.core.inspect.media_check import check_media as check

    report = check(ratings, media_root or ())
    print_report(report.as_dict(None if list_ else SHOWN), format_media, json_)
    if not report.complete:
        raise typer.Exit(1)


def plot(
    artifact: Annotated[Path, _LEVELS],
    output: Annotated[Path, _PNG],
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Draw the scores of an artifact as a PNG, one histogram per dataset.

    For the output of `sample`, the chosen rows are drawn over the rows they were chosen from.
    Needs matplotlib: pip install matplotlib.
    """
    from qbuild.quality.plots.artifact_plot import plot_artifact

    report = {"output": str(output), "datasets": plot_artifact(artifact, output)}
    print_report(report, lambda _: f"{', '.join(report['datasets'])} → {output}", json_)


def doctor(json_: Json = False, _debug: Debug = False) -> None:
    """Show versions and missing optional packages, and how to install them.

    The exit code is 5 if a required package is missing or has an unsupported version.
    """
    from qbuild.cli.render.findings import format_environment

    report = inventory()
    print_report(report, format_environment, json_)
    if not report["complete"]:
        raise typer.Exit(5)
