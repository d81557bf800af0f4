"""Which parts of qbuild are installed, in which versions, and how to get those that are not.

Names and bounds come from the metadata of the installed distribution itself; nothing is imported.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from typing import Any

from qbuild import __version__

DISTRIBUTION = "qbuild-toolkit"
BACKENDS_GROUP = "qbuild.backends"
OURSELVES = "pip install -e ."
BACKENDS = "pip install -e . -e ./backends"
DEMO = "pip install -e '.[demo]'"


def inventory() -> dict[str, Any]:
    """Versions of what is required, what is optional, and the backends found."""
    required = [_part(name, bounds, OURSELVES) for name, bounds in _requirements(None)]
    demo = [_part(name, bounds, DEMO) for name, bounds in _requirements("demo")]
    found = sorted({point.name for point in entry_points(group=BACKENDS_GROUP)})
    return {
        "python": platform.python_version(),
        "qbuild": __version__,
        "required": required,
        "demo": demo,
        "backends": {"found": found, "todo": "" if found else BACKENDS},
        "complete": all(part["state"] == "there" for part in required),
    }


def _requirements(extra: str | None) -> list[tuple[str, str]]:
    """Name and version bounds of each requirement of qbuild, or of one of its extras."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in requires(DISTRIBUTION) or []]
    except PackageNotFoundError:
        return [] if extra else [(DISTRIBUTION, "")]
    plain = [found for found in wanted if found.marker is None]
    own = [
        found for found in wanted if found.marker and found.marker.evaluate({"extra": extra or ""})
    ]
    return sorted((found.name, str(found.specifier)) for found in (own if extra else plain))


def _part(name: str, bounds: str, todo: str) -> dict[str, str]:
    """One distribution: there, missing, or of a version outside its bounds."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return {"name": name, "version": "", "needs": bounds, "state": "missing", "todo": todo}
    state = "there" if fits(found, bounds) else "other version"
    todo = "" if state == "there" else todo
    return {"name": name, "version": found, "needs": bounds, "state": state, "todo": todo}


def fits(found: str, bounds: str) -> bool:
    """Whether a version lies within bounds such as `>=3.0,<4`."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(bounds).contains(found, prereleases=True)
