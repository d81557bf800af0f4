"""Layouts by name: their modules are imported when one is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from qbuild.core.errors import UsageError, near


def layout_named(
    name: str, known: tuple[tuple[str, str, str], ...], package: str, what: str = "layout"
) -> Any:
    """The `LAYOUT` of the module that `known` lists under the name, in that package.

    `known` holds name, module and summary of each. UsageError with the near names where there is
    none; `what` says what was looked for.
    """
    modules = {entry: module for entry, module, _ in known}
    if name not in modules:
        raise UsageError(
            "--layout",
            f"no {what} is named {name!r}",
            "expected auto or the name of a layout",
            near(name, modules),
        )
    return import_module(f"{package}.{modules[name]}").LAYOUT
