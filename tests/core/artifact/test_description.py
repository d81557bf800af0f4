"""qbuild/core/artifact/description.py: the description of an output, checked field by field."""

from __future__ import annotations

import json

import pytest

from qbuild.core.artifact.description import (
    ARTIFACT_KEYS,
    EXPORT_KEYS,
    Description,
    Recipe,
    StageRef,
)
from qbuild.core.canonical import canonical_json, hash_value
from qbuild.core.errors import SchemaError

GOOD = {
    "format": 1,
    "schema": {"name": "rating", "version": 1, "hash": "x"},
    "stage": {"name": "ingest-ratings", "version": 1},
    "inputs": [{"name": "a.csv", "hash": "x"}, {"name": "b", "hash": "y", "schema": "rating"}],
    "rows": 3,
    "content_hash": "sha256:x",
    "complete": True,
}


def read(**changes: object) -> Description:
    return Description.parse(json.dumps({**GOOD, **changes}).encode(), "a.parquet", ARTIFACT_KEYS)


def test_a_valid_description_is_written_back_as_it_was_read():
    assert read().to_json() == canonical_json(GOOD)
    assert read(later="unknown keys are kept").as_dict()["later"]
    assert read().schema_name == read().inputs[1].schema_name == "rating"


def test_keys_that_are_absent_have_defaults():
    assert (read().pending, read().rejected.rows, read().options) == (0, 0, {})
    assert not read().has_recipe
    assert not read().is_export


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"format": 2}, "of format 2; expected format 1"),
        ({"rows": True}, "no valid rows"),
        ({"rows": 2.0}, "no valid rows"),
        ({"schema": {"name": "rating"}}, "no valid schema"),
        ({"inputs": [{"name": "a.csv"}]}, "no valid inputs"),
        ({"inputs": {}}, "no valid inputs"),
        ({"stage": {"name": 5, "version": 1}}, "no valid stage"),
        ({"complete": False}, "no valid pending"),
        ({"rejected": None}, "no valid rejected"),
        ({"options": None}, "no valid options"),
        ({"limit": "3"}, "no valid limit"),
    ],
)
def test_an_invalid_part_is_named(changes, what):
    with pytest.raises(SchemaError, match=what) as caught:
        read(**changes)
    assert caught.value.where == "a.parquet"


def test_missing_keys_are_named():
    with pytest.raises(SchemaError, match="lacks files"):
        Description.parse(json.dumps(GOOD).encode(), "out", EXPORT_KEYS)


def test_a_fingerprint_covers_only_the_recipe():
    recipe = Recipe(
        stage=StageRef(name="toy", version=2),
        options={"at": 1.5},
        limit=None,
        inputs=[],
        prompts={},
        row_schema=None,
    )
    stage = {"name": "toy", "version": 2}
    form = {"stage": stage, "options": {"at": 1.5}, "limit": None, "inputs": [], "prompts": {}}
    assert recipe.compute_fingerprint() == hash_value({**form, "schema": None})
    made = Description.of_run(recipe, pending=0, rows=1, content_hash="x", report={})
    assert made.fingerprint == recipe.compute_fingerprint() == made.compute_fingerprint()
