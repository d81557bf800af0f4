"""Bad rating files at the command line: what is refused, what is rejected and kept."""

from __future__ import annotations

import json

import pytest
from refusal import HEADER, ROWS, Place

from qbuild.core.artifact.reader import Artifact


@pytest.fixture
def place(tmp_path, qbuild_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Place(tmp_path, qbuild_cli)
    found.makes("ingest-ratings", found.ratings(name="good.csv"), "-o", "old.parquet")
    return found


def rejected(path) -> list[dict]:
    return Artifact.open(path).table().to_pylist()


def refuses(place, file, **said):
    return place.refuses("ingest-ratings", file.name, "-o", "old.parquet", **said)


def test_a_missing_file(place):
    told = place.refuses(
        "mos-to-levels", "none.csv", "-o", "old.parquet", code=1, kind="input",
        what="no such file", where="none.csv",
    )  # fmt: skip
    assert told.text == "error: none.csv: no such file; expected an input. Check the path.\n"


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet", "xlsx"])
@pytest.mark.parametrize("command", ["ingest-ratings", "mos-to-levels", "import-qa", "scoring-qa"])
def test_an_empty_file(place, command, suffix):
    name = place.write(f"e.{suffix}", "").name
    place.refuses(
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
def test_zero_rows(place, name, text, what):
    assert refuses(place, place.write(name, text), code=1, kind="input", what=what).error["todo"]


def test_a_column_missing_lists_the_near_names(place):
    one = place.write("t.csv", "image,moss\n" + ROWS)
    told = refuses(
        place, one, code=3, kind="schema", what="no column for mos among 'image', 'moss'"
    )
    assert "Did you mean moss?" in told.error["todo"]
    both = place.write("b.csv", "imge,moss\n" + ROWS)
    told = refuses(place, both, code=3, kind="schema", what="no known layout fits: .*'imge'")
    assert "Did you mean imge, moss?" in told.error["todo"]
    other = ["--columns", "path=imag,mos=mo"]
    told = place.refuses(
        "ingest-ratings", "good.csv", "-o", "old.parquet", *other,
        code=3, kind="schema", what="no column is named 'imag' .*1 more", where="good.csv",
    )  # fmt: skip
    assert told.text.count("\n") == 2


def test_single_bad_scores_among_good_ones_are_rejected_and_kept(place):
    file = place.ratings("x1.jpg,abc\nx2.jpg,\nx3.jpg,nan\n")
    place.makes("ingest-ratings", file.name, "-o", "new.parquet")
    rows = rejected(place.folder / "new.rejected.parquet")
    assert [(r["source"], r["row"], r["reason"], r["value"]) for r in rows] == [
        ("toy.csv", 61, "not-a-number", "abc"),
        ("toy.csv", 62, "missing-score", ""),
        ("toy.csv", 63, "missing-score", "nan"),
    ]
    assert json.loads(rows[0]["record"]) == {"image": "x1.jpg", "mos": "abc"}


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e999"])
def test_an_infinite_score_is_rejected_with_its_value(place, text):
    place.makes("mos-to-levels", place.ratings(f"x.jpg,{text}\n"), "-o", "new.parquet")
    (row,) = rejected(place.folder / "new.rejected.parquet")
    assert (row["reason"], row["value"], row["row"]) == ("not-finite", text, 61)


def test_too_many_bad_scores_end_the_run_and_are_kept(place):
    file = place.ratings("x1.jpg,abc\nx2.jpg,\nx3.jpg,inf\nx4.jpg,n/a\n")
    told = refuses(
        place, file, code=1, kind="rejected", where="toy.csv", leaves=("old.failed.parquet",),
        what=r"4 of 64 rows rejected \(\d . .*not-a-number, first: toy.csv row 61: 'abc' is not a",
    )  # fmt: skip
    assert "qbuild show old.failed.parquet" in told.error["todo"]
    assert "--max-reject-share" in told.error["todo"]
    assert len(rejected(place.folder / "old.failed.parquet")) == 4


@pytest.mark.parametrize("command", ["ingest-ratings", "mos-to-levels"])
def test_a_file_without_a_usable_row_keeps_every_reason(place, command):
    place.write("bad.csv", HEADER + "a.jpg,x\nb.jpg,\n../c.jpg,1\nd.jpg,y\n")
    place.refuses(
        command, "bad.csv", "-o", "old.parquet", code=1, kind="input",
        what=r"no usable row \(4 of 4 rejected: \d . not-a-number, first: bad.csv row 1: .* unsafe",
        leaves=("old.failed.parquet",),
    )  # fmt: skip
    assert len(rejected(place.folder / "old.failed.parquet")) == 4


def test_constant_scores_have_no_range(place):
    place.write("flat.csv", HEADER + "".join(f"{n}.jpg,5\n" for n in range(9)))
    told = place.refuses(
        "mos-to-levels", "flat.csv", "-o", "old.parquet",
        code=1, kind="input", where="flat", what=r"all scores are equal \(5\)",
    )  # fmt: skip
    assert "--range LOW:HIGH" in told.error["todo"]


def test_scores_too_far_apart_have_no_range(place):
    place.write("far.csv", HEADER + "a.jpg,-1e308\nb.jpg,1e308\n")
    place.refuses(
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
def test_a_malformed_option_names_itself_and_its_value(place, option, value):
    place.ratings()
    told = place.refuses(
        "mos-to-levels", "toy.csv", "-o", "old.parquet", f"{option}={value}",
        code=2, kind="usage", where=option, what=".",
    )  # fmt: skip
    assert repr(value.split("=")[0])[1:-1] in told.text


def test_a_duplicate_collapses_and_a_conflict_rejects_all_its_rows(place):
    file = place.ratings("g1.jpg,1\ng2.jpg,99\n")
    done = place.makes("ingest-ratings", file, "-o", "new.parquet", "--json").json
    assert (done["rows"], done["rejected"], done["collapsed"]) == (59, 2, 1)
    rows = rejected(place.folder / "new.rejected.parquet")
    assert [(r["row"], r["reason"], r["column"]) for r in rows] == [
        (3, "conflict", "mos"),
        (62, "conflict", "mos"),
    ]
    assert rows[0]["message"] == "the same media has another mos in toy.csv row 62"


def test_a_score_outside_the_declared_range_is_rejected_with_the_range(place):
    lines = "".join(f"g{n}.jpg,{n / 12},0,5\n" for n in range(60))
    place.write("d.csv", "image,mos,scale_low,scale_high\n" + lines + "y.jpg,5.5,0,5\n")
    place.makes("mos-to-levels", "d.csv", "-o", "new.parquet", "--range", "declared")
    (row,) = rejected(place.folder / "new.rejected.parquet")
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


def test_paths_that_leave_their_root_are_rejected_and_names_with_two_dots_kept(place):
    kept = ["a..b.jpg", "..hidden.jpg", "v...mp4", "d..d/e.jpg"]
    file = place.ratings("".join(f"{path},1\n" for path in UNSAFE + kept))
    place.makes("ingest-ratings", file, "-o", "new.parquet", "--max-reject-share", "0.2")
    rows = rejected(place.folder / "new.rejected.parquet")
    assert [(r["reason"], r["value"]) for r in rows] == [("unsafe-path", path) for path in UNSAFE]
    paths = Artifact.open(place.folder / "new.parquet").table(["path"]).column("path").to_pylist()
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
def test_a_table_that_is_no_table(place, text, code, what):
    file = place.write("t.csv", text)
    refuses(place, file, code=code, kind={1: "input", 3: "schema"}[code], what=what, where="t.csv")


def test_a_short_row_is_rejected_for_the_score_it_lacks(place):
    place.write("t.csv", "image,mos,x\n" + ROWS.replace("\n", ",1\n") + "short.jpg\n")
    place.makes("ingest-ratings", "t.csv", "-o", "new.parquet")
    (row,) = rejected(place.folder / "new.rejected.parquet")
    assert (row["row"], row["reason"]) == (61, "missing-score")
