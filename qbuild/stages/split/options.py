"""The options of `split`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_serializer, field_validator

from qbuild.core.engine.stage import Options, ValueHint
from qbuild.quality.splitting import parse_shares

MEDIUM, SOURCE, REFERENCE, CONTENT = "medium", "source-medium", "reference", "content"
RELATIONS = (MEDIUM, SOURCE, REFERENCE, CONTENT)  # values of --group-by that name no column


class SplitStageOptions(Options):
    """Which splits, and which rows stay together."""

    shares: Annotated[str, ValueHint("NAME=SHARE,…")] = Field(
        default="train=0.8,test=0.2",
        description="Splits with their shares of the rows, which sum to 1.",
    )
    group_by: Annotated[tuple[str, ...], ValueHint("NAME")] = Field(
        default=(),
        description="Rows to keep in one split: medium, source-medium, reference, content, or a"
        " column; repeatable. Default: these four, where known.",
    )
    groups: Annotated[tuple[str, ...], ValueHint("FILE")] = Field(
        default=(),
        description="Table or artifact with columns to group by, matched by media id or path;"
        " repeatable.",
    )
    reference_pattern: Annotated[str, ValueHint("REGEX")] = Field(
        default="",
        description="How a path names its reference: the groups of the expression. Default: as"
        " KADID-10k and TID2013.",
    )
    stratify: Literal["level", "dataset", "none"] = Field(
        default="level",
        description="Keep the shares of datasets and levels (else fifths of the scores), of"
        " datasets alone, or neither.",
    )
    seed: int = Field(default=0, description="Order in which groups of equal size are assigned.")

    @field_validator("group_by", "groups", mode="before")
    @classmethod
    def _as_list(cls, given: Any) -> Any:
        """A single value as a list: a pipeline may contain `group-by: prompt`."""
        return (given,) if isinstance(given, str) else given

    @field_validator("shares")
    @classmethod
    def _valid_shares(cls, given: str) -> str:
        parse_shares(given)
        return given

    @field_validator("reference_pattern")
    @classmethod
    def _valid_pattern(cls, given: str) -> str:
        try:
            groups = re.compile(given).groups
        except re.error as error:
            raise ValueError(f"expected a regular expression ({error})") from error
        if given and not groups:
            raise ValueError("expected a group in parentheses: the name of the reference")
        return given

    @field_serializer("groups", when_used="json")
    def _content_only(self, paths: tuple[str, ...]) -> list[str]:
        """Name and content hash of each path: moving a file changes no row."""
        from qbuild.quality.exclusion import source_digest

        return [source_digest(path) for path in paths]
