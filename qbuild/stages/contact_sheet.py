"""Draw every corruption at every severity on one picture.

Reads one picture; writes a folder with `contact-sheet.png`: a row a corruption of the family, the
picture itself in the first column, severities 1 to 5 in the others. The picture is made smaller
before it is spoilt, so the sheet shows a picture of that size: blur and noise that work in pixels
look stronger than they do on a large one. What is transparent is shown as if it were not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.engine.stage import File, Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SHEET = "contact-sheet.png"


class ContactSheetOptions(Options):
    """Which family, how large, and from which seed."""

    family: Literal["common", "vqa2"] = Field(
        default="common",
        description="The 15 common corruptions, or the 11 spatial distortions of VQA².",
    )
    seed: int = Field(default=0, ge=0, description="Seed of what is drawn: noise, angles, weather.")
    cell: int = Field(
        default=160, ge=32, le=512, description="Longest side of one picture, in pixels."
    )


def produce(
    inputs: Inputs, options: ContactSheetOptions
) -> Generator[Output, None, dict[str, int | str]]:
    """The sheet as one file; UsageError for more than one input, InputError for a bad picture."""
    from qbuild.media.images.read_write import encode_image

    if len(inputs.files) != 1:
        given = f"{len(inputs.files)} inputs given"
        raise UsageError("contact-sheet", given, "expected one picture", "Name one.")
    made = _drawn(inputs.files[0], options)
    yield Output(files=(File(SHEET, encode_image(made, None, "png")),), tally=Tally(rows=1))
    return {"file": SHEET, "width": made.shape[1], "height": made.shape[0]}


def finish(
    state: dict[str, int | str], _tally: Tally, options: ContactSheetOptions
) -> dict[str, Any]:
    """The family drawn, and the sheet's name and size."""
    return {"family": options.family, **state}


def render(report: dict[str, Any]) -> str:
    """The report as a line."""
    size = f"{report['width']} x {report['height']} pixels"
    return f"{report['file']}: family {report['family']}, {size}"


def _drawn(path: Path, options: ContactSheetOptions) -> Any:
    from qbuild.media.distort.contact_sheet import draw_sheet, thumbnail
    from qbuild.media.images.read_write import read_image
    from qbuild.media.unreadable import UnreadableMediaError

    todo = "Give another picture."
    try:
        picture = read_image(path)
    except UnreadableMediaError as error:
        what = f"{error.reason}: {error.message}"
        raise InputError(str(path), what, todo=todo) from error
    try:
        small = thumbnail(picture.pixels, options.cell)
    except ValueError as error:
        raise InputError(str(path), str(error), todo=todo) from error
    return draw_sheet(small, options.family, options.seed, options.cell)


STAGE = Stage(
    name="contact-sheet",
    version=1,
    summary="Draw every corruption at every severity on one picture.",
    options=ContactSheetOptions,
    reads=Reads(schema=None),
    writes=None,
    produce=produce,
    finish=finish,
    render=render,
)
