"""The properties of invented depictions on which other tests rely."""

from __future__ import annotations

import json
from pathlib import Path

from depictions import depictions

from qbuild.core.schema.violations import strict_validator
from qbuild.language.degrees import DEGREES
from qbuild.language.mentions import read

ROOT = Path(__file__).parents[2]


def schema() -> dict:
    """The schema of a depiction, its references to other files resolved."""
    folder = ROOT / "schemas"
    document = json.loads((folder / "depiction.json").read_text(encoding="utf-8"))
    for name, column in document["properties"].items():
        if "$ref" in column:
            file, _, place = column["$ref"].partition("#/")
            found = json.loads((folder / file).read_text(encoding="utf-8"))
            for step in place.split("/"):
                found = found[step]
            document["properties"][name] = found
    return document


def test_rows_fit_the_schema_and_depend_only_on_the_seed():
    rows = depictions(100, seed=1)
    validator = strict_validator(schema())
    assert [error.message for row in rows for error in validator.iter_errors(row)] == []
    assert rows == depictions(100, seed=1) != depictions(100, seed=2)
    assert len({row["depiction_id"] for row in rows}) == 100


def test_all_kinds_levels_and_several_datasets_and_annotators_occur():
    rows = depictions(500, seed=1)
    assert {row["kind"] for row in rows} == {
        "overall", "in-context", "conversation", "aspect", "pathway",
    }  # fmt: skip
    assert {row["level"] for row in rows} == {None, 1, 2, 3, 4, 5}
    assert {row["aspect_level"] for row in rows} == {None, 1, 2, 3, 4}
    assert len({row["dataset"] for row in rows}) >= 4
    assert len({row["annotator"] for row in rows}) > 20


def test_what_is_written_follows_the_level():
    for row in depictions(500, seed=1):
        if row["kind"] != "overall":
            continue
        found = {mention.polarity for mention in read(row["text"]).mentions} - {0}
        expected = {5: {1}, 4: {1, -1}}.get(row["level"], {-1})
        assert found == expected, row["text"]
        for mention in read(row["text"]).mentions:
            assert mention.degree is None or row["level"] in DEGREES[mention.degree].levels


def test_few_texts_are_duplicates():
    texts = [row["text"] for row in depictions(9000, seed=1) if row["kind"] == "overall"]
    assert len(set(texts)) >= 5000
