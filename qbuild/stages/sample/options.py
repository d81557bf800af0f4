"""The options of `sample`, and what they mean per dataset."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import Field, field_serializer, field_validator

from qbuild.core.engine.stage import Inputs, Options, ValueHint
from qbuild.core.errors import UsageError


class SampleOptions(Options):
    """How many rows, and which."""

    method: Literal["keep", "flatten"] = Field(
        default="keep", description="Keep the distribution of levels, or flatten towards a target."
    )
    size: tuple[str, ...] = Field(
        default=(), description="Rows to take, [DATASET=]N; repeatable; N: all other datasets."
    )
    share: tuple[str, ...] = Field(
        default=(), description="Share of rows to take instead, [DATASET=]S in (0, 1]; repeatable."
    )
    target: tuple[str, ...] = Field(
        default=(), description="flatten: mean and deviation, [DATASET=]MEAN:SD; repeatable."
    )
    scale: Literal["norm", "raw"] = Field(
        default="norm", description="Scores of the target and report: mos_norm (0-100), or mos."
    )
    exclude: Annotated[tuple[str, ...], ValueHint("PATH")] = Field(
        default=(), description="Artifact, or text file of media ids, to leave out; repeatable."
    )
    exclude_by: Literal["id", "content"] = Field(
        default="id", description="content: also files of equal bytes below the media roots."
    )
    seed: int = Field(default=0, description="Chooses among equally suitable rows.")

    @field_validator("size", "share", "target", "exclude", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        """A single value as a list, numbers as text: a pipeline may contain `size: 1000`."""
        values = value if isinstance(value, list | tuple) else [value]
        return tuple(str(one) if type(one) in (int, float) else one for one in values)

    @field_validator("size", "share", "target")
    @classmethod
    def _valid(cls, texts: tuple[str, ...], info: Any) -> tuple[str, ...]:
        by_dataset(texts, _PARSERS[info.field_name])
        return texts

    @field_serializer("exclude", when_used="json")
    def _content_only(self, paths: tuple[str, ...]) -> list[str]:
        """Name and content hash of each path: moving a file changes no row."""
        from qbuild.quality.exclusion import source_digest

        return [source_digest(path) for path in paths]

    @property
    def amount(self) -> tuple[str, dict[str, Any]]:
        """The option that gives the number of rows, and its values by dataset."""
        name = "share" if self.share else "size"
        return f"--{name}", by_dataset(getattr(self, name), _PARSERS[name])

    @property
    def targets(self) -> dict[str, tuple[float, float]]:
        """Mean and deviation by dataset."""
        return by_dataset(self.target, parse_target)


def parse_size(text: str) -> int:
    """A number of rows; ValueError for anything but a whole number from 1 up."""
    if not re.fullmatch(r"[0-9]{1,15}", text) or not int(text):
        raise ValueError(f"expected [DATASET=]N with a whole number N of at least 1, not {text!r}")
    return int(text)


def parse_share(text: str) -> Decimal:
    """A share; ValueError for anything but a number above 0 and up to 1."""
    try:
        share = Decimal(text)
        valid = 0 < share <= 1
    except InvalidOperation:
        valid = False
    if not valid:
        raise ValueError(f"expected [DATASET=]S with S above 0 and up to 1, not {text!r}")
    return share


def parse_target(text: str) -> tuple[float, float]:
    """Mean and deviation; ValueError unless both are numbers and the deviation is above 0."""
    try:
        mean, std = (float(part) for part in text.split(":"))
    except ValueError:
        mean = std = math.nan
    if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
        raise ValueError(f"expected [DATASET=]MEAN:SD with SD above 0, not {text!r}")
    return mean, std


_PARSERS: dict[str, Callable[[str], Any]] = {
    "size": parse_size,
    "share": parse_share,
    "target": parse_target,
}


def by_dataset(texts: tuple[str, ...], parse: Callable[[str], Any]) -> dict[str, Any]:
    """The values by dataset, the one for all others under `""`; ValueError for duplicates."""
    values: dict[str, Any] = {}
    for text in texts:
        dataset, _, value = text.rpartition("=")
        if dataset in values:
            raise ValueError(f"{dataset or 'the value without a dataset'} is given twice")
        values[dataset] = parse(value)
    return values


def check_combinations(inputs: Inputs, options: SampleOptions) -> None:
    """Raise a UsageError for options that exclude or need each other."""
    flatten = options.method == "flatten"
    if options.size and options.share:
        raise UsageError("--share", "given together with --size", "expected one of the two")
    if options.target and not flatten:
        raise UsageError("--target", "method keep has no target", "expected --method flatten")
    if flatten and not options.target:
        raise UsageError("--target", "none is given", "expected --target [DATASET=]MEAN:SD")
    if flatten and not (options.size or options.share):
        what = "flatten of all rows would change nothing"
        raise UsageError("--size", what, "expected --size or --share")
    if options.exclude_by == "content" and not inputs.media_roots:
        what = "content can only be compared below a media root"
        raise UsageError("--exclude-by", what, "expected --media-root [DATASET=]DIR")
