"""Validation of the settings of a backend: all that is wrong is reported at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from qbuild.core.errors import QbuildError, UsageError, describe_option_error, raise_all, suggest
from qbuild.core.renamed import REMOVED_IN, RenamedOptions, current_options

M = TypeVar("M", bound=BaseModel)


def validate_settings(
    model: type[M], given: Mapping[str, Any], renamed: RenamedOptions | None = None
) -> M:
    """The settings; UsageError for unknown names and values that do not fit, all at once.

    Settings given under an old name of `renamed` are accepted with a notice on stderr.
    """
    renamed = renamed or {}
    for name in given.keys() & renamed.keys():
        change = f"setting {name} was renamed to {renamed[name].name}"
        sys.stderr.write(f"{change}; the old name works until {REMOVED_IN}\n")
    given = current_options(given, renamed)
    known = set(model.model_fields)
    faults: list[QbuildError] = [
        UsageError(f"setting {name}", "is not known", "", suggest(name, known))
        for name in given
        if name not in known
    ]
    try:
        settings = model(**{name: given[name] for name in given if name in known})
    except ValidationError as error:
        faults += (_fault(model, one) for one in error.errors())
        raise_all(faults)
        raise  # not reached: there is at least one fault
    raise_all(faults)
    return settings


def _fault(model: type[BaseModel], fault: Any) -> UsageError:
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] == "missing":
        description = str(model.model_fields[name].description).removesuffix(".")
        todo = f"Give --set {name}=…"
        return UsageError(f"setting {name}", "is missing", f"expected: {description}", todo)
    if not name:  # settings that contradict each other: the words of the model's validator
        return UsageError("settings", str(fault["ctx"]["error"]))
    return UsageError(f"setting {name}", *describe_option_error(fault))
