"""Read pictures and videos whole and say what they are.

Reads files, folders, or artifacts whose rows name media (with `--media-root`); writes a `media` row
for each file that decodes to its end: kind by content, codec, size as shown, frame rate as a
fraction, counted frames, seconds, sha256. Every file is decoded in a process of its own, so that
one which crashes a decoder or keeps it busy beyond the time limit costs no more than its own row.
What cannot be used is rejected with a typed reason; so is a file whose bytes an earlier one has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import plural
from qbuild.media.files.ignored import left_out, left_out_line
from qbuild.media.files.listing import FileOptions, listed, refusal, roots_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qbuild.core.media_roots import MediaRoots
    from qbuild.media.files.probe import MediaProperties

NAMED = ("rating", "level", "stall", "media", "distortion", "corruption", "clip")
PIECE = 16


class ProbeOptions(FileOptions):
    """What is refused."""

    duplicates: Literal["reject", "keep"] = Field(
        default="reject", description="A file whose bytes stood under an earlier name."
    )
    max_pixels: int = Field(
        default=64_000_000, ge=1024, description="Largest picture or frame, in pixels."
    )
    time_limit: int = Field(
        default=600, ge=1, description="Seconds after which the decoding of a file is given up."
    )


@dataclass(frozen=True)
class State:
    """Where media lie, and which rows repeat an earlier file: row → its path."""

    roots: MediaRoots
    repeated: dict[int, str]


def read_files(paths: list[Path], options: FileOptions, limit: int | None) -> Iterator[Output]:
    """The media of files and folders, as rows of schema `file`."""
    return listed(paths, options, limit=limit)


def prepare(inputs: Inputs, options: ProbeOptions) -> State:
    """The places of all media, and the repeated files unless they are kept."""
    from qbuild.media.files.duplicates import duplicates

    roots = roots_of(inputs, options)
    return State(roots, duplicates(inputs, roots) if options.duplicates == "reject" else {})


def transform(batch: Batch, state: State, options: ProbeOptions) -> Output:
    """A row for each medium that could be read to its end."""
    import pyarrow as pa

    from qbuild.core.errors import InputError
    from qbuild.core.schema import load_schema
    from qbuild.media.files.probe import probe
    from qbuild.media.isolation import shared_child
    from qbuild.media.unreadable import UnreadableMediaError

    decoding = shared_child(float(options.time_limit))
    rows, refusals, tally = [], [], Tally()
    for at, row in enumerate(batch.rows.to_pylist(), batch.start):
        if at in state.repeated:
            message = f"the same bytes as {state.repeated[at]}"
            refusals.append(refusal(row, at + 1, "duplicate-content", message))
            continue
        try:
            place = state.roots.find(row["dataset"], row["path"])
            found = decoding.call(probe, place, options.max_pixels)
        except InputError as error:
            refusals.append(refusal(row, at + 1, "outside-root", error.what))
            continue
        except UnreadableMediaError as error:
            refusals.append(refusal(row, at + 1, error.reason, error.message))
            continue
        rows.append({**row, **_columns(found)})
        tally.add("kind", found.kind)
        tally.add("codec", str(found.codec))
    return Output(
        rows=pa.Table.from_pylist(rows, schema=load_schema("media").arrow),
        rejected=pa.concat_tables(refusals) if refusals else None,
        tally=tally,
    )


def _columns(found: MediaProperties) -> dict[str, Any]:
    rate = found.fps
    return {
        "kind": found.kind,
        "codec": found.codec,
        "width": found.width,
        "height": found.height,
        "fps_num": rate.numerator if rate is not None else None,
        "fps_den": rate.denominator if rate is not None else None,
        "num_frames": found.num_frames,
        "duration_s": found.duration_s,
        "rotation": found.rotation,
        "variable_rate": found.variable_rate,
        "size_bytes": found.size_bytes,
        "sha256": found.sha256,
    }


def finish(_: State, tally: Tally, __: ProbeOptions) -> dict[str, Any]:
    """How many of each kind and codec, and how many files of a folder were no media."""
    kinds = {"images": tally["kind", "image"], "videos": tally["kind", "video"]}
    return {**kinds, "codecs": tally.of("codec"), **left_out(tally)}


def render(report: dict[str, Any]) -> str:
    """The report as one line or two."""
    codecs = ", ".join(f"{name} {count}" for name, count in report["codecs"].items())
    kinds = f"{plural(report['images'], 'image')}, {plural(report['videos'], 'video')}: {codecs}"
    return "\n".join([kinds, *left_out_line(report)])


STAGE = Stage(
    name="probe",
    version=1,
    summary="Read pictures and videos whole and say what they are.",
    options=ProbeOptions,
    reads=Reads(schema="file", otherwise=read_files, like=NAMED, empty=True),
    writes="media",
    piece=PIECE,
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
)
