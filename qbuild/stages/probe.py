"""Decode every image and video and list its properties.

Reads files, folders, or artifacts whose rows name media (with `--media-root`); writes a `media` row
for each file that decodes to its end: kind by content, codec, size as displayed, frame rate as a
fraction, counted frames, seconds, sha256. Every file is decoded in a child process, so that a file
that crashes a decoder or exceeds the time limit costs only its own row. Files that cannot be used
are rejected with a typed reason, and so are files with the same bytes as an earlier one.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import format_counts, plural
from qbuild.media.files.listing import DecodingOptions, format_ignored, ignored_report, list_media
from qbuild.media.files.locate import MediaFiles, transform_media

NAMED = ("rating", "level", "stall", "media", "distortion", "corruption", "clip")
PIECE = 16


class ProbeOptions(DecodingOptions):
    """Which files are rejected."""

    time_limit: int = Field(
        default=600, ge=1, description="Seconds after which decoding of a file is stopped."
    )


def prepare(inputs: Inputs, options: ProbeOptions) -> MediaFiles:
    """The paths of the media, and which files are copies of others."""
    return MediaFiles.without_copies(inputs, options)


def transform(batch: Batch, media: MediaFiles, options: ProbeOptions) -> Output:
    """A row for each medium that decodes to its end."""
    from qbuild.media.files.probe import probe
    from qbuild.media.isolation import shared_child

    child, tally = shared_child(float(options.time_limit)), Tally()

    def probe_row(number: int, row: dict[str, Any]) -> list[tuple[dict[str, Any], None]]:
        properties = child.call(probe, media.find(number, row), options.max_pixels)
        tally.add("kind", properties.kind)
        tally.add("codec", str(properties.codec))
        columns = dict(vars(properties))
        fps = columns.pop("fps")
        columns |= {"fps_num": fps and fps.numerator, "fps_den": fps and fps.denominator}
        return [({**row, **columns}, None)]

    return transform_media(
        enumerate(batch.rows.to_pylist(), batch.start), probe_row, "media", tally
    )


def finish(_: MediaFiles, tally: Tally, __: ProbeOptions) -> dict[str, Any]:
    """Counts by kind and codec, and how many files of folders are not media."""
    kinds = {"images": tally["kind", "image"], "videos": tally["kind", "video"]}
    return {**kinds, "codecs": tally.of("codec"), **ignored_report(tally)}


def render(report: dict[str, Any]) -> str:
    """The report as one line or two."""
    codecs = format_counts(report["codecs"])
    kinds = f"{plural(report['images'], 'image')}, {plural(report['videos'], 'video')}: {codecs}"
    return "\n".join([kinds, *format_ignored(report)])


STAGE = Stage(
    name="probe",
    version=1,
    options=ProbeOptions,
    reads=Reads(schema="file", from_files=list_media, compatible=NAMED, accepts_empty=True),
    writes="media",
    max_batch_rows=PIECE,
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild probe photos -o media.parquet",
    reads_media=True,
)
