"""Write a Label Studio project: configuration and tasks.

Reads `level` artifacts; writes a folder with `config.xml` (the medium with its normalised MOS and
level, the fields of --form) and `tasks.json` (a task per medium, one per line). The annotations,
exported as JSON or JSON_MIN, are read by `ingest-depictions`: the tasks contain the media ids.
See docs/depictions.md.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator
from typing import Any, Literal

from pydantic import Field

from qbuild.core.artifact.output_folder import File
from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import UsageError
from qbuild.core.plural import format_collapsed, format_counts, plural
from qbuild.core.rows.rejections import merge_rejections

CONFIG, TASKS = "config.xml", "tasks.json"
CHUNK_ROWS = 1_000  # rows as Python values take ten times the memory of a table


class ProjectOptions(Options):
    """The fields of the project, and the URLs by which Label Studio finds the media."""

    form: Literal["ugc", "aigc", "pathway"] = Field(
        default="ugc",
        description="ugc: overall depiction and a note; aigc: five aspects; pathway: one feedback.",
    )
    medium: Literal["auto", "image", "video"] = Field(
        default="auto", description="Kind of the media; auto: by the suffixes of the paths."
    )
    url_prefix: str = Field(
        default="/data/local-files/?d=", description="Prefix of every URL, before the quoted path."
    )


def produce(inputs: Inputs, options: ProjectOptions) -> Generator[Output, None, dict[str, Any]]:
    """The two files; UsageError where images and videos would share a project."""
    from qbuild.core.rows.duplicates import find_duplicates
    from qbuild.stages.label_project.config import make_config

    duplicates = find_duplicates(inputs, "media_id")
    target = inputs.scratch / TASKS
    medium: str | None = None
    levels: Counter[str] = Counter()
    with target.open("w", encoding="utf-8", newline="\n") as stream:
        for batch in inputs.scan():
            unique = duplicates.deduplicate(batch)
            lines, medium = _tasks(unique.rows, medium, options, levels)
            for line in lines:
                stream.write((",\n" if stream.tell() else "[\n") + line)
            rejected = merge_rejections([unique.rejections("media_id")])
            tally = Tally(rows=len(lines), collapsed=unique.collapsed)
            yield Output(rejected=rejected, tally=tally)
        stream.write("\n]\n")
    kind: Any = medium or "video"  # without tasks the run fails, whatever the config
    data = make_config(options.form, kind).encode()
    yield Output(files=(File(CONFIG, data), File(TASKS, target)))
    return {"medium": medium, "levels": levels}


def _tasks(
    rows: Any, medium: str | None, options: ProjectOptions, levels: Counter[str]
) -> tuple[list[str], str | None]:
    """The tasks of some rows as JSON, and the kind of all media so far."""
    from qbuild.stages.label_project.config import make_task

    lines = []
    for chunk in rows.to_batches(max_chunksize=CHUNK_ROWS):
        for row in chunk.to_pylist():
            medium = _medium(row, medium, options)
            kind: Any = medium
            lines.append(json.dumps(make_task(row, kind, options.url_prefix), ensure_ascii=False))
            levels[row["word"]] += 1
    return lines, medium


def _medium(row: dict[str, Any], medium: str | None, options: ProjectOptions) -> str:
    """The kind of a row's medium; UsageError where it is unknown or differs from earlier ones."""
    from qbuild.labels.tables.media_paths import media_kind

    kind = media_kind(row["path"], options.medium)
    expected = medium if options.medium == "auto" else options.medium
    if kind is None:
        raise UsageError(
            "--medium",
            f"the suffix of {row['path']!r} is not that of an image or a video",
            "expected --medium image or --medium video",
        )
    if expected is not None and kind != expected:
        raise UsageError(
            "--medium",
            f"{row['path']!r} is of kind {kind}, others of kind {expected}",
            "expected media of one kind in a project",
            "Make a project for each kind, from an artifact for each.",
        )
    return kind


def finish(state: dict[str, Any], tally: Tally, options: ProjectOptions) -> dict[str, Any]:
    """Form and kind of the project, tasks per level."""
    return {
        "form": options.form,
        "medium": state["medium"],
        "tasks": tally["rows"],
        "levels": dict(sorted(state["levels"].items())),
        "collapsed": tally["collapsed"],
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    tasks = plural(report["tasks"], report["medium"] + " task")
    lines = [f"{TASKS}: {tasks} ({format_counts(report['levels'])})"]
    lines.append(f"{CONFIG}: form {report['form']}")
    return "\n".join(lines + format_collapsed(report["collapsed"]))


STAGE = Stage(
    name="label-project",
    version=1,
    options=ProjectOptions,
    reads=Reads(schema="level"),
    writes=None,
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild label-project levels.parquet -o project --form ugc",
)
