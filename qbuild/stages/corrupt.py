"""Apply reproducible distortions to images.

Reads images, folders of them, or artifacts whose rows name them (with `--media-root`); writes the
distorted images and a `corruption` row for each: source, seed, parameters, sha256, and PSNR and
SSIM to the source. Family `common` is the 15 common corruptions, of which Q-SiT applies a random
one to each of 1,012 pristine COCO images (section III); `vqa2` the eleven spatial distortions of
VQA² stage 1 (section 3.2). `--corruption all --severity all` applies each at every severity.

Random choices depend only on the seed and the media id. Transparency is kept (as PNG or WebP); a
grey image becomes a colour image, since some noise and weather is coloured. Metadata is removed
after the EXIF orientation was applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.artifact.output_folder import File
from qbuild.core.canonical import hash_bytes, hash_file
from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import UsageError, suggest
from qbuild.core.plural import format_counts, plural
from qbuild.core.rows.rejections import RejectedError
from qbuild.media.distort.parameters import ALL, MAX_SIDE, MIN_SIDE, NAMES, RANDOM, Family, Severity
from qbuild.media.distort.tasks import Engine, Task, plan_tasks
from qbuild.media.files.listing import DecodingOptions, format_ignored, ignored_report, list_media
from qbuild.media.files.locate import MediaFiles, transform_media
from qbuild.media.files.made_media import made_columns, made_name, synthetic_source
from qbuild.media.unreadable import reject_disk_errors
from qbuild.quality.distortions import SPATIAL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qbuild.media.images.read_write import DecodedImage

LABELLED = ("distortion", "corruption")  # schemas whose images may already be distorted
NAMED = ("rating", "level", "media", *LABELLED)
PIECE = 4
list_images = partial(list_media, kinds=("image",))


class CorruptOptions(DecodingOptions):
    """How each image is distorted and encoded."""

    family: Family = Field(
        default="common", description="The 15 common corruptions, or VQA²'s eleven distortions."
    )
    corruption: str = Field(
        default=RANDOM, description="random (one per image), all, or names separated by commas."
    )
    severity: Severity = Field(default=RANDOM, description="1 to 5, random, or all.")
    seed: int = Field(
        default=0, ge=0, description="Seed of corruption, severity and random parameters."
    )
    engine: Engine = Field(
        default="qbuild", description="imagecorruptions runs that package itself, slowly."
    )
    format: Literal["png", "jpg", "webp"] = Field(
        default="png", description="Format of the images; png is lossless."
    )
    quality: int = Field(default=95, ge=1, le=100, description="Quality of jpg and webp.")

    @property
    def names(self) -> list[str]:
        """The corruptions to apply to each image; `random` represents one."""
        if self.corruption == ALL:
            return list(NAMES[self.family])
        return list(dict.fromkeys(name.strip() for name in self.corruption.split(",")))


@dataclass(frozen=True)
class State:
    """The source files, a folder for written files, and whether the sources are pristine."""

    media: MediaFiles
    scratch: Path
    pristine: bool


@dataclass(frozen=True)
class Source:
    """A decoded image with its row."""

    row: dict[str, Any]
    image: DecodedImage
    sha256: str


def prepare(inputs: Inputs, options: CorruptOptions) -> State:
    """The paths of the images, and copies among them; UsageError for incompatible options."""
    check_options(options)
    media = MediaFiles.without_copies(inputs, options)
    labelled = any(each.description.schema_name in LABELLED for each in inputs.artifacts)
    return State(media, inputs.scratch, pristine=not labelled)


def check_options(options: CorruptOptions) -> None:
    """Raise a UsageError for a corruption or an engine that the family does not have."""
    if options.engine != "qbuild" and options.family != "common":
        what = f"{options.engine} does not support the family {options.family}"
        raise UsageError("--engine", what, "expected --family common")
    if options.names == [RANDOM]:
        return
    known = NAMES[options.family]
    for name in options.names:
        if name not in known:
            what = f"{name!r} is not a corruption of family {options.family}"
            expected = "expected random, all, or names separated by commas"
            raise UsageError("--corruption", what, expected, suggest(name, known))


def transform(batch: Batch, state: State, options: CorruptOptions) -> Output:
    """The distorted images of each source, or why it is rejected."""
    tally = Tally()

    def distort_row(number: int, row: dict[str, Any]) -> list[tuple[dict[str, Any], File]]:
        source = read_source(number, row, state, options)
        tally.add("images")
        tasks = plan_tasks(
            row["media_id"], options.family, options.names, options.severity, options.seed
        )
        distorted = [distort_source(source, task, state, options) for task in tasks]
        for task, (made, _) in zip(tasks, distorted, strict=True):
            tally.add("made", task.name)
            tally.add("unchanged", count=int(unchanged(task) in made["others"]))
        return distorted

    rows = enumerate(batch.rows.to_pylist(), batch.start)
    return transform_media(rows, distort_row, "corruption", tally)


def read_source(number: int, row: dict[str, Any], state: State, options: CorruptOptions) -> Source:
    """The image of row `number`; RejectedError if it cannot be read or distorted."""
    from qbuild.media.images.read_write import read_image

    file = state.media.find(number, row)
    with reject_disk_errors(file):
        image = read_image(file, options.max_pixels)
        digest = hash_file(file).removeprefix("sha256:")
    check_size(image, options)
    return Source(row, image, digest)


def check_size(image: DecodedImage, options: CorruptOptions) -> None:
    """Raise RejectedError for sides that the kernels or the format do not support."""
    from qbuild.media.images.read_write import MAX_SIDES

    height, width = image.buffer.shape[:2]
    size = f"{width} x {height} pixels"
    limits = [MAX_SIDES[options.format], MAX_SIDE[options.family]]
    longest = min((limit for limit in limits if limit is not None), default=None)
    if min(height, width) < MIN_SIDE:
        raise RejectedError("too-small", f"{size}; expected at least {MIN_SIDE} per side")
    if longest is not None and max(height, width) > longest:
        raise RejectedError("too-large", f"{size}; expected at most {longest:,} per side")


def distort_source(
    source: Source, task: Task, state: State, options: CorruptOptions
) -> tuple[dict[str, Any], File]:
    """The row and the file of one distorted image; the file is written to the scratch folder."""
    import numpy as np

    from qbuild.media.images.read_write import encode_image
    from qbuild.media.images.similarity import psnr, ssim

    before = source.image.pixels
    after = task.apply(before, options.engine)
    data = encode_image(after, source.image.alpha, options.format, options.quality)
    written = after if options.format == "png" else decode_pixels(data)
    name = file_name(source.row, task, options)
    file = state.scratch / f"{hash_bytes(name.encode())[7:39]}.{options.format}"
    file.write_bytes(data)
    row = {
        **_task_columns(source.row, task, name, options.engine),
        **labels_of(task, not np.array_equal(before, after), state.pristine),
        "psnr": psnr(before, written),
        "ssim": ssim(before, written),
        "sha256": hash_bytes(data).removeprefix("sha256:"),
        "source_sha256": source.sha256,
        "width": before.shape[1],
        "height": before.shape[0],
    }
    return row, File(name, file)


def _task_columns(row: dict[str, Any], task: Task, name: str, engine: Engine) -> dict[str, Any]:
    return {
        **made_columns(row, "corrupt", name, task.seed),
        "source": synthetic_source(row, "spoiled by qbuild corrupt"),
        "kind": "image",
        "family": task.family,
        "engine": engine,
        "corruption": task.name,
        "severity": task.severity,
        "parameters": task.parameters,
    }


def labels_of(task: Task, changed: bool, pristine: bool) -> dict[str, Any]:
    """The distortions of a distorted image, and those it was judged for.

    An unchanged image has none: a grey image loses no saturation. Without a `pristine` source, the
    distortions that the image does not have are unknown.
    """
    known = task.distortion if changed else None
    return {
        "judged": list(SPATIAL) if pristine else [known] if known else [],
        "distortions": [{"name": known, "severity": task.severity}] if known else [],
        "others": [] if known else [task.name if changed else unchanged(task)],
    }


def unchanged(task: Task) -> str:
    """The label of an image that a corruption did not change."""
    return f"{task.name}, unchanged"


def decode_pixels(data: bytes) -> NDArray[np.uint8]:
    """The pixels `[h, w, 3]` of an encoded image, without its transparency."""
    from io import BytesIO

    import numpy as np
    from PIL import Image

    with Image.open(BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"), dtype=np.uint8)


def file_name(row: dict[str, Any], task: Task, options: CorruptOptions) -> str:
    """`<dataset>/<path>.<corruption>-<severity>-s<seed>[-<engine>][-q<quality>].<format>`."""
    engine = "" if options.engine == "qbuild" else f"-{options.engine}"
    quality = "" if options.format == "png" else f"-q{options.quality}"
    operation = f"{task.name}-{task.severity}-s{options.seed}{engine}{quality}"
    return made_name(row["dataset"], row["path"], f"{operation}.{options.format}")


def finish(_: State, tally: Tally, options: CorruptOptions) -> dict[str, Any]:
    """Images read, images written, how many of each corruption, and how many did not change."""
    made = {name: tally["made", name] for name in NAMES[options.family]}
    return {
        "images": tally["images"],
        "written": sum(made.values()),
        "corruptions": {name: count for name, count in made.items() if count},
        "unchanged": tally["unchanged"],
        **ignored_report(tally),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    counts = f"{plural(report['images'], 'image')} read, {report['written']:,} distorted"
    lines = [f"{counts}: {format_counts(report['corruptions'])}"]
    if report["unchanged"]:
        lines.append(f"{plural(report['unchanged'], 'image')} did not change")
    return "\n".join([*lines, *format_ignored(report)])


STAGE = Stage(
    name="corrupt",
    version=1,
    options=CorruptOptions,
    reads=Reads(schema="file", from_files=list_images, compatible=NAMED, accepts_empty=True),
    writes="corruption",
    media=True,
    max_batch_rows=PIECE,
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild corrupt photos -o corrupted --corruption all --severity 3",
    reads_media=True,
)
