"""The rows of `motion-clips`: those of clips, and those of videos without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.media.clips.plan import PAPER_NAMES
from qbuild.media.files.made_media import made_columns, made_name, synthetic_source
from qbuild.quality.distortions import DISTORTIONS, MOTION
from qbuild.quality.media_types import SUFFIXES

if TYPE_CHECKING:
    import pyarrow as pa

    from qbuild.media.clips.make import VideoClips, WrittenClip

QP = 12  # luma within 49 dB of the source on real videos; docs/motion.md
KEPT = ("source", "kind", "distortions", "others", "judged", "source_file", "source_row")


def unlabelled(rows: pa.Table) -> pa.Table:
    """Rows of schema `file` as rows of media without labels."""
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    with_labels = []
    for row in rows.to_pylist():
        is_image = row["path"].rpartition(".")[2].lower() in SUFFIXES["image"]
        kind = "image" if is_image else "video"
        with_labels.append({**row, "distortions": [], "others": [], "judged": [], "kind": kind})
    return pa.Table.from_pylist(with_labels, schema=load_schema("distortion").arrow)


def clip_row(
    row: dict[str, Any], made: VideoClips, written: WrittenClip, qp: int
) -> dict[str, Any]:
    """The row of a clip, from that of its video."""
    from qbuild.media.video.write import encoding

    clip = written.clip
    labels = {name: row[name] for name in KEPT}
    if clip.severity is not None:
        labels |= injected_labels(row, clip.operation, clip.severity, written.changed)
    return {
        **labels,
        **made_columns(row, "clips", file_name(row, written, qp), clip.seed),
        "sha256": written.sha256,
        "operation": clip.operation,
        "start_frame": clip.start,
        "num_frames": written.frames,
        "fps_num": made.fps.numerator,
        "fps_den": made.fps.denominator,
        "left": clip.left,
        "top": clip.top,
        "width": clip.width,
        "height": clip.height,
        "severity": clip.severity,
        "parameters": [{"name": n, "value": v} for n, v in sorted(written.parameters.items())],
        "encoding": encoding(qp),
        "source_sha256": made.sha256,
    }


def injected_labels(
    row: dict[str, Any], operation: str, severity: int, changed: bool
) -> dict[str, Any]:
    """The labels of a clip with an injected distortion, added to those of its video.

    If no frame changed, the distortion is not a label: it cannot be seen.
    """
    name = PAPER_NAMES[operation]
    injected = {name: {"name": name, "severity": severity}} if changed else {}
    known = {d["name"]: d for d in row["distortions"]} | injected
    judged = row["judged"]
    if judged is not None:
        judged = [each for each in DISTORTIONS if each in {*judged, *MOTION}]
    return {
        "source": synthetic_source(row, f"{operation} put in by qbuild motion-clips"),
        "distortions": [known[each] for each in DISTORTIONS if each in known],
        "others": [*row["others"], *([] if changed else [f"{operation}, unchanged"])],
        "judged": judged,
    }


def file_name(row: dict[str, Any], written: WrittenClip, qp: int) -> str:
    """`<dataset>/<path>.<operation>-<start>-<frames>f[-<w>x<h>+<x>+<y>][-<severity>]-s<seed>.mp4`.

    The name contains everything that determines the bytes of a clip.
    """
    clip = written.clip
    window = f"-{clip.width}x{clip.height}+{clip.left}+{clip.top}"
    parts = [
        f"{clip.operation}-{clip.start}-{clip.frames}f",
        window if clip.operation == "spatial" else "",
        f"-{clip.severity}" if clip.severity is not None else "",
        f"-s{clip.seed:016x}",
        f"-qp{qp}" if qp != QP else "",
    ]
    return made_name(row["dataset"], row["path"], f"{''.join(parts)}.mp4")
