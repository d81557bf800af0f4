"""The backends that are installed, loaded only when used.

A distribution offers a backend by an entry point of group `qbuild.backends`:

    [project.entry-points."qbuild.backends"]
    qalign = "qbuild_backends.backend:qalign"

The object is called with the name of a preset or the folder of a checkpoint (`""`: the backend's
default) and returns a `Backend`. Its module imports torch inside functions, so that `needs()`
works on any machine.
"""

from __future__ import annotations

from importlib import metadata

from qbuild.backends.protocol import Backend, Importer, Needs
from qbuild.core.errors import MissingPartError, UsageError, raise_all, suggest

GROUP = "qbuild.backends"
METHODS = ("needs", "fingerprint", "train", "score", "answer")
_INSTALL = "Install the backends that ship with qbuild: pip install -e . -e ./backends"


def backend_names() -> list[str]:
    """The names of the installed backends, sorted; none of them is imported."""
    return sorted({entry.name for entry in metadata.entry_points(group=GROUP)})


def load_backend(name: str, model: str = "") -> Backend:
    """The backend of that name; MissingPartError if it or something that it needs is missing."""
    entry = _entry(name)
    try:
        factory = entry.load()
    except (ImportError, AttributeError) as error:
        distribution = entry.dist.name if entry.dist is not None else "its distribution"
        raise MissingPartError(
            f"backend {name}",
            f"{entry.value} cannot be imported ({error})",
            "expected an importable object",
            f"Install what is missing, or install {distribution} again.",
        ) from error
    backend: Backend = factory(model)
    _check_methods(name, entry.value, backend)
    _check_needs(name, backend.needs())
    return backend


def load_importer(name: str, where: str) -> Importer:
    """The backend, if it imports published weights; UsageError at `where` if it does not."""
    backend = load_backend(name)
    if not isinstance(backend, Importer):
        raise UsageError(
            where,
            "cannot import checkpoints",
            "expected a backend that can, such as vqa2",
            "See qbuild.backends.protocol.Importer.",
        )
    return backend


def _entry(name: str) -> metadata.EntryPoint:
    entries = {entry.value: entry for entry in metadata.entry_points(group=GROUP, name=name)}
    if not entries:
        known = backend_names()
        hint = f"{suggest(name, known)} {_INSTALL}".strip()
        raise MissingPartError(f"backend {name}", "is not installed", "", hint)
    if len(entries) > 1:
        raise MissingPartError(
            f"backend {name}",
            f"is offered twice: {', '.join(sorted(entries))}",
            "expected one distribution per name",
            "Uninstall the other.",
        )
    return next(iter(entries.values()))


def _check_methods(name: str, value: str, backend: object) -> None:
    lacking = [method for method in METHODS if not callable(getattr(backend, method, None))]
    if lacking:
        raise MissingPartError(
            f"backend {name}",
            f"{value} lacks {', '.join(lacking)}",
            f"expected the methods {', '.join(METHODS)}",
            "See qbuild.backends.protocol.Backend.",
        )


def _check_needs(name: str, needs: Needs) -> None:
    raise_all(
        MissingPartError(
            f"backend {name}",
            f"needs {distribution}, which is not installed",
            todo=f"Install it: pip install {distribution}",
        )
        for distribution in needs.distributions
        if not _installed(distribution)
    )


def _installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
