"""Draw an image under every distortion at every severity.

Reads one image; writes a folder with `contact-sheet.png`: a row per distortion of the family, the
image itself in the first column, severities 1 to 5 in the others. The image is shrunk before it is
distorted, so the sheet shows an image of that size: blur and noise that are defined in pixels
appear stronger than on a large image. Transparency is ignored.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from pydantic import Field

from qbuild.core.artifact.output_folder import File
from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, UsageError
from qbuild.media.unreadable import UnreadableMediaError

SHEET = "contact-sheet.png"
Report = dict[str, Any]


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


def produce(inputs: Inputs, options: ContactSheetOptions) -> Generator[Output, None, Report]:
    """The sheet as one file; UsageError unless there is one input, InputError for a bad image."""
    from qbuild.media.distort.contact_sheet import draw_sheet
    from qbuild.media.images.read_write import encode_image, read_image

    if len(inputs.files) != 1:
        count = f"{len(inputs.files)} inputs given"
        raise UsageError("contact-sheet", count, "expected one image", "Give one image.")
    try:
        pixels = read_image(inputs.files[0]).pixels
        sheet = draw_sheet(pixels, options.family, options.seed, options.cell)
    except (UnreadableMediaError, ValueError) as error:
        todo = "Give another image."
        raise InputError(str(inputs.files[0]), str(error), todo=todo) from error
    yield Output(files=(File(SHEET, encode_image(sheet, None, "png")),), tally=Tally(rows=1))
    return {"file": SHEET, "width": sheet.shape[1], "height": sheet.shape[0]}


def finish(report: Report, _: Tally, options: ContactSheetOptions) -> Report:
    """The family, and the sheet's name and size."""
    return {"family": options.family, **report}


def render(report: Report) -> str:
    """The report as a line."""
    size = f"{report['width']} x {report['height']} pixels"
    return f"{report['file']}: family {report['family']}, {size}"


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
