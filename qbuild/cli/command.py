"""The Typer command behind every name: its help and example, and old names of its options."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from qbuild.cli.complete import pipelines
from qbuild.cli.output import print_warnings
from qbuild.core.renamed import RenamedOptions, rename_notices

WIDTH = 100  # columns of help at most
RUN_OPTIONS = "Run options"

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel=RUN_OPTIONS)
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=RUN_OPTIONS),
]
PipelineName = Annotated[
    str,
    typer.Argument(
        metavar="PIPELINE",
        help="A YAML file, or the name of a pipeline that ships with qbuild.",
        autocompletion=pipelines,
    ),
]
Workdir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the artifacts.  [default: work/PIPELINE]"),
]
MediaRoot = Annotated[
    list[str] | None,
    typer.Option(
        "--media-root", metavar="[DATASET=]DIR", help="Folder of media files; repeatable."
    ),
]


class Command(TyperCommand):
    """A command whose help is plain text and ends in an example.

    Options that were renamed work under both names; the help shows only the new ones.
    """

    renamed: RenamedOptions = MappingProxyType({})
    example = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments left over; old names are replaced before click sees them."""
        if self.renamed:
            args = current_arguments(args, self.renamed)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`[OPTIONS]` and the arguments."""
        arguments = [p for p in self.get_params(ctx) if p.param_type_name == "argument"]
        return ["[OPTIONS]", *(_placeholder(argument) for argument in arguments)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Usage, text, arguments and options, example; no line is broken within an option."""
        super().format_help(ctx, formatter)
        formatter.buffer[:] = [
            part.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NON-BREAKING HYPHEN}", "-")
            for part in formatter.buffer
        ]

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """The text of the command."""
        help_text, self.help = self.help, _protected(self.help or "")
        super().format_help_text(ctx, formatter)
        self.help = help_text

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, the command's own options, options of every run."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        sections[RUN_OPTIONS] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            name, panel = record[0], getattr(param, "rich_help_panel", None) or "Options"
            if param.param_type_name == "argument":
                name, panel = _placeholder(param), "Arguments"
            elif "--help" in param.opts:
                panel = RUN_OPTIONS
            sections[panel].append((name, _protected(record[1])))
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The example, whose lines are not wrapped."""
        if self.example:
            with formatter.section("Example"):
                for line in self.example.splitlines():
                    formatter.write(f"  {line}\n")


_DEFAULT = re.compile(r"\[default: [^\]]*\]")


def _protected(text: str) -> str:
    """The text with hyphens and defaults such that the formatter does not break lines there."""
    return _DEFAULT.sub(lambda m: m[0].replace(" ", "\N{NO-BREAK SPACE}"), text).replace(
        "-", "\N{NON-BREAKING HYPHEN}"
    )


def _placeholder(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return f"{name}..." if argument.nargs != 1 else name


def current_arguments(arguments: list[str], renamed: RenamedOptions) -> list[str]:
    """The arguments with present names and values; one line on stderr per replaced option."""
    flags = {_flag(name): name for name in renamed}
    current: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        flag, equals, value = argument.partition("=")
        negated = flag.startswith("--no-") and flag not in flags
        name = flags.get("--" + flag.removeprefix("--no-") if negated else flag)
        if argument == "--" or name is None:
            current += [argument, *rest] if argument == "--" else [argument]
            continue
        new = renamed[name]
        following = [] if equals or not new.values else list(islice(rest, 1))
        print_warnings(rename_notices({name: "".join(following) or value}, renamed, "--"))
        current.append(_flag(new.name, negated) + (f"={new.value(value)}" if equals else ""))
        current += [new.value(one) for one in following]
    return current


def _flag(name: str, negated: bool = False) -> str:
    return ("--no-" if negated else "--") + name.replace("_", "-")
