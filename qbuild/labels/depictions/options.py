"""What the stage that reads depictions is asked for."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field, field_validator

from qbuild.core.errors import UsageError
from qbuild.core.stage import Options

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
        pairs = [pair.partition("=") for pair in text.split(",")] if text else []
        names = [name.strip() for name, _, _ in pairs]
        for name, sign, column in pairs:
            if not name.strip() or not column.strip():
                pair = name + sign + column
                raise ValueError(f"expected path=NAME,overall=NAME; {pair!r} is no such pair")
        if again := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"expected each name once; {again[0]!r} stands twice")
        return text

    @property
    def column_names(self) -> dict[str, str]:
        """Canonical name → the file's column, as given."""
        pairs = [pair.partition("=") for pair in filter(None, self.columns.split(","))]
        return {name.strip(): column.strip() for name, _, column in pairs}

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
    for name, field in DepictionOptions.model_fields.items():
        if getattr(options, name) != field.get_default():
            raise UsageError(
                f"--{name.replace('_', '-')}",
                "applies to files of depictions, and every input is an artifact",
                f"expected {stage} without it",
                "Leave it out, or give the files themselves.",
            )
