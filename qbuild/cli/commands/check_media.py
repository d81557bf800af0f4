"""The command `check-media`."""

from pathlib import Path
from typing import Annotated

import typer

from qbuild.cli.flags import Debug, Json, MediaRoot
from qbuild.cli.output import print_json, say

_RATINGS = typer.Argument(help="Artifacts whose rows name media: ratings, levels or pairs.")
_LIST = typer.Option("--list", help="Name every file instead of the first twenty.")


def check_media(
    ratings: Annotated[list[Path], _RATINGS],
    media_root: MediaRoot = None,
    list_: Annotated[bool, _LIST] = False,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Report found, missing and extra files against the media roots.

    Hidden files are left out. Ends with code 1 where a medium is missing or outside its root.
    """
    from qbuild.core.inspect.media_check import SHOWN
    from qbuild.core.inspect.media_check import check_media as check

    report = check(ratings, media_root or ())
    found = report.as_dict(None if list_ else SHOWN)
    if json_:
        print_json(found)
    else:
        from qbuild.cli.render.findings import media

        say(media(found))
    if not report.complete:
        raise typer.Exit(1)
