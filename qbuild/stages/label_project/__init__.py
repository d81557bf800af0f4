"""Write a Label Studio project: configuration and tasks.

Reads `level` artifacts; writes a folder with `config.xml` (the medium with its normalised MOS and
level, the fields of --form) and `tasks.json` (a task a medium, one a line). What annotators write
there, exported as JSON or JSON_MIN, is read by `ingest-depictions`: the tasks carry the media ids.
See docs/depictions.md.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.engine.stage import File, Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import UsageError
from qbuild.core.plural import plural

if TYPE_CHECKING:
    from collections.abc import Generator

CONFIG, TASKS = "config.xml", "tasks.json"
PIECE = 1_000  # rows as Python values take ten times the room of a table


class ProjectOptions(Options):
    """What annotators are asked for, and where Label Studio finds the media."""

    form: Literal["ugc", "aigc", "pathway"] = Field(
        default="ugc",
        description="ugc: overall depiction and a note; aigc: five aspects; pathway: one feedback.",
    )
    medium: Literal["auto", "image", "video"] = Field(
        default="auto", description="Kind of the media; auto takes it from the paths' endings."
    )
    url_prefix: str = Field(
        default="/data/local-files/?d=", description="Put in front of every quoted path."
    )


def produce(inputs: Inputs, options: ProjectOptions) -> Generator[Output, None, dict[str, Any]]:
    """The two files; UsageError where images and videos would share a project."""
    from qbuild.core.rows.duplicates import find_duplicates
    from qbuild.core.rows.rejections import in_input_order
    from qbuild.stages.label_project.config import config

    duplicates = find_duplicates(inputs, "media_id")
    target = inputs.scratch / TASKS
    medium: str | None = None
    levels: Counter[str] = Counter()
    with target.open("w", encoding="utf-8", newline="\n") as stream:
        for batch in inputs.scan():
            found = duplicates.deduplicate(batch)
            lines, medium = _tasks(found.rows, medium, options, levels)
            for line in lines:
                stream.write((",\n" if stream.tell() else "[\n") + line)
            rejected = in_input_order([found.rejections("media_id")])
            tally = Tally(rows=len(lines), collapsed=found.collapsed)
            yield Output(rejected=rejected, tally=tally)
        stream.write("\n]\n")
    kind: Any = medium or "video"  # no task at all: the run fails, whatever the view
    data = config(options.form, kind).encode()
    yield Output(files=(File(CONFIG, data), File(TASKS, target)))
    return {"medium": medium, "levels": levels}


def _tasks(
    rows: Any, medium: str | None, options: ProjectOptions, levels: Counter[str]
) -> tuple[list[str], str | None]:
    """The tasks of some rows as JSON, and the one kind that all media so far are of."""
    from qbuild.stages.label_project.config import task

    lines = []
    for piece in rows.to_batches(max_chunksize=PIECE):
        for row in piece.to_pylist():
            medium = _medium(row, medium, options)
            kind: Any = medium
            lines.append(json.dumps(task(row, kind, options.url_prefix), ensure_ascii=False))
            levels[row["word"]] += 1
    return lines, medium


def _medium(row: dict[str, Any], medium: str | None, options: ProjectOptions) -> str:
    """The kind of a row's medium; UsageError where it is unknown or unlike the ones before."""
    from qbuild.labels.depictions.read import medium_of

    found = medium_of(row["path"], options.medium)
    wanted = medium if options.medium == "auto" else options.medium
    if found is None:
        raise UsageError(
            "--medium",
            f"{row['path']!r} is neither an image nor a video by its name",
            "expected --medium image or --medium video",
        )
    if wanted is not None and found != wanted:
        raise UsageError(
            "--medium",
            f"{row['path']!r} is of kind {found}, others of kind {wanted}",
            "expected media of one kind in a project",
            "Make a project of each, from an artifact of each.",
        )
    return found


def finish(state: dict[str, Any], tally: Tally, options: ProjectOptions) -> dict[str, Any]:
    """Form and kind of the project, tasks a level."""
    return {
        "form": options.form,
        "medium": state["medium"],
        "tasks": tally["rows"],
        "levels": dict(sorted(state["levels"].items())),
        "collapsed": tally["collapsed"],
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    levels = ", ".join(f"{word} {count:,}" for word, count in report["levels"].items())
    lines = [f"{TASKS}: {plural(report['tasks'], report['medium'] + ' task')} ({levels})"]
    lines.append(f"{CONFIG}: form {report['form']}")
    if report["collapsed"]:
        lines.append(f"{plural(report['collapsed'], 'identical row')} collapsed")
    return "\n".join(lines)


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
