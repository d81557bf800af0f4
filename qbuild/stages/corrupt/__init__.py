"""Spoil pictures on purpose, by seed.

Reads pictures, folders of them, or artifacts whose rows name them (with `--media-root`); writes the
spoiled pictures and a `corruption` row for each: source, seed, parameters, sha256, and PSNR and
SSIM to the source. Family `common` is the 15 common corruptions, of which Q-SiT gives each of 1,012
pristine COCO pictures one at random (section III); `vqa2` the eleven spatial distortions of VQA²
stage 1 (section 3.2). `--corruption all --severity all` makes every one at every severity.

What is drawn for a picture comes from the seed and its media id. A picture with transparency keeps
it (as PNG or WebP); a grey one comes out in colour, for noise and weather have some. Metadata are
not handed on, and what the file says of its orientation is carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.canonical import hash_bytes, hash_file
from qbuild.core.engine.stage import Batch, File, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.media.distort.parameters import ALL, MAX_SIDE, MIN_SIDE, NAMES, RANDOM, Family, Severity
from qbuild.media.distort.tasks import Engine, Task, plan_tasks
from qbuild.media.files.listing import FileOptions, listed, refusal, roots_of
from qbuild.media.files.naming import made_name
from qbuild.stages.corrupt.rows import corruption_row, labels_of, render, report_of, unchanged

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from qbuild.core.media_roots import MediaRoots
    from qbuild.media.images.read_write import DecodedImage

LABELLED = ("distortion", "corruption")  # rows of pictures that may have distortions of their own
NAMED = ("rating", "level", "media", *LABELLED)
PIECE = 4


class CorruptOptions(FileOptions):
    """What is done to each picture, and how it is written."""

    family: Family = Field(
        default="common", description="The 15 common corruptions, or VQA²'s eleven."
    )
    corruption: str = Field(
        default=RANDOM, description="random (one a picture), all, or names with commas."
    )
    severity: Severity = Field(default=RANDOM, description="1 to 5, random, or all.")
    seed: int = Field(default=0, ge=0, description="Chooses corruption and severity, and draws.")
    engine: Engine = Field(
        default="qbuild", description="imagecorruptions runs that package itself, slowly."
    )
    format: Literal["png", "jpg", "webp"] = Field(
        default="png", description="Format of the pictures; png adds no loss of its own."
    )
    quality: int = Field(default=95, ge=1, le=100, description="Quality of jpg and webp.")
    duplicates: Literal["reject", "keep"] = Field(
        default="reject", description="A picture whose bytes stood under an earlier name."
    )
    max_pixels: int = Field(default=64_000_000, ge=1024, description="Largest picture, in pixels.")

    @property
    def names(self) -> list[str]:
        """The corruptions to make of each picture; `random` stands for one."""
        if self.corruption == ALL:
            return list(NAMES[self.family])
        return list(dict.fromkeys(name.strip() for name in self.corruption.split(",")))


@dataclass(frozen=True)
class State:
    """Where pictures lie, which rows repeat an earlier file, and where files wait.

    `pristine` is whether the sources are taken to be without distortion.
    """

    roots: MediaRoots
    repeated: dict[int, str]
    scratch: Path
    pristine: bool


@dataclass(frozen=True)
class Source:
    """A picture that was read, with its row."""

    row: dict[str, Any]
    picture: DecodedImage
    sha256: str


def read_files(paths: list[Path], options: FileOptions, limit: int | None) -> Iterator[Output]:
    """The pictures of files and folders, as rows of schema `file`."""
    return listed(paths, options, kinds=("image",), limit=limit)


def prepare(inputs: Inputs, options: CorruptOptions) -> State:
    """The places of all pictures, and the repeated files unless they are kept.

    UsageError for options that do not go together.
    """
    from qbuild.media.files.duplicates import duplicates

    refuse_misfits(options)
    roots = roots_of(inputs, options)
    repeated = duplicates(inputs, roots) if options.duplicates == "reject" else {}
    labelled = any(each["schema"]["name"] in LABELLED for each in inputs.descriptions)
    return State(roots, repeated, inputs.scratch, pristine=not labelled)


def refuse_misfits(options: CorruptOptions) -> None:
    """Raise a UsageError for a corruption or an engine that the family does not know."""
    from qbuild.core.errors import UsageError, near

    if options.engine != "qbuild" and options.family != "common":
        what = f"{options.engine} does not know the family {options.family}"
        raise UsageError("--engine", what, "expected --family common")
    if options.names == [RANDOM]:
        return
    known = NAMES[options.family]
    for name in options.names:
        if name not in known:
            what = f"{name!r} is no corruption of family {options.family}"
            expected = "expected random, all, or names with commas"
            raise UsageError("--corruption", what, expected, near(name, known))


def transform(batch: Batch, state: State, options: CorruptOptions) -> Output:
    """The spoiled pictures of each source, or the reason why it cannot be used."""
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    rows: list[dict[str, Any]] = []
    files: list[File] = []
    refusals, tally = [], Tally()
    for at, row in enumerate(batch.rows.to_pylist(), batch.start):
        source = _source(row, at, state, options)
        if not isinstance(source, Source):
            refusals.append(refusal(row, at + 1, *source))
            continue
        tally.add("images")
        for task in plan_tasks(
            row["media_id"], options.family, options.names, options.severity, options.seed
        ):
            made, file = spoiled(source, task, state, options)
            rows.append(made)
            files.append(file)
            tally.add("made", task.name)
            tally.add("unchanged", count=int(unchanged(task) in made["others"]))
    return Output(
        rows=pa.Table.from_pylist(rows, schema=load_schema("corruption").arrow),
        rejected=pa.concat_tables(refusals) if refusals else None,
        files=tuple(files),
        tally=tally,
    )


def _source(
    row: dict[str, Any], at: int, state: State, options: CorruptOptions
) -> Source | tuple[str, str]:
    """The picture of a row, or reason and message of its refusal."""
    from qbuild.core.errors import InputError
    from qbuild.media.images.read_write import read_image
    from qbuild.media.unreadable import UnreadableMediaError, reject_disk_errors

    if at in state.repeated:
        return "duplicate-content", f"the same bytes as {state.repeated[at]}"
    try:
        place = state.roots.find(row["dataset"], row["path"])
        with reject_disk_errors(place):
            picture = read_image(place, options.max_pixels)
            digest = hash_file(place).removeprefix("sha256:")
    except InputError as error:
        return "outside-root", error.what
    except UnreadableMediaError as error:
        return error.reason, error.message
    return _misfit(picture, options) or Source(row, picture, digest)


def _misfit(picture: DecodedImage, options: CorruptOptions) -> tuple[str, str] | None:
    """Reason and message for sides that the kernels or the format do not take."""
    from qbuild.media.images.read_write import MAX_SIDES

    height, width = picture.buffer.shape[:2]
    size = f"{width} x {height} pixels"
    limits = [MAX_SIDES[options.format], MAX_SIDE[options.family]]
    most = min((limit for limit in limits if limit is not None), default=None)
    if min(height, width) < MIN_SIDE:
        return "too-small", f"{size}; expected at least {MIN_SIDE} a side"
    if most is not None and max(height, width) > most:
        return "too-large", f"{size}; expected at most {most:,} a side"
    return None


def spoiled(
    source: Source, task: Task, state: State, options: CorruptOptions
) -> tuple[dict[str, Any], File]:
    """One spoiled picture: its row, and its file as it waits to be put in place."""
    import numpy as np

    from qbuild.media.images.read_write import encode_image
    from qbuild.media.images.similarity import psnr, ssim

    before = source.picture.pixels
    after = task.apply(before, options.engine)
    data = encode_image(after, source.picture.alpha, options.format, options.quality)
    written = after if options.format == "png" else decoded(data)
    name = file_name(source.row, task, options)
    waiting = state.scratch / f"{hash_bytes(name.encode())[7:39]}.{options.format}"
    waiting.write_bytes(data)
    measured = {"psnr": psnr(before, written), "ssim": ssim(before, written)}
    row = {
        **corruption_row(source.row, task, name, options.engine),
        **labels_of(task, not np.array_equal(before, after), state.pristine),
        **measured,
        "sha256": hash_bytes(data).removeprefix("sha256:"),
        "source_sha256": source.sha256,
        "width": before.shape[1],
        "height": before.shape[0],
    }
    return row, File(name, waiting)


def decoded(data: bytes) -> NDArray[np.uint8]:
    """The picture as whoever opens its file will see it, `[h, w, 3]`, transparency left aside."""
    from io import BytesIO

    import numpy as np
    from PIL import Image

    with Image.open(BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"), dtype=np.uint8)


def file_name(row: dict[str, Any], task: Task, options: CorruptOptions) -> str:
    """`<dataset>/<path>.<corruption>-<severity>-s<seed>.<format>`, with what else decides bytes."""
    engine = "" if options.engine == "qbuild" else f"-{options.engine}"
    quality = "" if options.format == "png" else f"-q{options.quality}"
    done = f"{task.name}-{task.severity}-s{options.seed}{engine}{quality}"
    return made_name(row["dataset"], row["path"], f"{done}.{options.format}")


def finish(_: State, tally: Tally, options: CorruptOptions) -> dict[str, Any]:
    """Pictures read, pictures written, and how many of each corruption."""
    return report_of(tally, NAMES[options.family])


STAGE = Stage(
    name="corrupt",
    version=1,
    summary="Spoil pictures on purpose, by seed.",
    options=CorruptOptions,
    reads=Reads(schema="file", otherwise=read_files, like=NAMED, empty=True),
    writes="corruption",
    media=True,
    piece=PIECE,
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
)
