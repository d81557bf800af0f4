"""qbuild/core/artifact/description.py: what an output says of itself, checked part by part."""

from __future__ import annotations

import json

import pytest

from qbuild.core.artifact.description import OF_ARTIFACT, OF_EXPORT, parsed
from qbuild.core.errors import SchemaError

GOOD = {
    "format": 1,
    "schema": {"name": "rating", "version": 1, "hash": "x"},
    "stage": {"name": "ingest-ratings", "version": 1},
    "inputs": [{"name": "a.csv", "hash": "x"}],
    "rows": 3,
    "content_hash": "sha256:x",
    "complete": True,
}


def read(**changes: object) -> dict[str, object]:
    return parsed(json.dumps({**GOOD, **changes}).encode(), "a.parquet", OF_ARTIFACT)


def test_a_sound_description_comes_back_as_it_stands():
    assert read() == GOOD
    assert read(later="unknown parts are left alone")["later"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"format": 2}, "of format 2; expected format 1"),
        ({"rows": True}, "no sound rows"),
        ({"rows": 2.0}, "no sound rows"),
        ({"schema": {"name": "rating"}}, "no sound schema"),
        ({"inputs": [{"name": "a.csv"}]}, "no sound inputs"),
        ({"stage": {"name": 5, "version": 1}}, "no sound stage"),
        ({"complete": False}, "no sound pending"),
        ({"rejected": None}, "no sound rejected"),
    ],
)
def test_a_part_of_another_form_is_named(changes, what):
    with pytest.raises(SchemaError, match=what) as caught:
        read(**changes)
    assert caught.value.where == "a.parquet"


def test_parts_that_lack_are_named():
    with pytest.raises(SchemaError, match="lacks files"):
        parsed(json.dumps(GOOD).encode(), "out", OF_EXPORT)
