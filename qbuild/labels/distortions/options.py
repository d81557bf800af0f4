"""Options of every stage that reads files of distortion labels."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from qbuild.core.engine.stage import ValueHint
from qbuild.labels.distortions.names import find_distortion
from qbuild.labels.tables.options import LabelFileOptions


class LabelOptions(LabelFileOptions):
    """How files of distortion labels are read."""

    FILES: ClassVar[str] = "label files"
    EXAMPLE: ClassVar[str] = "labels"

    layout: Literal["auto", "kadid", "attributes"] = Field(
        default="auto", description="Layout of the label files, or auto."
    )
    dataset: str = Field(
        default="", description="Dataset name; default: the layout's own, else the file's stem."
    )
    columns: str = Field(
        default="", description="Columns of a table: path=NAME,labels=NAME,severity=NAME."
    )
    threshold: float = Field(
        default=0.5, gt=0, le=1, description="Share from which a distortion counts as present."
    )
    judged: Annotated[str, ValueHint("NAMES")] = Field(
        default="",
        description="Distortions that a column of labels covers, comma-separated; default: all"
        " that the kind of medium can have.",
    )
    licence: str = Field(default="", description="Licence of the labels.")
    source: str = Field(default="", description="Source of the labels.")

    @field_validator("judged")
    @classmethod
    def _check_judged(cls, text: str) -> str:
        for name in filter(None, text.split(",")):
            if find_distortion(name) is None:
                raise ValueError(f"expected names such as noise,motion blur; {name!r} is unknown")
        return text

    @property
    def judged_names(self) -> tuple[str, ...] | None:
        """The distortions that a column of labels covers; None where none are given."""
        names = [find_distortion(name) for name in filter(None, self.judged.split(","))]
        return tuple(dict.fromkeys(name for name in names if name is not None)) or None
