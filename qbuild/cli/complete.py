"""Shell completion; where a function returns nothing, the shell completes file names."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def artifacts(incomplete: str) -> list[str]:
    """Parquet files that match, and the folders next to them."""
    return _files(incomplete, ".parquet")


def pipelines(incomplete: str) -> list[str]:
    """Pipelines that ship with qbuild, and YAML files that match."""
    from qbuild.core.resources import data_dir

    shipped = sorted(path.stem for path in data_dir("pipelines").glob("*.yaml"))
    return [name for name in shipped if name.startswith(incomplete)] + _files(incomplete, ".yaml")


def backends(incomplete: str) -> list[str]:
    """Installed backends that match."""
    from qbuild.backends.registry import backend_names

    return [name for name in backend_names() if name.startswith(incomplete)]


def names_in(place: str, default: str) -> Callable[[str], list[str]]:
    """Completes with the default and the names at `MODULE:NAME`."""
    module, _, attribute = place.partition(":")

    def matching(incomplete: str) -> list[str]:
        names = [default, *getattr(import_module(module), attribute)]
        return [name for name in names if name.startswith(incomplete)]

    return matching


def _files(incomplete: str, suffix: str) -> list[str]:
    """Matching files of that suffix and folders; nothing where no file matches."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    names = [f"{path}/" if path.is_dir() else str(path) for path in paths]
    matching = [name for name in names if name.startswith((incomplete, f"./{incomplete}"))]
    completions = [name for name in matching if name.endswith((suffix, "/"))]
    return completions if any(name.endswith(suffix) for name in completions) else []
