"""The commands `show`, `validate`, `diff` and `why`: looking at what stands."""

from pathlib import Path
from typing import Annotated

import typer

from qbuild.cli.flags import Debug, Json, MediaRoot
from qbuild.cli.output import print_json, say, warn

_PATH = typer.Argument(help="An artifact, the folder of one, or an export.")
_PATHS = typer.Argument(help="Artifacts, folders of them, or exports.")
_ROWS = typer.Option(min=0, help="How many of the first rows to print.")
_ID = typer.Argument(
    help="A sample_id, its beginning (six digits), a media_id, or a medium's path."
)
_WORKDIR = typer.Option(help="The folder below which the artifacts lie.")


def show(
    path: Annotated[Path, _PATH],
    rows: Annotated[int, _ROWS] = 5,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Show an artifact: schema, lineage, summary, first rows."""
    from qbuild.core.inspect.summary import view

    found = view(path, rows)
    if json_:
        print_json(found)
    else:
        from qbuild.cli.render.show import shown

        say(shown(found))


def validate(
    paths: Annotated[list[Path], _PATHS],
    media_root: MediaRoot = None,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Check an artifact in full: rows, hashes, rejected rows, media.

    Ends with code 0 where all is good, 3 where rows break their schema, 1 for other damage.
    """
    from qbuild.core.inspect.validate import validate as check
    from qbuild.core.media_roots import MediaRoots

    roots = MediaRoots.parse(media_root or ())
    found = [check(path, roots) for path in paths]
    code = max(findings.exit_code for findings in found)
    if json_:
        print_json({"ok": code == 0, "outputs": [findings.as_dict() for findings in found]})
    else:
        from qbuild.cli.render.findings import verdict

        say("\n".join(verdict(findings) for findings in found))
    raise typer.Exit(code)


def diff(
    a: Annotated[Path, typer.Argument(help="An artifact.")],
    b: Annotated[Path, typer.Argument(help="Another one of the same schema.")],
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Compare two artifacts row by row."""
    from qbuild.core.artifact.reader import Artifact
    from qbuild.core.inspect.diff import compare
    from qbuild.stages import STAGES, get_stage

    first, second = Artifact.open(a), Artifact.open(b)
    stage = first.description["stage"]["name"]
    found = compare(first, second, get_stage(stage).renamed if stage in STAGES else None)
    if json_:
        print_json(found)
    else:
        from qbuild.cli.render.findings import differences

        say(differences(found))


def why(
    sample_id: Annotated[str, _ID],
    workdir: Annotated[Path, _WORKDIR] = Path(),
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Trace a sample back to the rating it was made from."""
    from qbuild.core.inspect.trace import why as trace

    found = trace(sample_id, workdir)
    for problem in found["skipped"]:
        warn(f"warning: left out: {problem}")
    if json_:
        print_json(found)
    else:
        from qbuild.cli.render.trace import told

        say(told(found))
