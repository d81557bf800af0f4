import io

import numpy as np
import pytest
from scipy.io import savemat

from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.sessions.matlab.verify import check


def saved(compressed=False, **variables):
    stream = io.BytesIO()
    savemat(stream, variables, do_compression=compressed)
    return stream.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_numbers_text_cells_and_structs_are_valid(cell, compressed):
    data = saved(
        compressed,
        numbers=np.arange(6).reshape(2, 3),
        none=np.empty(0),
        flags=np.array([True, False]),
        complex=np.array([1 + 2j]),
        text="words",
        cells=cell("a", np.ones(3), cell(1, "b")),
        struct={"one": 1, "more": {"two": "three"}},
    )
    check(data, None)


def test_a_type_that_would_crash_scipy_is_rejected():
    data = saved(x=np.arange(10, dtype=np.int64))
    tag = (12).to_bytes(4, "little") + (80).to_bytes(4, "little")
    assert data.count(tag) == 1
    with pytest.raises(RejectedError, match="80 bytes of type 11 for 10 numbers"):
        check(data.replace(tag, (11).to_bytes(4, "little") + tag[4:]), None)


def test_dimensions_that_differ_from_the_numbers_are_rejected():
    data = saved(x=np.arange(10, dtype=np.int64))
    dims = (1).to_bytes(4, "little") + (10).to_bytes(4, "little")
    with pytest.raises(RejectedError, match="80 bytes of type 12 for 99 numbers"):
        check(data.replace(dims, dims[:4] + (99).to_bytes(4, "little")), None)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_truncated_within_its_variable_is_rejected(compressed):
    data = saved(compressed, x=np.arange(100.0))
    for end in range(129, len(data)):
        with pytest.raises(RejectedError):
            check(data[:end], None)


def test_a_file_without_a_byte_order_is_rejected():
    data = saved(x=1)
    with pytest.raises(RejectedError, match="begin like a MATLAB file"):
        check(data[:126] + b"??" + data[128:], None)


def test_a_variable_that_is_not_read_may_be_of_any_kind():
    from scipy.sparse import csc_array

    data = saved(x=1, other=csc_array(np.eye(2)))
    check(data, {"x"})
    with pytest.raises(RejectedError, match="an array of class 5"):
        check(data, {"x", "other"})


def test_arrays_nested_too_deep_are_rejected(cell):
    value = cell(1, 2)
    for _ in range(20):
        value = cell(value, 1)
    with pytest.raises(RejectedError, match="too deep"):
        check(saved(x=value), None)


def test_a_file_of_matlab_4_has_no_tags_to_check():
    stream = io.BytesIO()
    savemat(stream, {"x": 1.0}, format="4")
    check(stream.getvalue(), None)
