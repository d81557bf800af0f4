"""What commands that make a checkpoint share: settings given, and what the checkpoint tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def assigned(given: list[str]) -> dict[str, Any]:
    """The settings of `--set`, read as YAML; UsageErrors for what is no assignment."""
    import yaml

    from qbuild.core.errors import UsageError, raise_all

    found: dict[str, Any] = {}
    faults = []
    for text in given:
        name, equals, value = text.partition("=")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            equals = ""
        if not equals or not name.strip():
            faults.append(UsageError(f"--set {text}", "sets nothing", "expected KEY=VALUE"))
    raise_all(faults)
    return found


def told_in(place: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where a backend wrote none."""
    found: dict[str, Any] = {}
    if place.is_file():
        found = json.loads(place.read_text(encoding="utf-8"))
    return found
