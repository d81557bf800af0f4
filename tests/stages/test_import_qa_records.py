"""qbuild/stages/import_qa.py: reading the JSON values of a file."""

from __future__ import annotations

import pytest

from qbuild.core.errors import InputError
from qbuild.stages.import_qa import read_records


def values(tmp_path, text):
    path = tmp_path / "records.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_records(path))


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1}, {"a": 2}]',
        ' [\n{"a": 1},\n{"a": 2}\n]\n',
        '{"a": 1}\n{"a": 2}\n',
        '{"a": 1}{"a": 2}',
        '\ufeff[{"a": 1},{"a": 2}]',
    ],
)
def test_records_are_read_from_an_array_from_lines_and_one_after_another(tmp_path, text):
    assert values(tmp_path, text) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("text", ["", "[]", " [ ] \n"])
def test_empty_files_hold_no_record(tmp_path, text):
    assert values(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[{"a": 1},\n {"a": "cu', "line 2, column 8: Unterminated string"),
        ('[{"a": 1},\n {"a": 2}', "line 2, column 10: Expecting ',' or ']'"),
        ('[{"a": 1}', "line 1, column 10: Expecting ',' or ']'"),
        ('[{"a": 1},]', "line 1, column 11: Expecting value"),
        ("[", "line 1, column 2: Expecting value"),
        ('[{"a": 1}] []', "line 1, column 12: Extra data"),
        ('{"a": 1}\nnonsense', "line 2, column 1: Expecting value"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_the_error_of_broken_json_has_its_place(tmp_path, text, place):
    with pytest.raises(InputError) as error:
        values(tmp_path, text)
    assert place in str(error.value)


def test_the_error_of_a_bad_byte_has_its_offset(tmp_path):
    with pytest.raises(InputError, match="byte 0xff at offset 4 is not UTF-8"):
        values(tmp_path, b'[{"a\xff": 1}]')


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be opened: No such file"):
        list(read_records(tmp_path / "none.json"))
