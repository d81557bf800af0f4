import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qbuild.core.errors import InputError, SchemaError
from qbuild.labels.tables.table import column_names, read_grid


def cells(grid):
    return grid.frame.to_numpy().tolist()


def test_cells_of_text_keep_their_zeros(write):
    grid = read_grid(write("a.csv", "path,mos\n007, 1.50\n"))
    assert cells(grid) == [["007", "1.50"]]


def test_blank_lines_are_not_rows(write):
    assert len(read_grid(write("a.csv", "path,mos\n\na,1\n\n\nb,2\n")).frame) == 2


def test_a_repeated_name_is_an_error_only_where_it_is_read(write):
    grid = read_grid(write("a.csv", "a,b,a,a\n1,2,3,4\n"))
    assert grid.column("b").tolist() == ["2"]
    with pytest.raises(SchemaError, match="3 columns are named 'a'"):
        grid.column("a")
    assert grid.records([0]) == [{"a": "1", "b": "2", "a.1": "3", "a.2": "4"}]


def test_a_line_with_too_many_cells_is_reported_by_number(write):
    with pytest.raises(InputError, match="line 3 has 3 cells where the first line has 2"):
        read_grid(write("a.csv", "path,mos\na,1\nb,2,3\n"))


def test_an_unclosed_quote_is_an_input_error(write):
    with pytest.raises(InputError, match=r"quotation mark .* row 1 is not closed"):
        read_grid(write("a.csv", 'path,mos\n"a,1\nb,2\n'))


@pytest.mark.parametrize("text", ["path,mos\n", "\n\n"])
def test_a_table_without_a_row_is_an_input_error(write, text):
    with pytest.raises(InputError, match=r"holds no row|only blank lines"):
        read_grid(write("a.csv", text))


def test_json_keys_that_some_records_lack_are_empty_cells(write):
    grid = read_grid(write("a.json", [{"path": "a"}, {"path": "b", "mos": 1}]))
    assert grid.names == ["path", "mos"]
    assert cells(grid) == [["a", None], ["b", 1]]


def test_an_excel_sheet_is_read_like_its_csv(tmp_path):
    path = tmp_path / "a.xlsx"
    frame = pd.DataFrame({"path": ["00001.jpg", "b"], "mos": [48.86, None]})
    with pd.ExcelWriter(path) as book:
        frame.to_excel(book, sheet_name="scores", index=False)
        frame.to_excel(book, sheet_name="more", index=False)
    grid = read_grid(path)
    assert grid.names == column_names(path, "excel") == ["path", "mos"]
    assert cells(grid) == [["00001.jpg", "48.86"], ["b", ""]]
    assert grid.notes == ["sheet 'scores' was read; not read: 'more'"]


@pytest.mark.parametrize(("name", "words"), [("a.parquet", "Parquet"), ("a.xlsx", "Excel")])
def test_a_truncated_file_is_an_input_error(tmp_path, name, words):
    path = tmp_path / name
    frame = pd.DataFrame({"path": ["a"] * 99, "mos": [1.0] * 99})
    (frame.to_parquet if name.endswith("parquet") else frame.to_excel)(path, index=False)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=f"not a? ?readable {words}"):
        read_grid(path)


def test_an_artifact_is_an_error_with_the_name_of_its_schema(tmp_path):
    path = tmp_path / "levels.parquet"
    about = json.dumps(
        {
            "format": 1,
            "schema": {"hash": "x", "name": "level", "version": 1},
            "stage": {"name": "mos-to-levels", "version": 1},
            "rows": 1,
            "content_hash": "x",
            "complete": True,
        }
    )
    table = pa.table({"path": ["a"], "mos": [1.0]}).replace_schema_metadata({b"qbuild": about})
    pq.write_table(table, path)
    with pytest.raises(SchemaError, match="an artifact of the schema 'level'"):
        read_grid(path)
