import pytest

from qbuild.core.errors import InputError
from qbuild.labels.ratings.registry import recognise
from qbuild.labels.tables.json_records import read_records, read_utf8

ROWS = [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "text",
    ['[{"a": 1}, {"a": 2}]', '{"a": 1}{"a": 2}', '{"a": 1}\n{"a": 2}\n', '\ufeff[{"a":1},{"a":2}]'],
)
def test_records_are_the_same_in_every_json_form(write, text):
    assert read_records(write("a.json", text)) == ROWS


def test_truncated_json_is_reported_by_line_and_column(write):
    with pytest.raises(InputError, match=r"line 2, column \d+"):
        read_records(write("a.json", '[{"a": 1},\n{"a": 2'))


def test_truncated_concatenated_json_is_reported_by_line_and_column(write):
    with pytest.raises(InputError, match=r"line 1, column \d+"):
        read_records(write("a.json", '{"a": 1}{"a": '))


def test_json_broken_in_its_first_record_is_reported_with_its_place(write):
    with pytest.raises(InputError, match=r"line 1, column \d+"):
        recognise(write("a.json", '[{"a": '))


def test_a_value_that_is_not_an_object_is_reported_by_number(write):
    with pytest.raises(InputError, match=r"record 2 is \[1, 2\]"):
        read_records(write("a.json", '[{"a": 1}, [1, 2]]'))


def test_an_empty_array_has_no_records(write):
    with pytest.raises(InputError, match="holds no record"):
        read_records(write("a.json", "[]"))


def test_json_nested_too_deep_is_an_input_error(write):
    with pytest.raises(InputError, match="nested too deeply"):
        read_records(write("a.json", "[" * 200_000))


def test_bytes_that_are_not_utf8_are_reported_by_offset(write):
    with pytest.raises(InputError, match="byte 0xe9 at offset 13 is not UTF-8"):
        read_utf8(write("a.csv", b"path,mos\ncaf\xc3\xa9".replace(b"\xc3\xa9", b"_\xe9")))


def test_half_of_a_surrogate_pair_is_reported_by_record(write):
    with pytest.raises(InputError, match="record 2 holds half of a surrogate pair"):
        read_records(write("a.json", r'[{"a": "\ud83d\ude00"}, {"a": "\ud83d"}]'))


def test_a_nul_byte_is_not_text(write):
    with pytest.raises(InputError, match="byte 0x00 at offset 1"):
        read_utf8(write("a.csv", b"a\0b"))
