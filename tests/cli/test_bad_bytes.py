"""Whatever the bytes: a code of the table and a worded error, on one line, without secrets."""

from __future__ import annotations

import io
import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pairs import pair
from refusal import PARTS, Place, tree

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
def place(tmp_path, qbuild_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Place(tmp_path, qbuild_cli)
    found.ratings()
    return found


@pytest.fixture
def artifact(place) -> bytes:
    place.makes("ingest-ratings", "toy.csv", "-o", "old.parquet")
    return (place.folder / "old.parquet").read_bytes()


@st.composite
def spoilt(draw, good: bytes) -> bytes:
    """A good file cut off, with some bytes changed, put in or taken out; or any bytes at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["cut", "change", "put", "take"])):
            case "cut":
                del data[at:]
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "put":
                data[at:at] = draw(
                    st.sampled_from(
                        [b"\0", b'"', b"\n", b",", b"{", b"[", b"\xff", b"1e999", b"-", b"\t"]
                    )
                )
            case "take":
                del data[at : at + draw(st.integers(1, 20))]
    return bytes(data)  # fmt: skip


def ends_well_or_worded(place: Place, *arguments: object) -> None:
    """The command ends with a code of the table; a refusal is one worded object on stdout."""
    done = place.run(*arguments, "--json")
    assert done.code in CODES
    assert "Traceback" not in done.err
    assert done.out.count("\n") == 1
    if "error" in done.json:
        assert done.code > 0
        assert done.error.keys() == PARTS
        assert done.error["code"] != "unforeseen", done.error
        assert done.error["what"]
    left = [p for p in place.folder.rglob(".*") if p.suffix in (".tmp", ".scratch")]
    assert left == []


@pytest.mark.parametrize(
    ("name", "good"),
    [("t.csv", CSV), ("t.json", JSON), ("t.jsonl", JSONL), ("votes.csv", VOTES), ("t", CSV)],
)
def test_spoilt_rating_files_end_worded(place, name, good):
    @TRIES
    @given(spoilt(good))
    def tried(data):
        place.write(name, data)
        ends_well_or_worded(place, "ingest-ratings", name, "-o", "new.parquet")

    tried()


def test_spoilt_records_end_worded(place):
    @TRIES
    @given(spoilt(DIALECT))
    def tried(data):
        place.write("t.json", data)
        ends_well_or_worded(place, "import-qa", "t.json", "-o", "new.parquet")

    tried()


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(KEYS),
                      inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
@TRIES
def test_any_json_ends_worded(place, value):
    place.write("t.json", json.dumps([value, value]).encode(errors="backslashreplace"))
    for command in ("import-qa", "ingest-ratings"):
        ends_well_or_worded(place, command, "t.json", "-o", "new.parquet")


def test_spoilt_artifacts_end_worded(place, artifact):
    @TRIES
    @given(spoilt(artifact))
    def tried(data):
        place.write("odd.parquet", data)
        ends_well_or_worded(place, "mos-to-levels", "odd.parquet", "-o", "new.parquet")
        ends_well_or_worded(place, "ingest-ratings", "odd.parquet", "-o", "r.parquet")
        ends_well_or_worded(place, "show", "odd.parquet")
        ends_well_or_worded(place, "validate", "odd.parquet")

    tried()


@TRIES
@given(spoilt(YAML))
def test_spoilt_pipelines_end_worded(place, data):
    place.write("p.yaml", data)
    ends_well_or_worded(place, "run", "p.yaml", "--dry-run", "--workdir", "w")


LONG = "x" * 100_000
ESCAPES = "a\x1b[31m\nb\u202e"


def test_very_long_cells_make_no_long_message(place):
    place.write("t.csv", f"image,mos\n{LONG}.jpg,{LONG}\n../{LONG},1\n")
    told = place.refuses(
        "ingest-ratings", "t.csv", "-o", "new.parquet", code=1, kind="input",
        what="no usable row", leaves=("new.failed.parquet",),
    )  # fmt: skip
    assert len(told.text) < 1500
    rows = pq.read_table(place.folder / "new.failed.parquet").to_pylist()
    assert rows[0]["value"] == LONG


def test_control_signs_in_names_stay_on_the_line(place):
    name = f"{ESCAPES}.csv"
    place.write(name, "image,mos\n")
    told = place.refuses(
        "ingest-ratings", name, "-o", "new.parquet", code=1, kind="input",
        what="no row below", where=name,
    )  # fmt: skip
    assert told.text.startswith(r"error: a\x1b[31m\nb\u202e.csv: holds no row")
    cells = place.ratings('"c\x1b[31m\nd.jpg",1\n')
    place.makes("ingest-ratings", cells, "-o", "new.parquet")
    (row,) = pq.read_table(place.folder / "new.rejected.parquet").to_pylist()
    assert row["reason"] == "unsafe-path"
    assert "\\x1b" in row["message"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps such names")
def test_a_name_that_is_no_utf8_is_refused(place):
    name = os.fsdecode(b"bad\xff.csv")
    place.write(name, "image,mos\na,1\n")
    for arguments in (("ingest-ratings", name, "-o", "new.parquet"), ("show", name)):
        told = place.refuses(*arguments, code=2, kind="usage", what="is not UTF-8")
        assert told.error["where"] == "bad\\udcff.csv"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_knows_few_signs_is_no_failure(place, monkeypatch, encoding):
    name = place.ratings(name="t\u00e9\u2192.csv").name
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
        said = stream.buffer.getvalue().decode(encoding)
        assert json.loads(said)["rows"] == 60 if flags else "60 rows" in said  # fmt: skip


def test_no_secret_of_the_environment_is_printed_or_kept(place, monkeypatch):
    secret = "sk-0123456789-secret"
    for name in ("OPENAI_API_KEY", "QBUILD_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, secret)

    def broken(*_):
        raise RuntimeError("out of words")

    monkeypatch.setattr("qbuild.core.inspect.summary.view", broken)
    place.makes("ingest-ratings", "toy.csv", "-o", "new.parquet")
    for arguments in (
        ("doctor",),
        ("show", "new.parquet"),
        ("mos-to-levels", "none.csv", "-o", "x.parquet"),
        ("mos-to-levels", "toy.csv", "-o", "x.parquet", "--range", "x"),
        ("run", "none"),
    ):
        done = place.run(*arguments)
        assert secret not in done.out + done.err
    assert tree(place.folder).keys() == {"toy.csv", "new.parquet"}
    for path in place.folder.iterdir():
        assert secret.encode() not in path.read_bytes()


def test_odd_types_in_a_parquet_table_are_rejected_row_by_row(place):
    odd = {
        "list": pa.array([[1.0], [2.0]]),
        "time": pa.array([1, 2], pa.timestamp("us")),
        "flag": pa.array([True, False]),
        "text": pa.array(["x", "9" * 400]),
        "bytes": pa.array([b"\xff", b"z"]),
    }
    for name, column in odd.items():
        pq.write_table(pa.table({"image": ["a", "b"], "mos": column}), place.folder / "t.parquet")
        told = place.refuses(
            "ingest-ratings", "t.parquet", "-o", "new.parquet", code=1, kind="input",
            what=r"no usable row \(2 of 2 rejected: \d . not-a-number, first: t.parquet row 1: ",
            leaves=("new.failed.parquet",),
        )  # fmt: skip
        assert told.error["where"] == "t.parquet", name
        (place.folder / "new.failed.parquet").unlink()
