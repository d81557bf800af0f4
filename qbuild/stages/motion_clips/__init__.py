"""Cut clips from videos, or spoil videos in motion.

Reads labelled videos, as artifacts or as label files, or media files and folders of which nothing
is known (`--media-root` says where the videos of labels lie); writes the clips and a `clip` row for
each. Cutting (`temporal`: a stretch of time; `spatial`: a square window of the whole duration)
keeps the video's labels: so VQA² stage 1 makes 5,211 clips of 134 videos with flicker or stuttering
(section 3.2), here with `--total 5211`. Injecting puts camera shake, flicker or stuttering of known
strength into a stretch of a video: shake and flicker are both the paper's flicker.

Each video is read and its clips are written in a process of its own. Clips are H.264 without loss
that counts, at a constant rate, upright and without sound; see docs/motion.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from qbuild.core.canonical import hash_bytes
from qbuild.core.engine.stage import Batch, File, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import UsageError, near
from qbuild.core.plural import plural
from qbuild.labels.distortions import LabelOptions
from qbuild.media.clips.plan import CUT, GROUPS, INJECT, WHOLE
from qbuild.media.distort.parameters import MIN_SIDE, RANDOM, Severity
from qbuild.stages.motion_clips.rows import QP, clip_row, refused_row, render, report_of, unlabelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qbuild.core.media_roots import MediaRoots
    from qbuild.core.rows.duplicates import Duplicates
    from qbuild.core.rows.rejections import PlacedRejections
    from qbuild.media.clips.make import VideoClips
    from qbuild.media.clips.plan import ClipSettings, Quota

LABEL_FILES = frozenset({".csv", ".tsv", ".json", ".jsonl", ".xlsx"})
TIME_LIMIT_S = 3600.0  # for all clips of one video
PIECE = 1


class MotionClipsOptions(LabelOptions):
    """What is made of each video, how many times, and how it is written."""

    operations: str = Field(
        default="cut",
        description="temporal, spatial, shake, flicker, stutter, with commas; cut is the first two,"
        " inject the others.",
    )
    per_video: int = Field(
        default=8, ge=1, description="Clips of each video, its operations in turn."
    )
    total: int = Field(
        default=0, ge=0, description="Clips of all videos together, spread evenly; 0: --per-video."
    )
    lengths: str = Field(
        default="2,4,6", description="Seconds of a clip: some with commas, LOW:HIGH, or whole."
    )
    crops: str = Field(
        default="224,320,448", description="Sides of the spatial windows in pixels, even."
    )
    within_shots: bool = Field(default=False, description="Let no clip straddle a cut.")
    severity: Severity = Field(
        default=RANDOM,
        description="Strength of what is injected: 1 to 5, random, or all in turn.",
    )
    seed: int = Field(default=0, ge=0, description="Draws places, windows, strengths and motion.")
    qp: int = Field(
        default=QP, ge=0, le=30, description="Quantiser of H.264: 0 is lossless, 12 nearly."
    )

    @field_validator("operations")
    @classmethod
    def _known_operations(cls, text: str) -> str:
        known = (*GROUPS, *CUT, *INJECT)
        for name in text.split(","):
            if name.strip() not in known:
                raise ValueError(f"expected names with commas. {near(name.strip(), known)}")
        return text

    @field_validator("lengths")
    @classmethod
    def _seconds(cls, text: str) -> str:
        if text != WHOLE:
            seconds = [_number(part) for part in text.replace(":", ",").split(",")]
            bounds = ":" not in text or (text.count(":") == 1 and "," not in text)
            if not bounds or not all(seconds) or (":" in text and seconds[0] > seconds[1]):
                raise ValueError("expected seconds above 0 as 2,4,6 or 2:6, or whole")
        return text

    @field_validator("crops")
    @classmethod
    def _sides(cls, text: str) -> str:
        for part in text.split(","):
            if not part.strip().isdecimal() or int(part) % 2 or int(part) < MIN_SIDE:
                raise ValueError(f"expected even numbers from {MIN_SIDE} with commas")
        return text

    @property
    def chosen(self) -> tuple[str, ...]:
        """The operations, each once, groups resolved."""
        given = [name.strip() for name in self.operations.split(",")]
        return tuple(dict.fromkeys(n for name in given for n in GROUPS.get(name, (name,))))

    @property
    def recipe(self) -> ClipSettings:
        """The options in the form that clips are plan_clips by."""
        from qbuild.media.clips.plan import ClipSettings

        seconds = self.lengths.replace(":", ",").split(",") if self.lengths != WHOLE else []
        return ClipSettings(
            operations=self.chosen,
            lengths=tuple(float(part) for part in seconds),
            between=":" in self.lengths,
            crops=tuple(int(part) for part in self.crops.split(",")),
            severity=self.severity,
            within_shots=self.within_shots,
            seed=self.seed,
        )


@dataclass(frozen=True)
class State:
    """How many clips each video gives, where it lies, and where clips wait to be put in place."""

    duplicates: Duplicates
    quota: Quota
    roots: MediaRoots
    scratch: Path


def read_files(
    paths: list[Path], options: MotionClipsOptions, limit: int | None
) -> Iterator[Output]:
    """The videos of files and folders, of which nothing is known, and those of label files."""
    from qbuild.labels.distortions import read_labels
    from qbuild.media.files.listing import FileOptions, listed

    media, labels = _parted(paths)
    named = FileOptions(dataset=options.dataset, licence=options.licence, source=options.source)
    found = 0
    for output in listed(media, named, ("video",), limit) if media else ():
        assert output.rows is not None  # noqa: S101
        found += len(output.rows)
        rows = unlabelled(output.rows)
        yield Output(rows=rows, rejected=output.rejected, tally=output.tally)
    left = None if limit is None else limit - found
    if labels and left != 0:
        yield from read_labels(labels, options, left)


def prepare(inputs: Inputs, options: MotionClipsOptions) -> State:
    """The clips that each video is to give; UsageError for options that do not go together."""
    from qbuild.core.media_roots import MediaRoots
    from qbuild.core.rows.duplicates import find_duplicates
    from qbuild.labels.distortions import refuse_for_artifacts
    from qbuild.media.clips.plan import Quota
    from qbuild.media.files.listing import folders_of

    refuse_idle(options)
    if not inputs.files:
        refuse_for_artifacts(options, "motion-clips")
    duplicates = find_duplicates(inputs, "media_id")
    quota = Quota(options.per_video, 0, options.seed)
    if options.total:
        quota = _spread(inputs, duplicates, options)
    given = folders_of(_parted(inputs.files)[0], options.dataset) | inputs.made_media
    roots = MediaRoots.parse(inputs.media_roots).with_made(given)
    return State(duplicates, quota, roots, inputs.scratch)


def refuse_idle(options: MotionClipsOptions) -> None:
    """Raise a UsageError for an option that nothing asked for would heed."""
    fields = MotionClipsOptions.model_fields
    heeded = {
        "per_video": not options.total,
        "lengths": set(options.chosen) != {"spatial"},
        "crops": "spatial" in options.chosen,
        "severity": bool(set(options.chosen) & set(INJECT)),
    }
    for name, is_heeded in heeded.items():
        if not is_heeded and getattr(options, name) != fields[name].get_default():
            flag = f"--{name.replace('_', '-')}"
            why = "--total is given" if name == "per_video" else f"operations: {options.operations}"
            raise UsageError(flag, f"has no effect ({why})", "expected it left out")


def transform(batch: Batch, state: State, options: MotionClipsOptions) -> Output:
    """The clips of each video, or the reason why it gives none."""
    import numpy as np
    import pyarrow as pa

    from qbuild.core.rows.rejections import in_input_order
    from qbuild.core.schema import load_schema
    from qbuild.media.unreadable import UnreadableMediaError

    found = state.duplicates.deduplicate(batch)
    refusals: list[PlacedRejections] = []
    rows, files, tally = [], [], Tally(collapsed=found.collapsed)

    def refuse(place: int, row: dict[str, Any], reason: str, message: str) -> None:
        told = refused_row(row, batch.start + place + 1, reason, message)
        refusals.append((np.array([place]), told))

    for place in found.conflicts.tolist():
        (row,) = batch.rows.slice(place, 1).to_pylist()
        refuse(place, row, "conflict", f"{row['media_id']} stands elsewhere with other labels")
    for place, row in zip(found.positions.tolist(), found.rows.to_pylist(), strict=True):
        asked = state.quota.of(row["media_id"])
        try:
            made = clips_of(row, asked, state, options)
        except UnreadableMediaError as error:
            refuse(place, row, error.reason, error.message)
            continue
        tally.add("videos")
        tally.add("fewer", count=asked - len(made.clips))
        for written in made.clips:
            rows.append(clip_row(row, made, written, options.qp))
            files.append(File(rows[-1]["path"], written.file))
            tally.add("operation", written.clip.operation)
            tally.add(
                "unchanged", count=int(written.clip.severity is not None and not written.changed)
            )
            tally.add_each("distortion", (d["name"] for d in rows[-1]["distortions"]))
    return Output(
        rows=pa.Table.from_pylist(rows, schema=load_schema("clip").arrow),
        rejected=in_input_order(refusals),
        files=tuple(files),
        tally=tally,
    )


def clips_of(
    row: dict[str, Any], asked: int, state: State, options: MotionClipsOptions
) -> VideoClips:
    """The clips of one video, in files of its own folder; raises UnreadableMediaError."""
    import shutil

    from qbuild.core.errors import InputError
    from qbuild.media.clips.make import make_clips
    from qbuild.media.clips.plan import request_clips
    from qbuild.media.isolation import shared_child
    from qbuild.media.unreadable import UnreadableMediaError

    if row["kind"] != "video":
        raise UnreadableMediaError("not-a-video", f"{row['path']} is an {row['kind']}")
    try:
        place = state.roots.find(row["dataset"], row["path"])
    except InputError as error:
        raise UnreadableMediaError("outside-root", error.what) from error
    wanted = request_clips(row["media_id"], asked, options.recipe)
    folder = state.scratch / hash_bytes(row["media_id"].encode())[7:39]
    folder.mkdir(exist_ok=True)
    try:
        return shared_child(TIME_LIMIT_S).call(
            make_clips, place, folder, wanted, options.recipe, options.qp
        )
    except UnreadableMediaError:
        shutil.rmtree(folder, ignore_errors=True)  # what was written before it broke
        raise


def finish(_: State, tally: Tally, options: MotionClipsOptions) -> dict[str, Any]:
    """Videos read, clips of each operation and with each distortion, and how many fewer."""
    return report_of(tally, options.chosen)


def _spread(inputs: Inputs, duplicates: Duplicates, options: MotionClipsOptions) -> Quota:
    """The share of each video of `--total`; UsageError where it is less than one each."""
    from qbuild.media.clips.plan import Quota

    videos = []
    for batch in inputs.scan(["media_id", "kind"]):
        for row in duplicates.deduplicate(batch).rows.to_pylist():
            videos += [row["media_id"]] if row["kind"] == "video" else []
    if options.total < len(videos):
        what = f"{plural(options.total, 'clip')} cannot be spread over {len(videos):,} videos"
        raise UsageError("--total", what, f"expected at least {len(videos)}, one a video")
    if not videos:
        return Quota(0, 0, options.seed)
    return Quota.distribute(videos, options.total, options.seed)


def _parted(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """The media files and folders, and the label files."""
    labels = [path for path in paths if path.suffix.lower() in LABEL_FILES and not path.is_dir()]
    return [path for path in paths if path not in labels], labels


def _number(text: str) -> float:
    """A plain decimal number, 0 for anything else."""
    try:
        return float(text) if text.strip().replace(".", "", 1).isdecimal() else 0.0
    except ValueError:
        return 0.0


STAGE = Stage(
    name="motion-clips",
    version=1,
    summary="Cut clips from videos, or spoil videos in motion.",
    options=MotionClipsOptions,
    reads=Reads(schema="distortion", otherwise=read_files, like=("corruption", "clip"), empty=True),
    writes="clip",
    media=True,
    piece=PIECE,
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
)
