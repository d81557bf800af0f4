"""Options of every stage that reads prediction files made elsewhere."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from qbuild.labels.tables.options import LabelFileOptions

FILE_MODEL = "predictions"  # the model of a file that names none


class PredictionOptions(LabelFileOptions):
    """How prediction files are read."""

    FILES: ClassVar[str] = "prediction files"
    EXAMPLE: ClassVar[str] = "score"

    form: Literal["auto", "table", "q-bench", "dover"] = Field(
        default="auto", description="Form of the prediction files."
    )
    dataset: str = Field(default="", description="Dataset of the files; default: each file's stem.")
    model: str = Field(default="", description="Model of the files, as named in the figures.")
    columns: str = Field(
        default="", description="Columns of a table: path=NAME,score=NAME,mos=NAME."
    )
    words: str = Field(
        default="", description="Words of the columns logit_WORD, worst to best, comma-separated."
    )

    @field_validator("words")
    @classmethod
    def _check_words(cls, text: str) -> str:
        words = split_words(text)
        if text and (len(words) < 2 or len(set(words)) < len(words) or not all(words)):
            raise ValueError("expected two or more different words, such as poor,good")
        return text


def split_words(text: str) -> list[str]:
    """The words, in order."""
    return [word.strip() for word in text.split(",")] if text else []
