import pytest

from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.sessions.cells import rating_in, read_rows


def reason(call):
    with pytest.raises(RejectedError) as rejected:
        call()
    return rejected.value.reason, rejected.value.message


def test_rows_know_their_number_and_their_cells_by_lower_case_names(write):
    rows = read_rows(write("a.csv", "\ufeffName, MOS\na, 1.5\n\nb,\n"))
    assert [(row.number, row.cells) for row in rows] == [
        (1, {"name": "a", "mos": "1.5"}),
        (2, {"name": "b", "mos": ""}),
    ]
    assert [row.number_in("mos") for row in rows] == [1.5, None]
    assert rows[0].number_in("no such column") is None


def test_the_first_of_two_columns_of_one_name_counts(write):
    assert read_rows(write("a.csv", "mos,mos\n1,2\n"))[0].cells == {"mos": "1"}


@pytest.mark.parametrize("text", ["", "a,b\n", "\n\n"])
def test_a_table_without_rows_is_an_empty_log(write, text):
    assert reason(lambda: read_rows(write("a.csv", text)))[0] == "empty-log"


@pytest.mark.parametrize(
    "content", ["a,b\n1,2\n3\n", 'a,b\n"1,2\n', b"a,b\n1,\xff\n", b"a,b\n1,\0\n", "a,b\n1,2,3\n"]
)
def test_a_truncated_or_binary_table_is_unreadable(write, content):
    assert reason(lambda: read_rows(write("a.csv", content)))[0] == "unreadable"


def test_a_message_does_not_contain_the_path_of_the_file(write, tmp_path):
    _, message = reason(lambda: read_rows(write("a.csv", b"a,b\n1,\xff\n")))
    assert str(tmp_path) not in message


@pytest.mark.parametrize("cell", ["x", "1,5", "inf", "0x10", "1_0", "٣", "1e999"])
def test_a_cell_without_a_finite_number_is_rejected(write, cell):
    row = read_rows(write("a.csv", f"a;b\n{cell};1\n"))[0]
    found, message = reason(lambda: row.number_in("a"))
    assert found == "not-a-number"
    assert message.startswith("row 1, a: ")


def test_a_required_cell_must_not_be_empty(write):
    row = read_rows(write("a.csv", "a,b\n,1\n"))[0]
    assert reason(lambda: row.required_number("a"))[0] == "not-a-number"


def test_a_rating_holds_the_known_numbers_and_whole_counts(write):
    row = read_rows(write("a.csv", "mos,n,half\n3.5,25,2.5\n"))[0]
    found = rating_in(row, mos="mos", num_ratings="n", mos_std="sd")
    assert found == {"mos": 3.5, "num_ratings": 25}
    assert isinstance(found["num_ratings"], int)
    assert reason(lambda: rating_in(row, num_ratings="half"))[0] == "not-a-number"
