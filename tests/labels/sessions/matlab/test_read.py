import random

import numpy as np
import pytest

from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.sessions.matlab import read as matlab


def reason(call):
    with pytest.raises(RejectedError) as rejected:
        call()
    return rejected.value.reason


def test_variable_names_are_read_without_their_values(mat):
    path = mat("a.mat", one=1.0, two=np.zeros(5))
    assert set(matlab.variable_names(path)) == {"one", "two"}
    assert matlab.has_variables(path, "one", "two")
    assert not matlab.has_variables(path, "three")


def test_a_file_with_another_suffix_is_not_a_matlab_file(write):
    assert not matlab.has_variables(write("a.txt", "x"), "one")


def read(path):
    """The names of the file's variables, or the reason of its rejection."""
    try:
        return set(matlab.read_required(path, ("one", "two"), ("three",)))
    except RejectedError as rejection:
        return rejection.reason


def test_a_truncated_file_is_rejected_at_any_length(mat):
    whole = mat("a.mat", one=np.arange(1000.0), two="text").read_bytes()
    path = mat("b.mat", one=1.0)
    found = []
    for end in range(1, len(whole), 7):
        path.write_bytes(whole[:end])
        found.append(read(path))
    assert set(found) <= {"unreadable", "another-form"}


def test_a_damaged_file_is_read_or_rejected_without_an_error(mat):
    whole = mat("a.mat", one=np.arange(50), two="text", three=np.eye(3)).read_bytes()
    path = mat("b.mat", one=1.0)
    chance = random.Random(7)
    found = []
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(3):
            data[chance.randrange(116, len(data))] = chance.randrange(256)
        path.write_bytes(data)
        found.append(read(path))
    assert "unreadable" in found
    assert all(f in ("unreadable", "another-form") or {"one", "two"} <= f for f in found)


@pytest.mark.parametrize("start", [b"MATLAB 7.3 MAT-file, Platform: GLNXA64", b"\x89HDF\r\n\x1a\n"])
def test_a_file_of_matlab_7_3_is_rejected_with_a_solution(write, start):
    with pytest.raises(RejectedError, match="-v7") as rejected:
        matlab.variable_names(write("a.mat", start + b" " * 200))
    assert rejected.value.reason == "unreadable"


def test_an_empty_file_is_an_empty_log(write):
    assert reason(lambda: matlab.variable_names(write("a.mat", b""))) == "empty-log"


def test_a_missing_field_is_rejected_with_the_fields_found(mat):
    path = mat("a.mat", seen_here=1.0)
    with pytest.raises(RejectedError, match="seen_here; expected one and two") as rejected:
        matlab.read_required(path, ("one", "two"), ())
    assert rejected.value.reason == "another-form"
    assert rejected.value.record == {"fields": ["seen_here"]}


def test_many_names_are_shortened_in_a_message():
    assert matlab.format_names([f"x{n:02}" for n in range(40)]).endswith("x29 and 10 more")
    assert matlab.format_names([]) == "nothing"


def test_the_fields_of_a_struct_come_as_values(mat, cell):
    path = mat("a.mat", top={"inner": np.arange(3.0), "names": cell("a", "b")})
    fields = matlab.struct_fields(matlab.read_variables(path)["top"])
    assert fields["inner"].tolist() == [0, 1, 2]
    assert [matlab.to_text(name) for name in matlab.to_items(fields["names"])] == ["a", "b"]
    assert matlab.struct_fields(np.zeros(2)) is None


def test_a_vector_holds_plain_numbers_in_one_row(mat):
    path = mat("a.mat", row=np.ones((1, 3)), column=np.ones((3, 1)), single=7, none=np.empty(0))
    found = matlab.read_variables(path)
    lengths = {name: len(matlab.to_vector(value, name)) for name, value in found.items()}
    assert lengths == {"row": 3, "column": 3, "single": 1, "none": 0}


def test_text_and_complex_numbers_are_not_vectors(mat):
    found = matlab.read_variables(mat("a.mat", words="abc", complex=np.array([1j])))
    for name in ("words", "complex"):
        assert reason(lambda name=name: matlab.to_vector(found[name], name)) == "not-a-number"


def test_a_sparse_matrix_is_unreadable(mat):
    from scipy.sparse import csc_array

    path = mat("a.mat", x=csc_array(np.eye(2)))
    assert reason(lambda: matlab.read_variables(path)) == "unreadable"


def test_a_matrix_is_not_a_vector_and_a_vector_is_not_a_number():
    assert reason(lambda: matlab.to_vector(np.eye(2), "x")) == "another-form"
    assert reason(lambda: matlab.number_in({"x": np.ones(2)}, "x")) == "another-form"
    assert reason(lambda: matlab.number_in({"x": np.inf}, "x")) == "not-a-number"
    assert matlab.number_in({"x": np.nan}, "x") is None


def test_digits_are_zero_and_one_high_value():
    assert matlab.to_digits(np.array([0.0, 100, 0]), "x", (100, 1)).tolist() == [0, 1, 0]
    assert matlab.to_digits(np.array([1.0, 0]), "x", (100, 1)).tolist() == [1, 0]
    assert matlab.to_digits(np.zeros(2), "x", (100, 1)).dtype == np.int8


@pytest.mark.parametrize("values", [[0, 2], [0, 100, 1], [0, -1], [0, np.nan], [0.5]])
def test_any_other_digit_is_rejected_with_its_position(values):
    with pytest.raises(RejectedError, match=f"at {len(values)};") as rejected:
        matlab.to_digits(np.array(values, dtype=float), "x", (100, 1))
    assert rejected.value.reason == "bad-digit"
