"""A command made from a stage: its options and the engine's, as one signature for Typer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from qbuild.cli.command import RUN_OPTIONS, Debug, Json
from qbuild.cli.complete import artifacts, names_in
from qbuild.cli.output import print_report, print_warnings
from qbuild.core.artifact.output_folder import FOLDER_ARTIFACT
from qbuild.core.engine.stage import Runtime, Stage, ValueHint
from qbuild.core.media_roots import MediaRoots
from qbuild.core.plural import plural
from qbuild.stages import STAGES

if TYPE_CHECKING:
    from qbuild.core.engine.request import Result

LONGEST_CHOICE = 40  # characters of `a|b|c` that the help shows next to an option
_NAMED = ("--", "See `--help` for the values of each option.")
_NAMES = {"media_roots": "media-root"}
_PLAN = typer.Option(
    "--plan",
    help="Show what would be sent and its cost; send nothing.",
    rich_help_panel=RUN_OPTIONS,
)


def command_of(stage: Stage[Any, Any]) -> Callable[..., None]:
    """A function whose signature is the stage's options and the engine's."""

    def command(**given: Any) -> None:
        run_command(stage, given)

    command.__doc__ = f"{STAGES[stage.name].summary}\n\n{_details(stage)}"
    command.__signature__ = inspect.Signature(_parameters(stage))  # type: ignore[attr-defined]
    return command


def run_command(stage: Stage[Any, Any], given: dict[str, Any]) -> None:
    """Run the stage and print its report; an incomplete artifact ends with code 1."""
    from qbuild.core.engine.request import Request, build_options
    from qbuild.core.engine.run import plan, run

    as_json = given["json_"]
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
        print_report(plan(request), lambda planned: planned["text"], as_json)
        return
    result = run(request)
    print_warnings(result.report.get("warnings", []))
    print_report(result.as_dict(), lambda _: summary(stage, result), as_json)
    if not result.complete:
        raise typer.Exit(1)


def summary(stage: Stage[Any, Any], result: Result) -> str:
    """The report of a run as text."""
    lines = [f"{plural(result.rows, 'row')} → {result.output}"]
    if result.rejected:
        from qbuild.core.artifact.reader import rejected_path

        artifact = result.output / FOLDER_ARTIFACT if stage.folder else result.output
        lines.append(f"{result.rejected:,} rejected → {rejected_path(artifact)}")
    if not result.complete:
        lines.append(f"incomplete: {plural(result.pending, 'row')} pending; run it again to resume")
    if stage.render is not None:
        lines.append(stage.render(result.report))
    return "\n".join(lines)


def _parameters(stage: Stage[Any, Any]) -> list[inspect.Parameter]:
    reads, unused = stage.has_inputs, stage.unused_options
    output = typer.Option(
        "--output",
        "-o",
        metavar="DIR" if stage.folder else "FILE",
        help="The folder to write." if stage.folder else "The Parquet file to write.",
    )
    limit = typer.Option(
        "--limit",
        min=1,
        metavar="N",
        help="Take only the first rows of the inputs."
        if stage.has_inputs
        else "Make only the first rows.",
        hidden="limit" in unused,
        rich_help_panel=RUN_OPTIONS,
    )
    return [
        *([_inputs(stage)] if reads else []),
        _keyword("output", Annotated[Path, output]),
        *(_option(name, field, name in unused) for name, field in stage.option_fields.items()),
        *([_keyword("plan", Annotated[bool, _PLAN], False)] if stage.plan else []),
        _keyword("limit", Annotated[int | None, limit], None),
        _keyword("json_", Json, False),
        _keyword("debug", Debug, False),
    ]


def _inputs(stage: Stage[Any, Any]) -> inspect.Parameter:
    schema = stage.reads.schema
    schemas = " or ".join([str(schema), *stage.reads.alternatives])
    what = f"Artifacts of schema {schemas}" if schema else "Files or folders"
    if schema and stage.reads.from_files:
        what += ", or files to read as such"
    if stage.reads.side_inputs:
        what += f", together with artifacts of schema {' or '.join(stage.reads.side_inputs)}"
    only_artifacts = schema is not None and stage.reads.from_files is None
    argument = typer.Argument(
        metavar="INPUTS", help=f"{what}.", autocompletion=artifacts if only_artifacts else None
    )
    return _keyword("inputs", Annotated[list[Path], argument])


def _option(name: str, field: FieldInfo, hidden: bool) -> inspect.Parameter:
    flag = "--" + _NAMES.get(name, name).replace("_", "-")
    kind: Any = field.annotation
    default = field.get_default(call_default_factory=True)
    hint = next((item for item in field.metadata if isinstance(item, ValueHint)), None)
    metavar, choices = _metavar(name, kind, hint)
    option = typer.Option(
        f"{flag}/--no-{flag[2:]}" if kind is bool else flag,
        metavar=metavar,
        help=f"{field.description}{choices}",
        show_default=default not in ("", (), None),
        hidden=hidden,
        rich_help_panel=RUN_OPTIONS if name in Runtime.model_fields else None,
        autocompletion=names_in(hint.choices, default) if hint and hint.choices else None,
    )
    if get_origin(kind) is tuple:
        kind, default = list[str], list(default)
    return _keyword(name, Annotated[kind, option], default)


def _metavar(name: str, kind: Any, hint: ValueHint | None) -> tuple[str | None, str]:
    """The placeholder of an option's value, and what the help adds where choices are too long."""
    if kind is bool:
        return None, ""
    if get_origin(kind) is Literal:
        choices = "|".join(get_args(kind))
        if len(choices) <= LONGEST_CHOICE:
            return choices, ""
        return name.upper(), f" One of {', '.join(get_args(kind))}."
    if hint is not None:
        return hint.metavar, ""
    return {int: "N", float: "X"}.get(kind, name.rpartition("_")[2].upper()), ""


def _keyword(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _details(stage: Stage[Any, Any]) -> str:
    """The docstring of the stage's module after its first line."""
    module = import_module(f"qbuild.stages.{STAGES[stage.name].module}")
    return inspect.cleandoc(module.__doc__ or "").partition("\n")[2].strip()
