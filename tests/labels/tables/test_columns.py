from pathlib import Path

import pandas as pd
import pytest

from qbuild.core.errors import CombinedError, SchemaError, UsageError
from qbuild.labels.tables.columns import SYNONYMS, column_cells, normalise_name, resolve_columns
from qbuild.labels.tables.table import Grid


def grid_of(*names, rows=1):
    frame = pd.DataFrame([[f"{name}{row}" for name in names] for row in range(rows)])
    return Grid(Path("t.csv"), list(names), frame)


def found(*names, given=None):
    return resolve_columns(grid_of(*names), SYNONYMS, given or {}, required=("path", "mos"))


def test_column_names_are_normalised():
    assert {normalise_name(name) for name in ("Image name", "image-name", " IMAGE_NAME ")} == {
        "image_name"
    }


def test_synonyms_are_found_in_any_case():
    assert found("Video Path", "Score", "N", "SD", "set") == {
        "path": "Video Path", "mos": "Score", "num_ratings": "N", "mos_std": "SD", "split": "set",
    }  # fmt: skip


def test_the_canonical_name_takes_precedence_over_a_synonym():
    assert found("name", "path", "mos", "rating") == {"path": "path", "mos": "mos"}


def test_two_synonyms_are_an_error_that_names_both():
    with pytest.raises(SchemaError, match=r"several columns could be path: image, file.*--columns"):
        found("image", "file", "mos")


def test_a_repeated_column_must_be_renamed():
    with pytest.raises(SchemaError, match=r"could be path: path, path.*Rename them"):
        found("path", "path", "mos")


def test_all_missing_columns_are_raised_together_with_similar_ones():
    with pytest.raises(CombinedError) as caught:
        found("vidoe", "scor")
    assert len(caught.value.problems) == 2
    assert "--columns path=" in str(caught.value)
    assert "Did you mean scor?" in str(caught.value)


def test_dmos_needs_a_direction():
    with pytest.raises(SchemaError, match="higher for better quality in some data"):
        found("path", "dmos")
    assert found("path", "dmos", given={"mos": "dmos"})["mos"] == "dmos"


def test_a_given_column_comes_first_and_frees_the_synonym():
    assert found("name", "image", "mos", given={"path": "image"})["path"] == "image"
    assert found("clip", "q", "mos", given={"path": "clip", "mos": "q"})["mos"] == "q"


def test_a_given_column_that_is_missing_is_reported_with_similar_ones():
    with pytest.raises(SchemaError, match=r"no column is named 'imgae'.*Did you mean image\?"):
        found("image", "mos", given={"path": "imgae"})


def test_an_unknown_canonical_name_is_reported_with_similar_ones():
    with pytest.raises(UsageError, match=r"'pth'.*Did you mean path"):
        found("image", "mos", given={"pth": "image"})


def test_a_path_can_be_joined_from_two_columns():
    grid = grid_of("context", "id", "mos", rows=2)
    name = resolve_columns(grid, SYNONYMS, {"path": "context+id"}, required=("path", "mos"))["path"]
    assert column_cells(grid, name).tolist() == ["context0/id0", "context1/id1"]


def test_a_plus_inside_a_columns_name_is_part_of_it():
    assert found("a+b", "mos", given={"path": "a+b"})["path"] == "a+b"
    assert column_cells(grid_of("a+b"), "a+b").tolist() == ["a+b0"]
