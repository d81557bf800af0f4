"""The click command of every stage and plain command: accepts options by their old names."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from qbuild.cli.output import warn
from qbuild.core.renamed import rename_notices

if TYPE_CHECKING:
    from qbuild.core.renamed import RenamedOptions


class Command(TyperCommand):
    """A command whose renamed options work under both names; the help shows the new ones alone."""

    renamed: RenamedOptions = MappingProxyType({})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments left over; old names are replaced before click sees them."""
        if self.renamed:
            args = current_arguments(args, self.renamed)
        return super().parse_args(ctx, args)


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
        following = [] if equals or not new.values else [*_next(rest)]
        for notice in rename_notices({name: "".join(following) or value}, renamed, "--"):
            warn(f"warning: {notice}")
        current.append(_flag(new.name, negated) + (f"={new.value(value)}" if equals else ""))
        current += [new.value(one) for one in following]
    return current


def _next(rest: Any) -> list[str]:
    return [one for one in [next(rest, None)] if one is not None]


def _flag(name: str, negated: bool = False) -> str:
    return ("--no-" if negated else "--") + name.replace("_", "-")
