"""Options of every stage that reads rating files, and the names of the layouts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from qbuild.core.engine.stage import ValueHint
from qbuild.labels.tables.options import LabelFileOptions

# layout → module; the first that fits a file reads it, so the general ones come last
LAYOUTS = {
    "comma": "comma",
    "koniq": "koniq",
    "kadid": "kadid",
    "spaq": "spaq",
    "q-align": "q_align",
    "vqa2": "vqa2",
    "subject-votes": "subject_votes",
    "table": "named_columns",
}


class RatingOptions(LabelFileOptions):
    """How rating files are read."""

    FILES: ClassVar[str] = "rating files"
    EXAMPLE: ClassVar[str] = "mos"

    layout: Annotated[str, ValueHint("LAYOUT", "qbuild.labels.ratings.options:LAYOUTS")] = Field(
        default="auto", description="Layout of the rating files, or auto."
    )
    dataset: str = Field(
        default="", description="Dataset name; default: the layout's own, else the file's stem."
    )
    direction: Literal["up", "down"] = Field(
        default="up", description="down: a higher score is worse (DMOS); scores are mirrored."
    )
    columns: str = Field(default="", description="Columns of a table: path=NAME,mos=NAME,….")
    licence: tuple[str, ...] = Field(
        default=(), description="Licence of the ratings: [DATASET=]TEXT; repeatable."
    )
    source: tuple[str, ...] = Field(
        default=(), description="Source of the ratings: [DATASET=]TEXT; repeatable."
    )
    screen: Literal["none", "bt500"] = Field(
        default="none", description="bt500: exclude observers by ITU-R BT.500 (raw votes)."
    )

    @field_validator("dataset")
    @classmethod
    def _check_dataset(cls, name: str) -> str:
        if name and not name.strip():
            raise ValueError("expected the name of a dataset")
        return name

    @field_validator("licence", "source")
    @classmethod
    def _check_texts(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        parse_by_dataset(texts)
        return texts


def parse_by_dataset(texts: tuple[str, ...]) -> dict[str, str]:
    """Dataset → text, of `[DATASET=]TEXT`; the key "" applies to every other dataset."""
    by_dataset: dict[str, str] = {}
    for text in texts:
        if not all(part.strip() for part in text.split("=", 1)):
            raise ValueError(f"expected TEXT or DATASET=TEXT; {text!r} is neither")
        dataset, _, value = text.partition("=") if "=" in text else ("", "", text)
        if dataset in by_dataset:
            raise ValueError(f"expected each name once; {dataset or 'all'!r} is given twice")
        by_dataset[dataset] = value
    return by_dataset
