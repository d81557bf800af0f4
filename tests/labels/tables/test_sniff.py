import pytest

from qbuild.core.errors import InputError
from qbuild.labels.tables.files import delimiter_of, kind_of
from qbuild.labels.tables.sniff import sniff


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    with pytest.raises(InputError, match="cannot be opened: No such file"):
        sniff(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be opened: Is a directory"):
        sniff(tmp_path)


def test_an_empty_file_is_reported_as_empty(write):
    with pytest.raises(InputError, match="the file is empty"):
        sniff(write("a.csv", ""))


def test_a_byte_order_mark_is_not_part_of_the_first_column(write):
    assert sniff(write("a.csv", b"\xef\xbb\xbfpath,mos\na,1\n")).header == ["path", "mos"]


def test_a_character_cut_at_the_end_of_the_preview_is_not_an_error(write):
    text = "path,mos\n" + "x" * (65536 - 9 - 1) + "é,1\n"
    assert sniff(write("a.csv", text)).header == ["path", "mos"]


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [("a,b,c", ","), ("a;b", ";"), ("a\tb", "\t"), ("a|b", "|"), ('"a,b";c', ";")],
)
def test_the_delimiter_splits_the_first_line_into_most_cells(tmp_path, line, delimiter):
    assert delimiter_of(tmp_path / "a.csv", line + "\n1;2") == delimiter


def test_the_delimiter_of_a_tsv_is_a_tab(tmp_path):
    assert delimiter_of(tmp_path / "a.tsv", "a,b,c\td\n") == "\t"


def test_the_kind_of_a_file_without_a_known_suffix_comes_from_its_content(tmp_path):
    path = tmp_path / "scores.dat"
    assert kind_of(path, b"PAR1....") == "parquet"
    assert kind_of(path, b"PK\x03\x04..") == "excel"
    assert kind_of(path, b"\xef\xbb\xbf \n[{") == "json"
    assert kind_of(path, b"a, 1, 2, 3") == "delimited"


@pytest.mark.parametrize("text", ['[{"a": 1}]', '{"a": 1}{"a": 2}', '\n {"a": 1}\n{"a": 2}'])
def test_the_first_json_object_is_found_in_any_json_form(write, text):
    assert sniff(write("a.json", text)).record == {"a": 1}


def test_json_without_an_object_has_no_record(write):
    assert sniff(write("a.json", "[1, {}]")).record is None
    assert sniff(write("b.json", '{"a": ')).record is None
