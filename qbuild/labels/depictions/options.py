"""What the stage that reads depictions is asked for."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field, field_validator

from qbuild.core.engine.stage import Options
from qbuild.core.errors import UsageError
from qbuild.labels.tables.options import named_columns, refuse_given

_VARIABLE = "env:"


class DepictionOptions(Options):
    """How files of depictions are read."""

    dataset: str = Field(
        default="", description="Name of the dataset; else the file's own, else the file's stem."
    )
    medium: Literal["auto", "image", "video"] = Field(
        default="auto", description="What a path without a known ending names."
    )
    columns: str = Field(
        default="", description="Columns, or fields of a project, as path=NAME,overall=NAME,…"
    )
    salt: str = Field(
        default="",
        description="Hashed with every annotator's name; env:NAME takes it from the environment"
        " and keeps it out of the artifact.",
    )
    strip_prefix: str = Field(default="", description="Taken off the front of every path.")
    add_prefix: str = Field(default="", description="Put in front of every path.")
    licence: str = Field(default="", description="Licence of the depictions.")
    source: str = Field(default="", description="Where the depictions come from.")

    @field_validator("columns")
    @classmethod
    def _pairs(cls, text: str) -> str:
        named_columns(text, "overall")
        return text

    @property
    def column_names(self) -> dict[str, str]:
        """Canonical name → the file's column, as given."""
        return named_columns(self.columns, "overall")

    @property
    def secret(self) -> str:
        """The salt itself; UsageError where it stands in a variable that is not set."""
        if not self.salt.startswith(_VARIABLE):
            return self.salt
        name = self.salt.removeprefix(_VARIABLE)
        if not (value := os.environ.get(name, "")):
            raise UsageError(
                "--salt",
                f"the environment variable {name!r} is not set",
                "expected one that holds the salt",
                "Set it, or give the salt itself.",
            )
        return value


def refuse_for_artifacts(options: DepictionOptions, stage: str) -> None:
    """Raise a UsageError for options that only files obey, given with artifacts alone."""
    refuse_given(
        options,
        DepictionOptions,
        "applies to files of depictions, and every input is an artifact",
        f"expected {stage} without it",
        "Leave it out, or give the files themselves.",
    )
