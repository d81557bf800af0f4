"""A command made from a stage: its options and the engine's, as one signature for Typer."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qbuild.cli.output import print_json, say, warn
from qbuild.core.engine.stage import Stage
from qbuild.core.plural import plural
from qbuild.stages import STAGES, get_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.fields import FieldInfo

    from qbuild.core.engine.request import Result

_NAMED = ("--", "`--help` tells what each option takes.")
_NAMES = {"media_roots": "media-root"}
_JSON = typer.Option("--json", help="Print one JSON object on stdout.")
_DEBUG = typer.Option("--debug", help="Show the traceback of an error.")
_LIMIT = typer.Option("--limit", min=1, help="Take only the first rows of the inputs.")
_MADE_LIMIT = typer.Option("--limit", min=1, help="Make only the first rows.")
_PLAN = typer.Option("--plan", help="Say what would be sent and what it costs; send nothing.")
_FILE = typer.Option("--output", "-o", help="The Parquet file to write.")
_FOLDER = typer.Option("--output", "-o", help="The folder to write.")


def command_of(name: str) -> Callable[..., None]:
    """A function whose signature is the stage's options and the engine's."""
    stage = get_stage(name)

    def command(**given: Any) -> None:
        run_command(stage, given)

    command.__doc__ = f"{STAGES[name][1]}\n\n{_details(stage)}"
    command.__signature__ = inspect.Signature(_parameters(stage))  # type: ignore[attr-defined]
    return command


def run_command(stage: Stage[Any, Any], given: dict[str, Any]) -> None:
    """Run the stage as asked and print its report; an incomplete artifact ends with code 1."""
    from qbuild.core.engine.request import Request, build_options
    from qbuild.core.engine.run import plan, run
    from qbuild.core.media_roots import MediaRoots

    as_json = given.pop("json_")
    given.pop("debug")
    request = Request(
        stage=stage,
        options=build_options(stage.options, given, *_NAMED),
        inputs=tuple(Path(path) for path in given.get("inputs") or ()),
        output=Path(given["output"]),
        runtime=build_options(stage.runtime, given, *_NAMED),
        limit=given["limit"],
    )
    MediaRoots.parse(request.runtime.media_roots)
    if given.get("plan"):
        planned = plan(request)
        print_json(planned) if as_json else say(planned["text"])
        return
    result = run(request)
    for note in result.report.get("warnings", []):
        warn(f"warning: {note}")
    if as_json:
        print_json(result.as_dict())
    else:
        say(summary(stage, result))
    if not result.complete:
        raise typer.Exit(1)


def summary(stage: Stage[Any, Any], result: Result) -> str:
    """The report of a run as text."""
    lines = [f"{plural(result.rows, 'row')} → {result.output}"]
    if result.rejected:
        from qbuild.core.artifact.reader import rejected_path

        place = result.output / "artifact.parquet" if stage.folder else result.output
        lines.append(f"{result.rejected:,} rejected → {rejected_path(place)}")
    if not result.complete:
        lines.append(f"incomplete: {plural(result.pending, 'row')} pending; run it again to go on")
    if stage.render is not None:
        lines.append(stage.render(result.report))
    return "\n".join(lines)


def _parameters(stage: Stage[Any, Any]) -> list[inspect.Parameter]:
    reads = bool(stage.reads.least or stage.reads.schema)
    first = [_inputs(stage)] if reads else []
    first.append(_keyword("output", Annotated[Path, _FOLDER if stage.folder else _FILE]))
    own = [_option(name, field) for name, field in stage.options.model_fields.items()]
    engine = [_option(name, field) for name, field in stage.runtime.model_fields.items()]
    planned = [_keyword("plan", Annotated[bool, _PLAN], False)] if stage.plan else []
    last = [
        *planned,
        _keyword("limit", Annotated[int | None, _LIMIT if reads else _MADE_LIMIT], None),
        _keyword("json_", Annotated[bool, _JSON], False),
        _keyword("debug", Annotated[bool, _DEBUG], False),
    ]
    return [*first, *own, *engine, *last]


def _inputs(stage: Stage[Any, Any]) -> inspect.Parameter:
    what = f"Artifacts of schema {stage.reads.schema}" if stage.reads.schema else "Files"
    if stage.reads.schema and stage.reads.otherwise:
        what += ", or files to read as such"
    if stage.reads.beside:
        what += f", and beside them of {' or '.join(stage.reads.beside)}"
    argument = typer.Argument(metavar="INPUTS", help=f"{what}.")
    return _keyword("inputs", Annotated[list[Path], argument])


def _option(name: str, field: FieldInfo) -> inspect.Parameter:
    flag = "--" + _NAMES.get(name, name).replace("_", "-")
    kind: Any = field.annotation
    default = field.get_default(call_default_factory=True)
    flags = [f"{flag}/--no-{flag[2:]}"] if kind is bool else [flag]
    option = typer.Option(
        *flags, help=field.description, show_default=default not in ("", (), None)
    )
    if getattr(kind, "__origin__", None) is tuple:
        kind, default = list[str], list(default)
    return _keyword(name, Annotated[kind, option], default)


def _keyword(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _details(stage: Stage[Any, Any]) -> str:
    documented = inspect.getmodule(stage.options)
    text = inspect.getdoc(documented) or "" if documented else ""
    return text.split("\n", 1)[1].strip() if "\n" in text else ""
