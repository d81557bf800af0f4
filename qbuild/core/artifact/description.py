"""The description of an output: one model for the footer of an artifact and for `qbuild.json`.

It is written as canonical JSON of the keys that were set. Keys that this version does not know are
kept; a description of 0.1.0 is read as it is.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qbuild.core.canonical import canonical_json, hash_value
from qbuild.core.errors import SchemaError
from qbuild.core.schema import Schema

FORMAT = 1
KEY = b"qbuild"  # in the metadata of a Parquet file
ARTIFACT_KEYS = frozenset({"schema", "stage", "rows", "content_hash", "complete"})
EXPORT_KEYS = frozenset({"stage", "rows", "content_hash", "complete", "files"})
RECIPE_KEYS = frozenset({"stage", "options", "limit", "inputs", "prompts", "schema"})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="allow", populate_by_name=True)

    def as_dict(self) -> dict[str, Any]:
        """The keys that were set, as JSON holds them."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class StageRef(_Part):
    """The stage that made an output."""

    name: str
    version: int


class SchemaRef(_Part):
    """The schema of the rows; `hash` covers all its constraints."""

    name: str
    version: int
    hash: str


class InputRef(_Part):
    """An input: name and content hash; for artifacts also schema and number of rows."""

    name: str
    hash: str
    schema_name: str | None = Field(
        default=None, validation_alias="schema", serialization_alias="schema"
    )
    rows: int | None = None


class RejectedRef(_Part):
    """The rejected rows that belong to an artifact."""

    rows: int
    content_hash: str | None


class Recipe(_Part):
    """Everything that determines the rows of an output."""

    stage: StageRef
    options: dict[str, Any] = Field(default_factory=dict)
    limit: int | None = None
    inputs: list[InputRef] = Field(default_factory=list)
    prompts: dict[str, Any] = Field(default_factory=dict)  # hash of each template
    row_schema: SchemaRef | None = Field(
        default=None, validation_alias="schema", serialization_alias="schema"
    )

    @property
    def schema_name(self) -> str:
        """The name of the schema of the rows; empty without one."""
        return self.row_schema.name if self.row_schema is not None else ""

    def compute_fingerprint(self) -> str:
        """`sha256:…` of the recipe."""
        values = self.as_dict()
        return hash_value({key: values.get(key) for key in RECIPE_KEYS})


class Description(Recipe):
    """The description of an artifact, or of an export (`files`: name → hash)."""

    format: int = FORMAT
    fingerprint: str | None = None
    rows: int
    content_hash: str | None
    complete: bool
    pending: int = 0
    rejected: RejectedRef = RejectedRef(rows=0, content_hash=None)
    report: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of_rows(
        cls,
        schema: Schema,
        stage: StageRef,
        rows: int,
        content_hash: str,
        inputs: list[InputRef] | None = None,
    ) -> Description:
        """A minimal description of a complete artifact: its rows and the stage that wrote them."""
        minimal = cls(
            format=FORMAT,
            row_schema=schema_ref(schema),
            stage=stage,
            rows=rows,
            content_hash=content_hash,
            complete=True,
            pending=0,
        )
        return minimal if inputs is None else minimal.model_copy(update={"inputs": inputs})

    @classmethod
    def of_run(cls, recipe: Recipe, *, pending: int, **outcome: Any) -> Description:
        """The description of the output of a run."""
        return cls(
            **recipe.as_dict(),
            format=FORMAT,
            fingerprint=recipe.compute_fingerprint(),
            complete=pending == 0,
            pending=pending,
            **outcome,
        )

    @classmethod
    def parse(cls, text: bytes, where: str, needed: frozenset[str]) -> Description:
        """Parse a description; SchemaError if it is invalid or of another format version."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _invalid(where, f"is not valid JSON ({error})") from error
        if not isinstance(value, dict) or "format" not in value:
            raise _invalid(where, "has no key `format`")
        if value["format"] != FORMAT:
            raise SchemaError(
                where,
                f"its description is of format {value['format']!r}",
                f"expected format {FORMAT}",
                "Read it with the version of qbuild that wrote it.",
            )
        if missing := needed - value.keys():
            raise _invalid(where, f"lacks {', '.join(sorted(missing))}")
        try:
            description = cls.model_validate(value)
        except ValidationError as error:
            parts = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors())
            raise _invalid(where, f"has no valid {', '.join(parts)}") from error
        if not description.complete and "pending" not in description.model_fields_set:
            raise _invalid(where, "has no valid pending")
        return description

    @property
    def is_export(self) -> bool:
        """Whether it describes a folder of files."""
        return "files" in self.model_fields_set

    @property
    def has_recipe(self) -> bool:
        """Whether it contains a full recipe; False for files of rejected rows."""
        return self.as_dict().keys() >= (RECIPE_KEYS - {"limit"}) | {"rejected"}

    def to_json(self) -> str:
        """Canonical JSON, as it is written."""
        return canonical_json(self.as_dict())


def schema_ref(schema: Schema) -> SchemaRef:
    """How a description names a schema."""
    return SchemaRef(name=schema.name, version=schema.version, hash=schema.hash)


def _invalid(where: str, what: str) -> SchemaError:
    expected = "expected an output that a stage wrote"
    return SchemaError(where, f"its description {what}", expected, "Make it again.")
