"""Data files of qbuild (schemas, pipelines), in a wheel or a checkout."""

from __future__ import annotations

from pathlib import Path

from qbuild.core.errors import InputError, suggest

_PACKAGE = Path(__file__).resolve().parent.parent


def data_dir(kind: str) -> Path:
    """The folder of `kind` (`schemas`, `pipelines`): in the wheel, else next to the package."""
    inside = _PACKAGE / "_data" / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind


def data_file(kind: str, name: str) -> Path:
    """The file `name` of that kind; `InputError` with similar names if it does not exist."""
    path = data_dir(kind) / name
    if not path.is_file():
        known = [p.name for p in sorted(data_dir(kind).glob("*")) if p.is_file()]
        raise InputError(
            name, f"no such file among the {kind} that ship with qbuild", todo=suggest(name, known)
        )
    return path
