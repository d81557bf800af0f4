"""Which parts of qbuild are installed, in which versions, and how to install the others.

Names and bounds come from the metadata of the installed distribution; nothing is imported.
"""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from typing import TYPE_CHECKING, Any

from qbuild import __version__

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "qbuild-toolkit"
_NO_EXTRA = {"extra": ""}
BACKENDS_GROUP = "qbuild.backends"
TOOLKIT = "pip install -e ."
BACKENDS = "pip install -e . -e ./backends"
DEMO = "pip install -e '.[demo]'"
PLOTS = "pip install -e '.[plots]'"


def inventory() -> dict[str, Any]:
    """Versions of required and optional parts, and the installed backends."""
    required = _parts(_requirements(None), TOOLKIT)
    demo = _parts(_requirements("demo"), DEMO)
    plots = _parts(_requirements("plots"), PLOTS)
    backends = sorted({point.name for point in entry_points(group=BACKENDS_GROUP)})
    return {
        "python": platform.python_version(),
        "qbuild": __version__,
        "required": required,
        "demo": demo,
        "plots": plots,
        "backends": {"found": backends, "todo": "" if backends else BACKENDS},
        "complete": all(part["state"] == "there" for part in required),
    }


def _requirements(extra: str | None) -> list[tuple[str, str]]:
    """Name and version bounds of each requirement of qbuild, or of one of its extras."""
    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(line) for line in requires(DISTRIBUTION) or []]
    except PackageNotFoundError:
        return [] if extra else [(DISTRIBUTION, "")]
    plain = [r for r in requirements if r.marker is None or r.marker.evaluate(_NO_EXTRA)]
    if extra is None:
        return _bounds(plain)
    own = [r for r in requirements if r.marker and r.marker.evaluate({"extra": extra})]
    return _bounds(r for r in own if r not in plain)


def _bounds(requirements: Iterable[Requirement]) -> list[tuple[str, str]]:
    return sorted((requirement.name, str(requirement.specifier)) for requirement in requirements)


def install_hint(requirements: Iterable[str], in_checkout: str) -> str:
    """The commands that install these distributions, in an environment and in a checkout."""
    names = " ".join(shlex.quote(name) for name in requirements)
    return f"pip install {names} (in a checkout: {in_checkout})"


def _parts(requirements: list[tuple[str, str]], in_checkout: str) -> list[dict[str, str]]:
    """Each distribution; missing or unsuitable ones with the command that installs them all."""
    parts = [_part(name, bounds) for name, bounds in requirements]
    missing = [part for part in parts if part["state"] != "there"]
    hint = install_hint((part["name"] + part["needs"] for part in missing), in_checkout)
    if any(part["name"] == DISTRIBUTION for part in missing):  # not on a package index
        hint = in_checkout
    return [{**part, "todo": hint if part in missing else ""} for part in parts]


def _part(name: str, bounds: str) -> dict[str, str]:
    """One distribution: installed, missing, or of a version outside its bounds."""
    try:
        installed = version(name)
    except PackageNotFoundError:
        return {"name": name, "version": "", "needs": bounds, "state": "missing"}
    state = "there" if fits(installed, bounds) else "other version"
    return {"name": name, "version": installed, "needs": bounds, "state": state}


def fits(installed: str, bounds: str) -> bool:
    """Whether a version is within bounds such as `>=3.0,<4`."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(bounds).contains(installed, prereleases=True)
