"""Inputs that a command cannot read: broken encodings, other schemas, invalid records."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tables
from failing import HEADER, Workspace

from qbuild.core.artifact.reader import KEY


@pytest.fixture
def workspace(tmp_path, qbuild_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Workspace(tmp_path, qbuild_cli)
    found.ratings()
    found.succeeds("ingest-ratings", "toy.csv", "-o", "old.parquet")
    return found


@pytest.fixture
def described(workspace):
    """Writes a copy of `old.parquet` with a changed description."""
    table = pq.read_table(workspace.folder / "old.parquet")
    known = json.loads(table.schema.metadata[KEY])

    def make(changes: bytes | dict) -> str:
        text = changes if isinstance(changes, bytes) else json.dumps({**known, **changes}).encode()
        pq.write_table(table.replace_schema_metadata({KEY: text}), workspace.folder / "odd.parquet")
        return "odd.parquet"

    return make


@pytest.mark.parametrize(
    ("command", "given", "what"),
    [
        ("scoring-qa", "old.parquet", "an artifact of schema rating"),
        ("export", "old.parquet", "an artifact of schema rating"),
        ("ingest-ratings", "old.parquet", "an artifact of the schema 'rating', not a label file"),
        ("import-qa", "old.parquet", "a Parquet file"),
        ("ingest-ratings", "foreign.parquet", "no known layout fits: .* 'a', 'b'"),
        ("mos-to-levels", "foreign.parquet", "no known layout fits: .* 'a', 'b'"),
        ("scoring-qa", "foreign.parquet", "not an artifact"),
        ("export", "foreign.parquet", "not an artifact"),
        ("import-qa", "foreign.parquet", "a Parquet file"),
    ],
)
def test_a_parquet_file_of_another_schema(workspace, command, given, what):
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), workspace.folder / "foreign.parquet")
    workspace.fails(
        command, given, "-o", "new.parquet", code=3, kind="schema", what=what, where=given
    )


READERS = [
    ("mos-to-levels", "odd.parquet", "-o", "new.parquet"),
    ("show", "odd.parquet"),
    ("diff", "odd.parquet", "old.parquet"),
    ("check-media", "odd.parquet", "--media-root", "."),
]
BROKEN = [
    ({"schema": {"name": "levl", "version": 1, "hash": "x"}}, "schema 'levl', .* does not know"),
    ({"schema": {"name": "../x", "version": 1, "hash": "x"}}, "schema '../x', .* does not know"),
    ({"schema": {"name": "rating", "version": 1, "hash": "x"}}, "another version of schema rating"),
    ({"format": 2}, "its description is of format 2"),
    ({"schema": "rating"}, "no valid schema"),
    ({"stage": 1, "inputs": 7}, "no valid stage, inputs"),
    ({"rows": "many"}, "no valid rows"),
    ({"content_hash": 5}, "no valid content_hash"),
    (b'{"format": 1}', "lacks complete, content_hash, rows, schema, stage"),
    (b"{x", "is not valid JSON"),
    (b"\xff\xfe", "is not valid JSON"),
    (b"[" * 100_000, "is not valid JSON"),
    (b"[]", "has no key `format`"),
]


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
@pytest.mark.parametrize(("changes", "what"), BROKEN)
def test_an_invalid_description(workspace, described, command, changes, what):
    described(changes)
    workspace.fails(*command, code=3, kind="schema", what=what, where="odd.parquet")


def test_validate_reports_an_invalid_description_as_a_problem(workspace, described):
    for changes, _ in BROKEN:
        done = workspace.run("validate", described(changes))
        assert (done.code, done.err) == (3, "")
        assert "odd.parquet: 1 problem" in done.out


def test_an_incomplete_artifact(workspace, described):
    failure = workspace.fails(
        "mos-to-levels", described({"complete": False, "pending": 5}), "-o", "new.parquet",
        code=1, kind="input", what="incomplete: 5 rows are pending",
    )  # fmt: skip
    assert "Run its stage again" in failure.text


@pytest.mark.parametrize("workers", [1, 2])
def test_every_row_that_violates_the_schema_is_named_from_any_process(workspace, workers):
    table = tables.rating_table(5, mos_std=[1.0, -1.0, 2.0, -2.0, 3.0])
    tables.write_artifact(workspace.folder / "bad.parquet", table)
    failure = workspace.fails(
        "mos-to-levels", "bad.parquet", "-o", "new.parquet", "--workers", workers,
        code=3, kind="schema", what=r"row 2, column mos_std: -1.0 .* \(and 1 more\)",
        where="bad.parquet",
    )  # fmt: skip
    assert "row 4, column mos_std: -2.0" in failure.text


def test_an_artifact_that_lacks_a_column_of_its_schema(workspace):
    whole = pq.read_table(workspace.folder / "old.parquet")
    text = whole.set_column(3, "mos", whole.column("mos").cast(pa.string()))
    odd = [
        (whole.drop_columns(["mos"]), "no column 'mos'"),
        (whole.drop_columns(["dataset"]), "no column 'dataset'"),
        (text, "column 'mos' is of type string"),
    ]
    for table, what in odd:
        pq.write_table(table, workspace.folder / "bad.parquet")
        workspace.fails(
            "mos-to-levels", "bad.parquet", "-o", "new.parquet",
            code=3, kind="schema", what=what, where="bad.parquet",
        )  # fmt: skip


def test_column_names_that_are_not_utf8(workspace):
    whole = bytearray((workspace.folder / "old.parquet").read_bytes())
    whole[whole.index(b"mos_std")] = 0x80
    workspace.write("bad.parquet", bytes(whole))
    for command in (("show",), ("mos-to-levels", "-o", "new.parquet")):
        workspace.fails(
            *command, "bad.parquet", code=1, kind="input", what="can't decode byte 0x80"
        )


def test_text_columns_that_are_not_utf8(workspace):
    whole = (workspace.folder / "old.parquet").read_bytes()
    workspace.write("bad.parquet", whole.replace(b"g0.jpg", b"\xff0.jpg"))
    table = pa.table({"image": pa.array([b"\xff", b"b"]).view(pa.string()), "mos": [1.0, 2.0]})
    pq.write_table(table, workspace.folder / "foreign.parquet")
    for command in (("ingest-ratings", "foreign.parquet"), ("mos-to-levels", "foreign.parquet")):
        workspace.fails(*command, "-o", "new.parquet", code=1, kind="input", what="Invalid UTF8")
    workspace.fails("show", "bad.parquet", code=1, kind="input", what="cannot be read as Parquet")


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.jsonl"])
def test_text_that_is_not_utf8_is_reported_with_its_offset(workspace, name):
    data = b'[{"image":"\xff"}]' if "json" in name else b"image,mos\n\xff,1\n"
    workspace.write(name, data)
    for command in ("ingest-ratings", "import-qa"):
        workspace.fails(
            command, name, "-o", "new.parquet", code=1, kind="input", where=name,
            what=f"byte 0xff at offset {data.index(255)} is not UTF-8",
        )  # fmt: skip


@pytest.mark.parametrize("text", [HEADER + "a.jpg,1\n", '[{"image": "a.jpg", "mos": 1}]'])
def test_a_byte_order_mark_is_ignored(workspace, text):
    name = workspace.write(
        f"b.{'json' if text[0] == '[' else 'csv'}", b"\xef\xbb\xbf" + text.encode()
    )
    assert (
        workspace.succeeds("ingest-ratings", name, "-o", "new.parquet", "--json").json["rows"] == 1
    )


@pytest.mark.parametrize("left", [3, 4, 8, 100, -9, -4, -1])
def test_a_truncated_parquet_file(workspace, left):
    whole = (workspace.folder / "old.parquet").read_bytes()
    workspace.write("cut.parquet", whole[:left])
    for command in ("ingest-ratings", "mos-to-levels"):
        workspace.fails(
            command, "cut.parquet", "-o", "new.parquet", code=1, kind="input",
            what="Parquet", where="cut.parquet",
        )  # fmt: skip
    workspace.fails("show", "cut.parquet", code=1, kind="input", what="cannot be read as Parquet")


def test_a_parquet_file_with_zeroed_rows(workspace):
    whole = bytearray((workspace.folder / "old.parquet").read_bytes())
    whole[4:600] = bytes(596)
    workspace.write("hole.parquet", bytes(whole))
    for command in ("mos-to-levels", "show"):
        output = ("-o", "new.parquet") if command == "mos-to-levels" else ()
        done = workspace.run(command, "hole.parquet", *output, "--json")
        assert done.code == 1
        assert done.error["code"] == "input"


ONE = '{"image":"a","mos":1}'


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("t.json", "[" + ONE + ',\n {"image":"b","mo', "^line 2, column 15: Unterminated string$"),
        ("t.json", "[" + ONE, "^line 1, column 23: Expecting ','"),
        ("t.json", "[" * 100_000, "nested too deeply"),
        ("t.json", '[{"image":"a","mos":' + "9" * 5000 + "}]", "an integer has too many"),
        ("t.jsonl", ONE + '\noops\n{"image":"c","mos":3}\n', "^line 2, column 1: "),
        ("t.jsonl", ONE + '\n{"mos":\n{"image":"c"}\n', "^line 4, .* that begins in line 2$"),
        ("t.jsonl", ONE + '\n{"image":"c","mos":3', "^line 2, column 21: "),
    ],
)  # fmt: skip
def test_invalid_json_is_reported_with_line_and_column(workspace, name, text, what):
    workspace.write(name, text)
    for command in ("ingest-ratings", "import-qa"):
        workspace.fails(
            command, name, "-o", "new.parquet", code=1, kind="input", what=what, where=name
        )


@pytest.mark.parametrize("text", ["5", '"text"', "null", "true", "NaN", "[1, 2]", "[[]]"])
def test_json_without_a_record(workspace, text):
    workspace.write("t.json", text)
    workspace.fails(
        "ingest-ratings", "t.json", "-o", "new.parquet", code=1, kind="input", what="record 1 is "
    )
    workspace.fails(
        "import-qa", "t.json", "-o", "new.parquet", code=1, kind="input",
        what="no usable row .*not-an-object, first: t.json row 1: ", leaves=("new.failed.parquet",),
    )  # fmt: skip


def test_a_record_without_any_known_key(workspace):
    workspace.write("t.json", "[{}]")
    failure = workspace.fails(
        "ingest-ratings",
        "t.json",
        "-o",
        "new.parquet",
        code=1,
        kind="input",
        what="record is empty",
    )
    assert "--columns" in failure.error["todo"]
    workspace.write("t.json", '[{"pth": "a", "moss": 1}]')
    failure = workspace.fails(
        "ingest-ratings", "t.json", "-o", "new.parquet", code=3, kind="schema", what="'pth', 'moss'"
    )
    assert "Did you mean pth, moss?" in failure.error["todo"]


@pytest.mark.parametrize(
    ("name", "text", "what", "leaves"),
    [
        ("t.csv", HEADER + "a,1\n", "line 1, column 1: Expecting value", ()),
        ("t.json", '[{"image": "a", "mos": 1}]', "t.json", ("new.failed.parquet",)),
        ("t.json", '{"a": 1}', "no usable row .* row 1: ", ("new.failed.parquet",)),
        ("t.json", '[{"conversations": 5}]', "bad-conversations", ("new.failed.parquet",)),
    ],
)  # fmt: skip
def test_importing_a_file_of_no_known_dialect(workspace, name, text, what, leaves):
    workspace.write(name, text)
    workspace.fails(
        "import-qa", name, "-o", "new.parquet", code=1, kind="input", what=what, leaves=leaves
    )


@pytest.mark.parametrize("data", [b"hello", b"PK\x03\x04garbage"])
def test_an_invalid_excel_file(workspace, data):
    workspace.write("t.xlsx", data)
    workspace.fails(
        "ingest-ratings", "t.xlsx", "-o", "new.parquet",
        code=1, kind="input", what="not a readable Excel workbook",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 9}', '{"format": 1, "stage": 1}'])
def test_a_broken_description_of_an_export(workspace, text):
    workspace.write("out/qbuild.json", text)
    workspace.fails(
        "show", "out", code=1, kind="input", what="its description", where="qbuild.json"
    )
    assert workspace.run("validate", "out").code == 1


def test_a_folder_without_an_artifact(workspace):
    (workspace.folder / "empty").mkdir()
    workspace.fails("show", "empty", code=1, kind="input", what="holds no artifact.parquet")
