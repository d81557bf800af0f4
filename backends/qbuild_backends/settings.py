"""Settings as they are given, held to their model: what is wrong with them is told all at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from qbuild.core.errors import QbuildError, UsageError, near, option_fault, raise_all

WHERE = "vqa2 settings"
M = TypeVar("M", bound=BaseModel)


def checked(model: type[M], given: Mapping[str, Any]) -> M:
    """The settings; UsageError for unknown names and values that do not fit, all at once."""
    known = set(model.model_fields)
    faults: list[QbuildError] = [
        UsageError(f"{WHERE}: {name}", "is no setting", "", near(name, known))
        for name in given
        if name not in known
    ]
    try:
        settings = model(**{name: given[name] for name in given if name in known})
    except ValidationError as error:
        for fault in error.errors():
            name = ".".join(map(str, fault["loc"]))
            where = f"{WHERE}: {name}" if name else WHERE
            if fault["type"] == "missing":
                described = str(model.model_fields[name].description).removesuffix(".")
                expected = f"expected: {described}"
                faults.append(UsageError(where, "is missing", expected, f"Give --set {name}=…"))
            elif not name:  # of settings that contradict each other: the words of `_fits`
                faults.append(UsageError(where, str(fault["ctx"]["error"])))
            else:
                faults.append(UsageError(where, *option_fault(fault)))
        raise_all(faults)
        raise  # not reached: there is a fault at least
    raise_all(faults)
    return settings
