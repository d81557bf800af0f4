"""What every stage that reads prediction files made elsewhere is asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from qbuild.core.engine.stage import Options
from qbuild.labels.tables.options import named_columns, refuse_given

FILE_MODEL = "predictions"  # the model of a file that names none


class PredictionOptions(Options):
    """How prediction files are read."""

    form: Literal["auto", "table", "q-bench", "dover"] = Field(
        default="auto", description="Form of the prediction files."
    )
    dataset: str = Field(default="", description="Dataset of the files; else each file's stem.")
    model: str = Field(default="", description="Model of the files, as the figures name it.")
    columns: str = Field(
        default="", description="Columns of a table, as path=NAME,score=NAME,mos=NAME."
    )
    words: str = Field(
        default="", description="Words of the columns logit_WORD, worst to best, with commas."
    )
    strip_prefix: str = Field(default="", description="Taken off the front of every path.")
    add_prefix: str = Field(default="", description="Put in front of every path.")

    @field_validator("columns")
    @classmethod
    def _pairs(cls, text: str) -> str:
        named_columns(text, "score")
        return text

    @field_validator("words")
    @classmethod
    def _several(cls, text: str) -> str:
        words = worded(text)
        if text and (len(words) < 2 or len(set(words)) < len(words) or not all(words)):
            raise ValueError("expected two or more different words, such as poor,good")
        return text


def worded(text: str) -> list[str]:
    """The words, in order."""
    return [word.strip() for word in text.split(",")] if text else []


def refuse_for_artifacts(options: PredictionOptions, stage: str) -> None:
    """Raise a UsageError for options that prediction files alone obey, where there are none."""
    refuse_given(
        options,
        PredictionOptions,
        "applies to prediction files, and every prediction is in an artifact",
        f"expected no such option at {stage}",
        "Leave it out.",
    )
