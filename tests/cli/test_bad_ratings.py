"""Bad rating files: which fail, and which have rows that are rejected and kept."""

from __future__ import annotations

import json

import pytest
from failing import HEADER, ROWS, Workspace
from running import rows_of

from qbuild.core.artifact.reader import Artifact


@pytest.fixture
def workspace(tmp_path, qbuild_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Workspace(tmp_path, qbuild_cli)
    found.succeeds("ingest-ratings", found.ratings(name="good.csv"), "-o", "old.parquet")
    return found


def ingest_fails(workspace, file, **expected):
    return workspace.fails("ingest-ratings", file.name, "-o", "old.parquet", **expected)


def test_a_missing_file(workspace):
    failure = workspace.fails(
        "mos-to-levels", "none.csv", "-o", "old.parquet", code=1, kind="input",
        what="no such file", where="none.csv",
    )  # fmt: skip
    assert failure.text == "error: none.csv: no such file; expected an input. Check the path.\n"


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet", "xlsx"])
@pytest.mark.parametrize("command", ["ingest-ratings", "mos-to-levels", "import-qa", "scoring-qa"])
def test_an_empty_file(workspace, command, suffix):
    name = workspace.write(f"e.{suffix}", "").name
    workspace.fails(
        command, name, "-o", "old.parquet", code=1, kind="input",
        what="the file is empty", where=name,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("h.csv", HEADER, "no row below its header"),
        ("h.json", "[]", "holds no record"),
        ("h.jsonl", "\n", "holds no record"),
        ("blank.csv", "\n\n\n", "no known layout fits"),
    ],
)
def test_a_file_without_rows(workspace, name, text, what):
    assert ingest_fails(
        workspace, workspace.write(name, text), code=1, kind="input", what=what
    ).error["todo"]


def test_a_missing_column_lists_near_names(workspace):
    one = workspace.write("t.csv", "image,moss\n" + ROWS)
    failure = ingest_fails(
        workspace, one, code=3, kind="schema", what="no column for mos among 'image', 'moss'"
    )
    assert "Did you mean moss?" in failure.error["todo"]
    both = workspace.write("b.csv", "imge,moss\n" + ROWS)
    failure = ingest_fails(
        workspace, both, code=3, kind="schema", what="no known layout fits: .*'imge'"
    )
    assert "Did you mean imge, moss?" in failure.error["todo"]
    other = ["--columns", "path=imag,mos=mo"]
    failure = workspace.fails(
        "ingest-ratings", "good.csv", "-o", "old.parquet", *other,
        code=3, kind="schema", what="no column is named 'imag' .*1 more", where="good.csv",
    )  # fmt: skip
    assert failure.text.count("\n") == 2


def test_a_few_invalid_scores_are_rejected_and_kept(workspace):
    file = workspace.ratings("x1.jpg,abc\nx2.jpg,\nx3.jpg,nan\n")
    workspace.succeeds("ingest-ratings", file.name, "-o", "new.parquet")
    rows = rows_of(workspace.folder / "new.rejected.parquet")
    assert [(r["source"], r["row"], r["reason"], r["value"]) for r in rows] == [
        ("toy.csv", 61, "not-a-number", "abc"),
        ("toy.csv", 62, "missing-score", ""),
        ("toy.csv", 63, "missing-score", "nan"),
    ]
    assert json.loads(rows[0]["record"]) == {"image": "x1.jpg", "mos": "abc"}


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e999"])
def test_an_infinite_score_is_rejected_with_its_value(workspace, text):
    workspace.succeeds("mos-to-levels", workspace.ratings(f"x.jpg,{text}\n"), "-o", "new.parquet")
    (row,) = rows_of(workspace.folder / "new.rejected.parquet")
    assert (row["reason"], row["value"], row["row"]) == ("not-finite", text, 61)


def test_too_many_invalid_scores_fail_the_run_and_are_kept(workspace):
    file = workspace.ratings("x1.jpg,abc\nx2.jpg,\nx3.jpg,inf\nx4.jpg,n/a\n")
    failure = ingest_fails(
        workspace, file, code=1, kind="rejected", where="toy.csv", leaves=("old.failed.parquet",),
        what=r"4 of 64 rows rejected \(\d . .*not-a-number, first: toy.csv row 61: 'abc' is not a",
    )  # fmt: skip
    assert "qbuild show old.failed.parquet" in failure.error["todo"]
    assert "--max-reject-share" in failure.error["todo"]
    assert len(rows_of(workspace.folder / "old.failed.parquet")) == 4


@pytest.mark.parametrize("command", ["ingest-ratings", "mos-to-levels"])
def test_a_file_without_a_usable_row_keeps_every_reason(workspace, command):
    workspace.write("bad.csv", HEADER + "a.jpg,x\nb.jpg,\n../c.jpg,1\nd.jpg,y\n")
    workspace.fails(
        command, "bad.csv", "-o", "old.parquet", code=1, kind="input",
        what=r"no usable row \(4 of 4 rejected: \d . not-a-number, first: bad.csv row 1: .* unsafe",
        leaves=("old.failed.parquet",),
    )  # fmt: skip
    assert len(rows_of(workspace.folder / "old.failed.parquet")) == 4


def test_constant_scores_have_no_range(workspace):
    workspace.write("flat.csv", HEADER + "".join(f"{n}.jpg,5\n" for n in range(9)))
    failure = workspace.fails(
        "mos-to-levels", "flat.csv", "-o", "old.parquet",
        code=1, kind="input", where="flat", what=r"all scores are equal \(5\)",
    )  # fmt: skip
    assert "--range LOW:HIGH" in failure.error["todo"]


def test_scores_too_far_apart_have_no_range(workspace):
    workspace.write("far.csv", HEADER + "a.jpg,-1e308\nb.jpg,1e308\n")
    workspace.fails(
        "mos-to-levels", "far.csv", "-o", "old.parquet",
        code=1, kind="input", where="far", what="1e.308 span more than a number can hold",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value"),
    [("--range", text) for text in ("5:5", "7:3", "a:b", ":", "1:", "nan:1", "1:inf", "-1:1e400",
                                    "trimmed:", "trimmed:0.5", "trimmed:x", "obs")]
    + [("--columns", text) for text in ("path", "=", "path=", "=mos", ",", "path=image,,mos=mos",
                                        "path=image,path=mos", "pth=image")]
    + [(name, text) for name in ("--licence", "--source") for text in ("", "=", "=x", "toy=",
                                                                       "none=x")],
)  # fmt: skip
def test_an_invalid_option_is_reported_with_its_value(workspace, option, value):
    workspace.ratings()
    failure = workspace.fails(
        "mos-to-levels", "toy.csv", "-o", "old.parquet", f"{option}={value}",
        code=2, kind="usage", where=option, what=".",
    )  # fmt: skip
    assert repr(value.split("=")[0])[1:-1] in failure.text


def test_a_duplicate_collapses_and_a_conflict_rejects_all_its_rows(workspace):
    file = workspace.ratings("g1.jpg,1\ng2.jpg,99\n")
    done = workspace.succeeds("ingest-ratings", file, "-o", "new.parquet", "--json").json
    assert (done["rows"], done["rejected"], done["collapsed"]) == (59, 2, 1)
    rows = rows_of(workspace.folder / "new.rejected.parquet")
    assert [(r["row"], r["reason"], r["column"]) for r in rows] == [
        (3, "conflict", "mos"),
        (62, "conflict", "mos"),
    ]
    assert rows[0]["message"] == "the same media has another mos in toy.csv row 62"


def test_a_score_outside_the_declared_range_is_rejected_with_the_range(workspace):
    lines = "".join(f"g{n}.jpg,{n / 12},0,5\n" for n in range(60))
    workspace.write("d.csv", "image,mos,scale_low,scale_high\n" + lines + "y.jpg,5.5,0,5\n")
    workspace.succeeds("mos-to-levels", "d.csv", "-o", "new.parquet", "--range", "declared")
    (row,) = rows_of(workspace.folder / "new.rejected.parquet")
    assert (row["reason"], row["row"], row["value"]) == ("outside-range", 61, "5.5")
    assert row["message"] == "mos 5.5 lies outside [0, 5] of d"


UNSAFE = [
    "../u.jpg",
    "/abs.jpg",
    "C:\\w\\x.jpg",
    "C:/x.jpg",
    "a\\b.jpg",
    "a/../b.jpg",
    "http://h/x",
]


def test_paths_that_leave_their_root_are_rejected_and_names_with_two_dots_kept(workspace):
    kept = ["a..b.jpg", "..hidden.jpg", "v...mp4", "d..d/e.jpg"]
    file = workspace.ratings("".join(f"{path},1\n" for path in UNSAFE + kept))
    workspace.succeeds("ingest-ratings", file, "-o", "new.parquet", "--max-reject-share", "0.2")
    rows = rows_of(workspace.folder / "new.rejected.parquet")
    assert [(r["reason"], r["value"]) for r in rows] == [("unsafe-path", path) for path in UNSAFE]
    paths = (
        Artifact.open(workspace.folder / "new.parquet").table(["path"]).column("path").to_pylist()
    )
    assert paths[60:] == kept


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("image,mos\na,1\nb,2,3\n", 1, "line 3 has 3 cells where the first line has 2"),
        ('image,mos\na,1\n"b,2\n', 1, "quotation mark that opens a cell in row 2 is not closed"),
        ('"x,y\na,1\n', 1, "no known layout fits: the first row holds 'x,y'"),
        ("image,mos,mos\na,1,2\n", 3, "several columns could be mos: mos, mos"),
        ("image,image,mos\na,a,2\n", 3, "several columns could be path: image, image"),
        ("image,mos\na\0,1\n", 1, "byte 0x00 at offset 11 is not text"),
    ],
)
def test_an_invalid_table(workspace, text, code, what):
    file = workspace.write("t.csv", text)
    ingest_fails(
        workspace, file, code=code, kind={1: "input", 3: "schema"}[code], what=what, where="t.csv"
    )


def test_a_row_without_a_score_is_rejected(workspace):
    workspace.write("t.csv", "image,mos,x\n" + ROWS.replace("\n", ",1\n") + "short.jpg\n")
    workspace.succeeds("ingest-ratings", "t.csv", "-o", "new.parquet")
    (row,) = rows_of(workspace.folder / "new.rejected.parquet")
    assert (row["row"], row["reason"]) == (61, "missing-score")
