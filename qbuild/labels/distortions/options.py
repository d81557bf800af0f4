"""What every stage that reads label files is asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from qbuild.core.engine.stage import Options
from qbuild.labels.distortions.names import named
from qbuild.labels.tables.options import named_columns, refuse_given


class LabelOptions(Options):
    """How files of distortion labels are read."""

    layout: Literal["auto", "kadid", "attributes"] = Field(
        default="auto", description="Layout of the label files, or auto."
    )
    dataset: str = Field(
        default="", description="Name of the dataset; else the layout's own, else the file's stem."
    )
    columns: str = Field(
        default="", description="Columns of a table, as path=NAME,labels=NAME,severity=NAME."
    )
    threshold: float = Field(
        default=0.5, gt=0, le=1, description="Share from which on a distortion counts as there."
    )
    judged: str = Field(
        default="",
        description="Distortions that a column of labels was made for, separated by commas; else"
        " all that the kind of medium can have.",
    )
    strip_prefix: str = Field(default="", description="Taken off the front of every path.")
    add_prefix: str = Field(default="", description="Put in front of every path.")
    licence: str = Field(default="", description="Licence of the labels.")
    source: str = Field(default="", description="Where the labels come from.")

    @field_validator("columns")
    @classmethod
    def _pairs(cls, text: str) -> str:
        named_columns(text, "labels")
        return text

    @field_validator("judged")
    @classmethod
    def _known(cls, text: str) -> str:
        for name in filter(None, text.split(",")):
            if named(name) is None:
                raise ValueError(f"expected names such as noise,motion blur; {name!r} is unknown")
        return text

    @property
    def column_names(self) -> dict[str, str]:
        """Canonical name → the file's column, as given."""
        return named_columns(self.columns, "labels")

    @property
    def judged_names(self) -> tuple[str, ...] | None:
        """The distortions that a column of labels was made for; None where none are named."""
        found = [named(name) for name in filter(None, self.judged.split(","))]
        return tuple(dict.fromkeys(name for name in found if name is not None)) or None


def refuse_for_artifacts(options: LabelOptions, stage: str) -> None:
    """Raise a UsageError for options that only label files obey, given with artifacts alone."""
    refuse_given(
        options,
        LabelOptions,
        "applies to label files, and every input is an artifact",
        f"expected {stage} without it",
        "Leave it out, or give the label files themselves.",
    )
