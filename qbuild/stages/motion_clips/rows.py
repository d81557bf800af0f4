"""The rows of `motion-clips`: of a clip, of a video that nothing is known of, of one refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import media_id
from qbuild.core.plural import plural
from qbuild.media.clips.plan import SEEN_AS
from qbuild.media.files.ignored import left_out, left_out_line
from qbuild.media.files.naming import made_name
from qbuild.quality.distortions import DISTORTIONS, MOTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from qbuild.core.engine.tally import Tally
    from qbuild.media.clips.make import VideoClips, WrittenClip

QP = 12  # luma within 49 dB of the source on real videos; docs/motion.md


def unlabelled(rows: pa.Table) -> pa.Table:
    """Rows of schema `file` as those of media of which nothing is known."""
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    nothing: dict[str, Any] = {"distortions": [], "others": [], "judged": []}
    made = [{**row, **nothing, "kind": _kind(row["path"])} for row in rows.to_pylist()]
    return pa.Table.from_pylist(made, schema=load_schema("distortion").arrow)


def _kind(path: str) -> str:
    from qbuild.media.files.listing import ENDINGS

    return "image" if path.rpartition(".")[2].lower() in ENDINGS["image"] else "video"


def refused_row(row: dict[str, Any], number: int, reason: str, message: str) -> pa.Table:
    """A video that gives no clip; `number` is that of its row, should it come from no file."""
    from qbuild.core.rows.rejections import reject_rows
    from qbuild.media.files.listing import refusal

    if row["source_file"]:
        return reject_rows([row], reason, [message], "path")
    return refusal(row, number, reason, message)


def clip_row(
    row: dict[str, Any], made: VideoClips, written: WrittenClip, qp: int
) -> dict[str, Any]:
    """The row of a clip, from that of its video."""
    from qbuild.media.video.write import encoding

    clip, name = written.clip, file_name(row, written, qp)
    dataset = f"{row['dataset']}-clips"
    taken = ("split", "licence", "source", "kind", "distortions", "others", "judged")
    labels = {name: row[name] for name in (*taken, "source_file", "source_row")}
    if clip.severity is not None:
        labels |= injected(row, clip.operation, clip.severity, written.changed)
    return {
        **labels,
        "media_id": media_id(dataset, name),
        "dataset": dataset,
        "path": name,
        "sha256": written.sha256,
        "source_media_id": row["media_id"],
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
        "seed": f"{clip.seed:016x}",
        "parameters": [{"name": n, "value": v} for n, v in sorted(written.parameters.items())],
        "encoding": encoding(qp),
        "source_path": row["path"],
        "source_sha256": made.sha256,
    }


def injected(row: dict[str, Any], operation: str, severity: int, changed: bool) -> dict[str, Any]:
    """The labels of a video after something was put in; what it had before, it still has.

    Where no frame changed, nobody shall be asked to see what was put in.
    """
    name = SEEN_AS[operation]
    put_in = {name: {"name": name, "severity": severity}} if changed else {}
    known = {d["name"]: d for d in row["distortions"]} | put_in
    judged = row["judged"]
    if judged is not None:
        judged = [each for each in DISTORTIONS if each in {*judged, *MOTION}]
    came = f" from {row['source']}" if row["source"] else ""
    return {
        "source": f"synthetic: {operation} put in by qbuild motion-clips{came}",
        "distortions": [known[each] for each in DISTORTIONS if each in known],
        "others": [*row["others"], *([] if changed else [f"{operation}, unchanged"])],
        "judged": judged,
    }


def file_name(row: dict[str, Any], written: WrittenClip, qp: int) -> str:
    """`<dataset>/<path>.<operation>-<start>-<frames>f[-<w>x<h>+<x>+<y>][-<severity>]-s<seed>.mp4`.

    All that decides the bytes of a clip stands in its name.
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


def report_of(tally: Tally, operations: Sequence[str]) -> dict[str, Any]:
    """Videos read, clips of each operation and with each distortion, and how many fewer."""
    clips = {name: tally["operation", name] for name in operations}
    seen = {name: tally["distortion", name] for name in DISTORTIONS}
    return {
        "videos": tally["videos"],
        "clips": sum(clips.values()),
        "operations": clips,
        "distortions": {name: count for name, count in seen.items() if count},
        "unchanged": tally["unchanged"],
        "fewer_than_asked": tally["fewer"],
        "collapsed": tally["collapsed"],
        **left_out(tally),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    kinds = ", ".join(f"{name} {count}" for name, count in report["operations"].items())
    seen = ", ".join(f"{name} {count}" for name, count in report["distortions"].items())
    clips, videos = plural(report["clips"], "clip"), plural(report["videos"], "video")
    lines = [f"{clips} of {videos}: {kinds}"]
    lines += [f"clips with {seen}" if seen else "no clip has a known distortion"]
    if report["unchanged"]:
        lines.append(f"{plural(report['unchanged'], 'clip')} as the video: no trace to be seen")
    if report["fewer_than_asked"]:
        lines.append(f"{plural(report['fewer_than_asked'], 'clip')} fewer than asked: no room left")
    if report["collapsed"]:
        lines.append(f"{plural(report['collapsed'], 'repeated row')} collapsed")
    return "\n".join([*lines, *left_out_line(report)])
