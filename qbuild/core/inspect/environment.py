"""Which parts of qbuild are installed, in which versions, and how to get those that are not.

Names and bounds come from the metadata of the installed distribution itself; nothing is imported.
"""

from __future__ import annotations

import platform
import shlex
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from typing import TYPE_CHECKING, Any

from qbuild import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.requirements import Requirement

DISTRIBUTION = "qbuild-toolkit"
_NO_EXTRA = {"extra": ""}
BACKENDS_GROUP = "qbuild.backends"
OURSELVES = "pip install -e ."
BACKENDS = "pip install -e . -e ./backends"
DEMO = "pip install -e '.[demo]'"
PLOTS = "pip install -e '.[plots]'"


def inventory() -> dict[str, Any]:
    """Versions of what is required, what is optional, and the backends found."""
    required = _parts(_requirements(None), OURSELVES)
    demo = _parts(_requirements("demo"), DEMO)
    plots = _parts(_requirements("plots"), PLOTS)
    found = sorted({point.name for point in entry_points(group=BACKENDS_GROUP)})
    return {
        "python": platform.python_version(),
        "qbuild": __version__,
        "required": required,
        "demo": demo,
        "plots": plots,
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
    plain = [found for found in wanted if found.marker is None or found.marker.evaluate(_NO_EXTRA)]
    if extra is None:
        return _bounds(plain)
    given = {"extra": extra}
    own = [found for found in wanted if found.marker and found.marker.evaluate(given)]
    return _bounds(found for found in own if found not in plain)


def _bounds(found: Iterable[Requirement]) -> list[tuple[str, str]]:
    return sorted((requirement.name, str(requirement.specifier)) for requirement in found)


def install_hint(wanted: Iterable[str], in_checkout: str) -> str:
    """The command that brings these distributions, and the one of a checkout."""
    names = " ".join(shlex.quote(name) for name in wanted)
    return f"pip install {names} (in a checkout: {in_checkout})"


def _parts(requirements: list[tuple[str, str]], in_checkout: str) -> list[dict[str, str]]:
    """Each distribution; those that do not fit with the one command that brings them all."""
    found = [_part(name, bounds) for name, bounds in requirements]
    gone = [part for part in found if part["state"] != "there"]
    hint = install_hint((part["name"] + part["needs"] for part in gone), in_checkout)
    if any(part["name"] == DISTRIBUTION for part in gone):  # of which no index has a copy
        hint = in_checkout
    return [{**part, "todo": hint if part in gone else ""} for part in found]


def _part(name: str, bounds: str) -> dict[str, str]:
    """One distribution: there, missing, or of a version outside its bounds."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return {"name": name, "version": "", "needs": bounds, "state": "missing"}
    state = "there" if fits(found, bounds) else "other version"
    return {"name": name, "version": found, "needs": bounds, "state": state}


def fits(found: str, bounds: str) -> bool:
    """Whether a version lies within bounds such as `>=3.0,<4`."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(bounds).contains(found, prereleases=True)
