"""The command `qbuild`: a group that imports a command's module only when that command runs."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from qbuild import __version__
from qbuild.core.errors import UsageError, suggest
from qbuild.stages import EXPORT, LABELS, LLM, MEDIA, MODELS, PAIRS, STAGES, Listing, get_stage

PIPELINES, INSPECT = "Pipelines", "Inspect"
PANELS = (LABELS, MEDIA, PAIRS, LLM, EXPORT, MODELS, PIPELINES, INSPECT)
PLAIN: dict[str, Listing] = {
    "mock-server": Listing("mock_server", LLM, "Serve a mock of the OpenAI API on this machine."),
    "train": Listing("train", MODELS, "Train a model on pairs."),
    "import-checkpoint": Listing("train", MODELS, "Convert published weights for train and score."),
    "run": Listing("pipelines", PIPELINES, "Run the steps of a pipeline that are not up to date."),
    "graph": Listing("pipelines", PIPELINES, "Draw the steps of a pipeline as Mermaid or text."),
    "status": Listing("pipelines", PIPELINES, "Show which steps of a pipeline are up to date."),
    "show": Listing("inspect", INSPECT, "Show an artifact: schema, lineage, first rows."),
    "validate": Listing("inspect", INSPECT, "Check all of an artifact: rows, hashes, media."),
    "diff": Listing("inspect", INSPECT, "Compare two artifacts row by row."),
    "why": Listing("inspect", INSPECT, "Trace a sample back to the rating it was made from."),
    "check-media": Listing(
        "inspect", INSPECT, "Find missing and extra media files of an artifact."
    ),
    "plot": Listing("inspect", INSPECT, "Draw the scores of an artifact as a PNG."),
    "doctor": Listing("inspect", INSPECT, "Show versions and missing optional packages."),
}


def listings() -> dict[str, Listing]:
    """Every command, by panel."""
    known = {**STAGES, **PLAIN}
    return {n: item for panel in PANELS for n, item in known.items() if item.panel == panel}


class LazyGroup(TyperGroup):
    """Lists commands by their summaries; builds one only when it is used."""

    _completing = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments; without options of the group, Typer need not load pydantic for them."""
        params = self.params
        if args and not args[0].startswith("-"):
            self.params = []
        try:
            return super().parse_args(ctx, args)
        finally:
            self.params = params

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """All names, by panel."""
        return list(listings())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command, or None; during completion a placeholder with its summary."""
        if cmd_name not in listings():
            return None
        if self._completing:
            return TyperCommand(cmd_name, help=listings()[cmd_name].summary)
        return _command(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """A section per panel with full summaries; no command is imported."""
        known = listings()
        width = max(map(len, known))
        for panel in PANELS:
            with formatter.section(panel):
                formatter.write_dl(
                    [(f"{n:<{width}}", c.summary) for n, c in known.items() if c.panel == panel]
                )

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Options and commands that match; no command is imported."""
        self._completing = True
        return super().shell_complete(ctx, incomplete)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of that name; for an unknown name, an error with similar ones."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in listings():
            ctx.fail(f"No such command {name!r}. {suggest(name, listings())}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: fast, and the same in a terminal, a log and the docs
    help="Instruction-tuning data for visual-quality assessment, made from opinion scores.",
    epilog="`qbuild COMMAND --help` shows a command's options and an example.",
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"qbuild {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Instruction-tuning data for visual-quality assessment, made from opinion scores."""


def _command(name: str) -> Any:
    from qbuild.cli.command import WIDTH, Command

    if name in STAGES:
        from qbuild.cli.stage_command import command_of

        stage = get_stage(name)
        function, renamed, example = command_of(stage), stage.renamed, stage.example
    else:
        module = import_module(f"qbuild.cli.commands.{PLAIN[name].module}")
        function = cast("Callable[..., None]", getattr(module, name.replace("-", "_")))
        renamed = getattr(module, "RENAMED", {}).get(name, {})
        example = module.EXAMPLES[name]
    single = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    settings = {"max_content_width": WIDTH}
    single.command(name, cls=Command, context_settings=settings)(function)
    command = cast("Command", typer.main.get_command(single))
    command.renamed, command.example = renamed, example
    return command


def main() -> None:
    """Run the command line; every error ends in one message and its exit code."""
    try:
        code = _exit_code()
        sys.stdout.flush()  # here, where an error can still be reported
    except BrokenPipeError:
        code = _discard_stdout()  # no message: the reader of stdout (`| head`) has ended
    except OSError as error:
        from qbuild.cli.output import fail, of_stdout

        if not of_stdout(error):
            raise
        code = max(_discard_stdout(), fail(error, []))
    sys.exit(code)


def _exit_code() -> int:
    """Run the command; the exit code, after the one message that an error ends in."""
    from qbuild.cli.output import fail, of_stdout, usage

    try:
        _reject_undecodable(sys.argv)
        code = app(prog_name="qbuild", standalone_mode=False) or 0  # Typer returns 130 after Ctrl-C
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if of_stdout(error):
            raise
        # Typer's own errors (an unknown option, a missing argument) have this method.
        if hasattr(error, "format_message"):
            return usage(error, sys.argv)
        return fail(error, sys.argv)
    if code == 130:
        sys.stderr.write("interrupted\n")
    return int(code)


def _reject_undecodable(arguments: list[str]) -> None:
    """Raise a UsageError for a name that is not UTF-8: no artifact could hold it."""
    for argument in arguments:
        if not argument.isascii() and argument.encode(errors="replace").decode() != argument:
            raise UsageError(
                argument.encode(errors="backslashreplace").decode(),
                "is not UTF-8",
                "expected a name in UTF-8",
                "Rename the file.",
            )


def _discard_stdout() -> int:
    """Redirect stdout to the null device, so that it is not flushed again at exit; returns 1."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
