"""Cut clips from videos, or inject camera shake, flicker or stuttering.

Reads labelled videos, as artifacts or as label files, or media files and folders without labels
(`--media-root` is the folder of labelled videos); writes the clips and a `clip` row for each.
Cutting (`temporal`: a range of frames; `spatial`: a square window of the whole duration) keeps the
video's labels: this is how VQA² stage 1 makes 5,211 clips of 134 videos with flicker or stuttering
(section 3.2), here with `--total 5211`. Injecting adds camera shake, flicker or stuttering of known
strength to a part of a video: shake and flicker are both the paper's flicker.

Each video is decoded and its clips are encoded in a child process. Clips are nearly lossless H.264,
at a constant rate, upright and without sound; see docs/motion.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from qbuild.core.artifact.output_folder import File
from qbuild.core.canonical import hash_bytes
from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import UsageError, suggest
from qbuild.core.plural import format_collapsed, format_counts, plural
from qbuild.core.rows.rejections import RejectedError, Rejection
from qbuild.labels.distortions import read_label_files
from qbuild.labels.distortions.options import LabelOptions
from qbuild.labels.tables.options import reject_file_options
from qbuild.media.clips.plan import CUT, GROUPS, INJECT, WHOLE, ClipSettings, Quota, request_clips
from qbuild.media.distort.parameters import MIN_SIDE, RANDOM, Severity
from qbuild.media.files.listing import (
    FileOptions,
    format_ignored,
    ignored_report,
    list_media,
    rejected_medium,
)
from qbuild.media.files.locate import MediaFiles, transform_media
from qbuild.quality.distortions import DISTORTIONS
from qbuild.stages.motion_clips.rows import QP, clip_row, unlabelled

if TYPE_CHECKING:
    from qbuild.core.rows.duplicates import Duplicates
    from qbuild.media.clips.make import VideoClips

LABEL_FILES = frozenset({".csv", ".tsv", ".json", ".jsonl", ".xlsx"})
TIME_LIMIT_S = 3600.0  # for all clips of one video
PIECE = 1


class MotionClipsOptions(LabelOptions):
    """Which clips are made of each video, how many, and how they are encoded."""

    operations: str = Field(
        default="cut",
        description="temporal, spatial, shake, flicker, stutter, separated by commas; cut is the"
        " first two, inject the others.",
    )
    per_video: int = Field(default=8, ge=1, description="Clips per video, its operations in turn.")
    total: int = Field(
        default=0, ge=0, description="Clips of all videos, distributed evenly; 0: --per-video."
    )
    lengths: str = Field(
        default="2,4,6", description="Seconds per clip: numbers with commas, LOW:HIGH, or whole."
    )
    crops: str = Field(
        default="224,320,448", description="Sides of the spatial windows in pixels, even."
    )
    within_shots: bool = Field(default=False, description="Let no clip contain a cut.")
    severity: Severity = Field(
        default=RANDOM, description="Severity of injected distortions: 1 to 5, random or all."
    )
    seed: int = Field(default=0, ge=0, description="Seed of frames, windows and motion.")
    qp: int = Field(
        default=QP, ge=0, le=30, description="H.264 quantiser: 0 is lossless, 12 nearly lossless."
    )

    @field_validator("operations")
    @classmethod
    def _known_operations(cls, text: str) -> str:
        known = (*GROUPS, *CUT, *INJECT)
        for name in text.split(","):
            if name.strip() not in known:
                raise ValueError(
                    f"expected names separated by commas. {suggest(name.strip(), known)}"
                )
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
                raise ValueError(f"expected even numbers from {MIN_SIDE}, separated by commas")
        return text

    @property
    def chosen(self) -> tuple[str, ...]:
        """The operations, each once, with groups expanded."""
        names = [name.strip() for name in self.operations.split(",")]
        return tuple(dict.fromkeys(n for name in names for n in GROUPS.get(name, (name,))))

    @property
    def settings(self) -> ClipSettings:
        """The options as the settings of the clip planner."""
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
    """Number of clips of each video, paths of the videos, and a folder for written clips."""

    duplicates: Duplicates
    quota: Quota
    media: MediaFiles
    scratch: Path


def read_files(
    paths: list[Path], options: MotionClipsOptions, limit: int | None
) -> Iterator[Output]:
    """The videos of files and folders, without labels, and those of label files."""
    media, labels = _split_inputs(paths)
    named = FileOptions(dataset=options.dataset, licence=options.licence, source=options.source)
    count = 0
    for output in list_media(media, named, limit, ("video",)) if media else ():
        assert output.rows is not None  # noqa: S101
        count += len(output.rows)
        rows = unlabelled(output.rows)
        yield Output(rows=rows, rejected=output.rejected, tally=output.tally)
    rest = None if limit is None else limit - count
    if labels and rest != 0:
        yield from read_label_files(labels, options, rest)


def prepare(inputs: Inputs, options: MotionClipsOptions) -> State:
    """The number of clips of each video; UsageError for incompatible options."""
    from qbuild.core.rows.duplicates import find_duplicates

    reject_unused_options(options)
    if not inputs.files:
        reject_file_options(options, LabelOptions, "motion-clips")
    duplicates = find_duplicates(inputs, "media_id")
    quota = Quota(options.per_video, 0, options.seed)
    if options.total:
        quota = _distribute(inputs, duplicates, options)
    media = MediaFiles.of(inputs, options.dataset, _split_inputs(inputs.files)[0])
    return State(duplicates, quota, media, inputs.scratch)


def reject_unused_options(options: MotionClipsOptions) -> None:
    """Raise a UsageError for an option that has no effect with the others."""
    fields = MotionClipsOptions.model_fields
    is_used = {
        "per_video": not options.total,
        "lengths": set(options.chosen) != {"spatial"},
        "crops": "spatial" in options.chosen,
        "severity": bool(set(options.chosen) & set(INJECT)),
    }
    for name, used in is_used.items():
        if not used and getattr(options, name) != fields[name].get_default():
            flag = f"--{name.replace('_', '-')}"
            why = "--total is given" if name == "per_video" else f"operations: {options.operations}"
            raise UsageError(flag, f"has no effect ({why})", "expected it left out")


def transform(batch: Batch, state: State, options: MotionClipsOptions) -> Output:
    """The clips of each video, or why it is rejected."""
    unique = state.duplicates.deduplicate(batch)
    tally = Tally(collapsed=unique.collapsed)

    def cut_row(number: int, row: dict[str, Any]) -> list[tuple[dict[str, Any], File]]:
        requested = state.quota.of(row["media_id"])
        video = clips_of(number, row, requested, state, options)
        tally.add("videos")
        tally.add("fewer", count=requested - len(video.clips))
        made = []
        for written in video.clips:
            clip = clip_row(row, video, written, options.qp)
            made.append((clip, File(clip["path"], written.file)))
            tally.add("operation", clip["operation"])
            is_unchanged = written.clip.severity is not None and not written.changed
            tally.add("unchanged", count=int(is_unchanged))
            tally.add_each("distortion", (d["name"] for d in clip["distortions"]))
        return made

    conflicts = []
    for number, row in _numbered(batch, unique.conflicts, unique.conflicting):
        rejection = Rejection("conflict", f"{row['media_id']} has other labels in another row")
        conflicts.append((number, rejected_medium(row, number + 1, rejection)))
    rows = _numbered(batch, unique.positions, unique.rows)
    return transform_media(rows, cut_row, "clip", tally, conflicts)


def _numbered(batch: Batch, positions: Any, rows: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a batch with their numbers in the inputs, from 0."""
    for position, row in zip(positions.tolist(), rows.to_pylist(), strict=True):
        yield batch.start + position, row


def clips_of(
    number: int, row: dict[str, Any], requested: int, state: State, options: MotionClipsOptions
) -> VideoClips:
    """The clips of one video, in a separate folder; raises RejectedError."""
    import shutil

    from qbuild.media.clips.make import make_clips
    from qbuild.media.isolation import shared_child

    if row["kind"] != "video":
        raise RejectedError("not-a-video", f"{row['path']} is an {row['kind']}")
    file = state.media.find(number, row)
    requests = request_clips(row["media_id"], requested, options.settings)
    folder = state.scratch / hash_bytes(row["media_id"].encode())[7:39]
    folder.mkdir(exist_ok=True)
    try:
        return shared_child(TIME_LIMIT_S).call(
            make_clips, file, folder, requests, options.settings, options.qp
        )
    except RejectedError:
        shutil.rmtree(folder, ignore_errors=True)  # clips written before the error
        raise


def finish(_: State, tally: Tally, options: MotionClipsOptions) -> dict[str, Any]:
    """Videos read, clips per operation and per distortion, and how many are missing."""
    clips = {name: tally["operation", name] for name in options.chosen}
    distortions = {name: tally["distortion", name] for name in DISTORTIONS}
    return {
        "videos": tally["videos"],
        "clips": sum(clips.values()),
        "operations": clips,
        "distortions": {name: count for name, count in distortions.items() if count},
        "unchanged": tally["unchanged"],
        "fewer_than_asked": tally["fewer"],
        "collapsed": tally["collapsed"],
        **ignored_report(tally),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    distorted = format_counts(report["distortions"])
    clips, videos = plural(report["clips"], "clip"), plural(report["videos"], "video")
    lines = [f"{clips} of {videos}: {format_counts(report['operations'])}"]
    lines += [f"clips with {distorted}" if distorted else "no clip has a known distortion"]
    if report["unchanged"]:
        lines.append(f"{plural(report['unchanged'], 'clip')} did not change")
    if report["fewer_than_asked"]:
        fewer = plural(report["fewer_than_asked"], "clip")
        lines.append(f"{fewer} fewer than requested: the videos allow no more")
    lines += format_collapsed(report["collapsed"], "duplicate row")
    return "\n".join([*lines, *format_ignored(report)])


def _distribute(inputs: Inputs, duplicates: Duplicates, options: MotionClipsOptions) -> Quota:
    """`--total` distributed over the videos; UsageError if it is less than one per video."""
    videos: list[str] = []
    for batch in inputs.scan(["media_id", "kind"]):
        rows = duplicates.deduplicate(batch).rows.to_pylist()
        videos += [row["media_id"] for row in rows if row["kind"] == "video"]
    if options.total < len(videos):
        what = f"{plural(options.total, 'clip')} for {len(videos):,} videos"
        raise UsageError("--total", what, f"expected at least {len(videos)}, one per video")
    if not videos:
        return Quota(0, 0, options.seed)
    return Quota.distribute(videos, options.total, options.seed)


def _split_inputs(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """The media files and folders, and the label files."""
    labels = [path for path in paths if path.suffix.lower() in LABEL_FILES and not path.is_dir()]
    return [path for path in paths if path not in labels], labels


def _number(text: str) -> float:
    """A decimal number, 0 for any other text."""
    return float(text) if text.strip().replace(".", "", 1).isdecimal() else 0.0


STAGE = Stage(
    name="motion-clips",
    version=1,
    options=MotionClipsOptions,
    reads=Reads(
        schema="distortion",
        from_files=read_files,
        compatible=("corruption", "clip"),
        accepts_empty=True,
    ),
    writes="clip",
    media=True,
    max_batch_rows=PIECE,
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild motion-clips videos -o clips --operations shake,stutter",
    reads_media=True,
)
