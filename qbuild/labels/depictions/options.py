"""Options of the stage that reads depictions."""

from __future__ import annotations

import os
from typing import ClassVar, Literal

from pydantic import Field

from qbuild.core.errors import UsageError
from qbuild.labels.tables.options import LabelFileOptions

_ENVIRONMENT = "env:"


class DepictionOptions(LabelFileOptions):
    """How files of depictions are read."""

    FILES: ClassVar[str] = "files of depictions"
    EXAMPLE: ClassVar[str] = "overall"

    columns: str = Field(
        default="", description="Columns, or fields of a project: path=NAME,overall=NAME,…."
    )
    medium: Literal["auto", "image", "video"] = Field(
        default="auto", description="Kind of a medium whose path has no known suffix."
    )
    salt: str = Field(
        default="",
        description="Hashed with every annotator's name; env:NAME reads it from the environment"
        " and keeps it out of the artifact.",
    )
    licence: str = Field(default="", description="Licence of the depictions.")
    source: str = Field(default="", description="Source of the depictions.")

    @property
    def secret(self) -> str:
        """The salt itself; UsageError where its environment variable is not set."""
        if not self.salt.startswith(_ENVIRONMENT):
            return self.salt
        name = self.salt.removeprefix(_ENVIRONMENT)
        if not (value := os.environ.get(name, "")):
            raise UsageError(
                "--salt",
                f"the environment variable {name!r} is not set",
                "expected one that holds the salt",
                "Set it, or give the salt itself.",
            )
        return value
