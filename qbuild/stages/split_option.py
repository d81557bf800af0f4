"""The option `--split` of stages that take the rows of some splits."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from qbuild.core.engine.stage import Inputs, Options, ValueHint
from qbuild.core.rows.split_filter import SplitFilter


class SplitOptions(Options):
    """Which splits are used; without a name, rows of every split."""

    split: Annotated[tuple[str, ...], ValueHint("NAME")] = Field(
        default=(), description="Split to use; repeatable; none: rows without one. Default: all."
    )

    @field_validator("split", mode="before")
    @classmethod
    def _split_as_list(cls, given: Any) -> Any:
        """A single name as a list: a pipeline may contain `split: test`."""
        return (given,) if isinstance(given, str) else given

    @model_serializer(mode="wrap")
    def _without_default(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """No split where every row is taken: outputs from before the option stay up to date."""
        values: dict[str, Any] = handler(self)
        if not self.split:
            values.pop("split", None)
        return values


def read_splits(inputs: Inputs, options: SplitOptions) -> SplitFilter:
    """Which rows of the inputs are taken; UsageError for a split that no row has."""
    splits = SplitFilter(options.split)
    if options.split:
        for batch in inputs.scan(["split"]):
            splits.count(batch.rows.column("split").to_pylist())
        splits.check("the inputs")
    return splits
