"""Any bytes: a documented exit code and a one-line error, without secrets."""

from __future__ import annotations

import io
import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from failing import ERROR_KEYS, Workspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pairs import pair
from running import file_hashes

CODES = {0, 1, 2, 3, 4, 5}
CSV = b'image,mos,mos_std,votes\na.jpg,1.5,0.2,"[1,2,3,4,5]"\n"b,c.jpg",2,,\nd/e.png,3e1,1,[0]\n'
JSON = b'[{"image": "a.jpg", "mos": 1.5},\n {"image": "b/\\u00e9.jpg", "mos": "2"}]\n'
JSONL = b'{"image": "a.jpg", "mos": 1.5}\n{"image": "b.jpg", "mos": 2}\n'
VOTES = b"subject,image,score\ns1,a.jpg,3\ns2,a.jpg,4\ns1,b.jpg,1\ns2,b.jpg,2\n"
DIALECT = json.dumps(
    [
        {
            "id": "a->3.5",
            "image": "a.jpg",
            "conversations": [
                {"from": "human", "value": "<image>\nHow good is it?"},
                {"from": "gpt", "value": "Good."},
            ],
        }
    ]
).encode()
YAML = b"""title: t
steps:
  - {id: r, stage: ingest-ratings, inputs: [toy.csv], options: {licence: [CC0]}}
  - {id: l, stage: mos-to-levels, inputs: [r], options: {range: "0:60", words: itu}}
"""
KEYS = [*pair(), "image", "mos", "id", "conversations", "from", "value", "qbuild"]
TRIES = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def workspace(tmp_path, qbuild_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Workspace(tmp_path, qbuild_cli)
    found.ratings()
    return found


@pytest.fixture
def artifact(workspace) -> bytes:
    workspace.succeeds("ingest-ratings", "toy.csv", "-o", "old.parquet")
    return (workspace.folder / "old.parquet").read_bytes()


@st.composite
def damaged(draw, valid: bytes) -> bytes:
    """A valid file that is cut off, or has bytes changed, inserted or removed; or any bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["cut", "change", "insert", "remove"])):
            case "cut":
                del data[at:]
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "insert":
                data[at:at] = draw(
                    st.sampled_from(
                        [b"\0", b'"', b"\n", b",", b"{", b"[", b"\xff", b"1e999", b"-", b"\t"]
                    )
                )
            case "remove":
                del data[at : at + draw(st.integers(1, 20))]
    return bytes(data)  # fmt: skip


def succeeds_or_reports(workspace: Workspace, *arguments: object) -> None:
    """The command ends with a documented exit code; a failure is one JSON object on stdout."""
    done = workspace.run(*arguments, "--json")
    assert done.code in CODES
    assert "Traceback" not in done.err
    assert done.out.count("\n") == 1
    if "error" in done.json:
        assert done.code > 0
        assert done.error.keys() == ERROR_KEYS
        assert done.error["code"] != "unforeseen", done.error
        assert done.error["what"]
    left = [p for p in workspace.folder.rglob(".*") if p.suffix in (".tmp", ".scratch")]
    assert left == []


@pytest.mark.parametrize(
    ("name", "valid"),
    [("t.csv", CSV), ("t.json", JSON), ("t.jsonl", JSONL), ("votes.csv", VOTES), ("t", CSV)],
)
def test_damaged_rating_files_are_reported(workspace, name, valid):
    @TRIES
    @given(damaged(valid))
    def check(data):
        workspace.write(name, data)
        succeeds_or_reports(workspace, "ingest-ratings", name, "-o", "new.parquet")

    check()


def test_damaged_records_are_reported(workspace):
    @TRIES
    @given(damaged(DIALECT))
    def check(data):
        workspace.write("t.json", data)
        succeeds_or_reports(workspace, "import-qa", "t.json", "-o", "new.parquet")

    check()


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(KEYS),
                      inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
@TRIES
def test_any_json_is_reported(workspace, value):
    workspace.write("t.json", json.dumps([value, value]).encode(errors="backslashreplace"))
    for command in ("import-qa", "ingest-ratings"):
        succeeds_or_reports(workspace, command, "t.json", "-o", "new.parquet")


def test_damaged_artifacts_are_reported(workspace, artifact):
    @TRIES
    @given(damaged(artifact))
    def check(data):
        workspace.write("odd.parquet", data)
        succeeds_or_reports(workspace, "mos-to-levels", "odd.parquet", "-o", "new.parquet")
        succeeds_or_reports(workspace, "ingest-ratings", "odd.parquet", "-o", "r.parquet")
        succeeds_or_reports(workspace, "show", "odd.parquet")
        succeeds_or_reports(workspace, "validate", "odd.parquet")

    check()


@TRIES
@given(damaged(YAML))
def test_damaged_pipelines_are_reported(workspace, data):
    workspace.write("p.yaml", data)
    succeeds_or_reports(workspace, "run", "p.yaml", "--dry-run", "--workdir", "w")


LONG = "x" * 100_000
ESCAPES = "a\x1b[31m\nb\u202e"


def test_messages_shorten_very_long_cells(workspace):
    workspace.write("t.csv", f"image,mos\n{LONG}.jpg,{LONG}\n../{LONG},1\n")
    failure = workspace.fails(
        "ingest-ratings", "t.csv", "-o", "new.parquet", code=1, kind="input",
        what="no usable row", leaves=("new.failed.parquet",),
    )  # fmt: skip
    assert len(failure.text) < 1500
    rows = pq.read_table(workspace.folder / "new.failed.parquet").to_pylist()
    assert rows[0]["value"] == LONG


def test_control_characters_in_names_are_escaped(workspace):
    name = f"{ESCAPES}.csv"
    workspace.write(name, "image,mos\n")
    failure = workspace.fails(
        "ingest-ratings", name, "-o", "new.parquet", code=1, kind="input",
        what="no row below", where=name,
    )  # fmt: skip
    assert failure.text.startswith(r"error: a\x1b[31m\nb\u202e.csv: holds no row")
    cells = workspace.ratings('"c\x1b[31m\nd.jpg",1\n')
    workspace.succeeds("ingest-ratings", cells, "-o", "new.parquet")
    (row,) = pq.read_table(workspace.folder / "new.rejected.parquet").to_pylist()
    assert row["reason"] == "unsafe-path"
    assert "\\x1b" in row["message"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")
def test_a_name_that_is_not_utf8_is_rejected(workspace):
    name = os.fsdecode(b"bad\xff.csv")
    workspace.write(name, "image,mos\na,1\n")
    for arguments in (("ingest-ratings", name, "-o", "new.parquet"), ("show", name)):
        failure = workspace.fails(*arguments, code=2, kind="usage", what="is not UTF-8")
        assert failure.error["where"] == "bad\\udcff.csv"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode_is_supported(workspace, monkeypatch, encoding):
    name = workspace.ratings(name="t\u00e9\u2192.csv").name
    for flags in ((), ("--json",)):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(
            sys, "argv", ["qbuild", "ingest-ratings", name, "-o", "n.parquet", *flags]
        )
        monkeypatch.setattr(sys, "stdout", stream)
        from qbuild.cli.main import main

        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        printed = stream.buffer.getvalue().decode(encoding)
        assert json.loads(printed)["rows"] == 60 if flags else "60 rows" in printed  # fmt: skip


def test_no_secret_of_the_environment_is_printed_or_stored(workspace, monkeypatch):
    secret = "sk-0123456789-secret"
    for name in ("OPENAI_API_KEY", "QBUILD_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, secret)

    def broken(*_):
        raise RuntimeError("unexpected")

    monkeypatch.setattr("qbuild.core.inspect.summary.summarise", broken)
    workspace.succeeds("ingest-ratings", "toy.csv", "-o", "new.parquet")
    for arguments in (
        ("doctor",),
        ("show", "new.parquet"),
        ("mos-to-levels", "none.csv", "-o", "x.parquet"),
        ("mos-to-levels", "toy.csv", "-o", "x.parquet", "--range", "x"),
        ("run", "none"),
    ):
        done = workspace.run(*arguments)
        assert secret not in done.out + done.err
    assert file_hashes(workspace.folder).keys() == {"toy.csv", "new.parquet"}
    for path in workspace.folder.iterdir():
        assert secret.encode() not in path.read_bytes()


def test_unsupported_types_in_a_parquet_table_are_rejected_per_row(workspace):
    odd = {
        "list": pa.array([[1.0], [2.0]]),
        "time": pa.array([1, 2], pa.timestamp("us")),
        "flag": pa.array([True, False]),
        "text": pa.array(["x", "9" * 400]),
        "bytes": pa.array([b"\xff", b"z"]),
    }
    for name, column in odd.items():
        pq.write_table(
            pa.table({"image": ["a", "b"], "mos": column}), workspace.folder / "t.parquet"
        )
        failure = workspace.fails(
            "ingest-ratings", "t.parquet", "-o", "new.parquet", code=1, kind="input",
            what=r"no usable row \(2 of 2 rejected: \d . not-a-number, first: t.parquet row 1: ",
            leaves=("new.failed.parquet",),
        )  # fmt: skip
        assert failure.error["where"] == "t.parquet", name
        (workspace.folder / "new.failed.parquet").unlink()
