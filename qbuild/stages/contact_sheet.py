"""Draw an image under every distortion at every severity.

Reads one image; writes a folder with `contact-sheet.png`: a row per distortion of the family, the
image itself in the first column, severities 1 to 5 in the others. The image is shrunk before it is
distorted, so the sheet shows an image of that size: blur and noise that work in pixels look
stronger than on a large image. Transparency is ignored.
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
    """Family, size and seed."""

    family: Literal["common", "vqa2"] = Field(
        default="common",
        description="The 15 common corruptions, or VQA²'s eleven distortions.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of noise, angles and weather.")
    cell: int = Field(
        default=160, ge=32, le=512, description="Longest side of one image, in pixels."
    )


def produce(
    inputs: Inputs, options: ContactSheetOptions
) -> Generator[Output, None, dict[str, int | str]]:
    """The sheet as one file; UsageError unless there is one input, InputError for a bad image."""
    from qbuild.media.images.read_write import encode_image

    if len(inputs.files) != 1:
        given = f"{len(inputs.files)} inputs given"
        raise UsageError("contact-sheet", given, "expected one image", "Give one image.")
    sheet = _draw(inputs.files[0], options)
    yield Output(files=(File(SHEET, encode_image(sheet, None, "png")),), tally=Tally(rows=1))
    return {"file": SHEET, "width": sheet.shape[1], "height": sheet.shape[0]}


def finish(
    state: dict[str, int | str], _tally: Tally, options: ContactSheetOptions
) -> dict[str, Any]:
    """The family, and the sheet's name and size."""
    return {"family": options.family, **state}


def render(report: dict[str, Any]) -> str:
    """The report as a line."""
    size = f"{report['width']} x {report['height']} pixels"
    return f"{report['file']}: family {report['family']}, {size}"


def _draw(path: Path, options: ContactSheetOptions) -> Any:
    from qbuild.media.distort.contact_sheet import draw_sheet, thumbnail
    from qbuild.media.images.read_write import read_image
    from qbuild.media.unreadable import UnreadableMediaError

    todo = "Give another image."
    try:
        image = read_image(path)
    except UnreadableMediaError as error:
        raise InputError(str(path), str(error), todo=todo) from error
    try:
        small = thumbnail(image.pixels, options.cell)
    except ValueError as error:
        raise InputError(str(path), str(error), todo=todo) from error
    return draw_sheet(small, options.family, options.seed, options.cell)


STAGE = Stage(
    name="contact-sheet",
    version=1,
    options=ContactSheetOptions,
    reads=Reads(schema=None),
    writes=None,
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild contact-sheet photos/bridge.png -o sheet",
    unused=("limit", "max_reject_share"),
)
