"""The command `qbuild`: a group that imports a command's module only when that command runs."""

from __future__ import annotations

import contextlib
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from qbuild import __version__
from qbuild.stages import STAGES, get_stage

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN: dict[str, tuple[str, str]] = {
    "run": ("runs", "Run a pipeline: only the steps that have to run."),
    "graph": ("runs", "Draw a pipeline's steps as Mermaid or text."),
    "status": ("runs", "Say for each step of a pipeline what stands."),
    "show": ("inspect", "Show an artifact: schema, lineage, first rows."),
    "validate": ("inspect", "Check an artifact in full: rows, hashes, media."),
    "diff": ("inspect", "Compare two artifacts row by row."),
    "why": ("inspect", "Trace a sample back to the rating it was made from."),
    "check-media": ("check_media", "Compare the media roots with what rows name."),
    "train": ("train", "Train a model on pairs."),
    "import-checkpoint": ("import_checkpoint", "Bring in published weights, for train and score."),
    "plot": ("plot", "Draw the scores of an artifact as a PNG."),
    "mock-server": (
        "mock_server",
        "Run a small server that speaks the OpenAI protocol, on loopback.",
    ),
    "doctor": ("doctor", "Show versions and optional parts not installed."),
}


class LazyGroup(TyperGroup):
    """Lists commands by their summaries; builds one only when it is asked for."""

    _listing = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments; `--version` ends here (a Typer option would cost 20 ms at each start)."""
        if args[:1] == ["--version"]:
            typer.echo(f"qbuild {__version__}")
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """All names, stages first, in the order in which data passes them."""
        return [*STAGES, *PLAIN]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command; while the help lists them, a stand-in that knows its summary alone."""
        summaries = {**STAGES, **PLAIN}
        if cmd_name not in summaries:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=summaries[cmd_name][1])
        return _command(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The group's help, without importing any command."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command asked for; an unknown name lists the near ones."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.list_commands(ctx):
            from qbuild.core.errors import near

            ctx.fail(f"No such command {name!r}. {near(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: at once, and the same in a terminal, a log and the docs
    help="Instruction-tuning data for visual-quality assessment, made from opinion scores.",
    epilog="`qbuild --version` prints the version, `qbuild COMMAND --help` a command's options.",
)


@app.callback()
def _root() -> None:
    """Instruction-tuning data for visual-quality assessment, made from opinion scores."""


def _command(name: str) -> Any:
    from qbuild.cli.command import Command

    if name in STAGES:
        from qbuild.cli.stage_command import command_of

        function, renamed = command_of(name), get_stage(name).renamed
    else:
        module = import_module(f"qbuild.cli.commands.{PLAIN[name][0]}")
        function = cast("Callable[..., None]", getattr(module, name.replace("-", "_")))
        renamed = getattr(module, "RENAMED", {}).get(name, {})
    single = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    single.command(name, cls=Command)(function)
    command = cast("Command", typer.main.get_command(single))
    command.renamed = renamed
    return command


def main() -> None:
    """Run the command line; every error ends in one message and its exit code."""
    try:
        code = _outcome()
        sys.stdout.flush()  # here, where an error still has words; Python itself would end with 120
    except BrokenPipeError:
        code = _dropped()  # without a word: whoever read stdout (`| head`) has seen enough
    except OSError as error:
        from qbuild.cli.output import fail, of_stdout

        if not of_stdout(error):
            raise
        code = max(_dropped(), fail(error, []))
    sys.exit(code)


def _outcome() -> int:
    """The exit code, after the one message that an error ends in."""
    from qbuild.cli.output import fail, of_stdout, usage

    try:
        _refuse_undecodable(sys.argv)
        code = app(prog_name="qbuild", standalone_mode=False) or 0  # Typer returns 130 after Ctrl-C
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if of_stdout(error):
            raise
        # Typer's own errors (an unknown option, a missing argument) are known by this method.
        if hasattr(error, "format_message"):
            return usage(error, sys.argv)
        return fail(error, sys.argv)
    if code == 130:
        sys.stderr.write("interrupted\n")
    return int(code)


def _refuse_undecodable(arguments: list[str]) -> None:
    """Raise a UsageError for a name whose bytes are no UTF-8: no artifact could hold it."""
    for argument in arguments:
        if not argument.isascii() and argument.encode(errors="replace").decode() != argument:
            from qbuild.core.errors import UsageError

            raise UsageError(
                argument.encode(errors="backslashreplace").decode(),
                "is not UTF-8",
                "expected a name in UTF-8",
                "Rename the file.",
            )


def _dropped() -> int:
    """1, after what stdout did not take was thrown away, so that it is not tried again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
