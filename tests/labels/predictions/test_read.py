"""qbuild/labels/predictions: prediction files made elsewhere as rows."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from qbuild.core.errors import CombinedError, InputError, QbuildError, SchemaError, UsageError
from qbuild.core.schema import load_schema
from qbuild.labels.predictions import PredictionOptions, read_predictions

Q_BENCH = [
    {"img_path": "a.jpg", "gt_score": "3.5", "logit_good": 16.5, "logit_poor": 13.5},
    {"img_path": "b.jpg", "gt_score": 2, "logit_good": 14.5, "logit_poor": 16.0},
]
DOVER = "video,mos,aesthetic_raw(resize),technical_raw(fragments)\n"


def read(path, text, limit=None, **options):
    path.write_text(text)
    (found,) = read_predictions([path], PredictionOptions(**options), limit)
    rows = load_schema("prediction").cast(found.rows, "read")
    assert load_schema("prediction").check(rows).total == 0
    return rows.to_pylist(), [] if found.rejected is None else found.rejected.to_pylist()


def test_concatenated_objects_with_two_logits_are_q_bench(tmp_path):
    rows, rejected = read(tmp_path / "agi.json", "".join(map(json.dumps, Q_BENCH)))
    assert rejected == []
    assert {name: value for name, value in rows[0].items() if name != "sample_id"} == {
        "media_id": "agi:a.jpg", "path": "a.jpg", "backend": "file", "model": "predictions",
        "words": ["poor", "good"], "logits": [13.5, 16.5], "temperature": 100.0, "score": None,
        "raw_score": None, "answer": None, "mos": 3.5, "sha256": None, "source_file": "agi.json",
        "source_row": 1,
    }  # fmt: skip


def test_the_branches_of_dover_are_fused_after_z_scores(tmp_path):
    text = DOVER + "v/a.mp4,1,0.1,10\nv/b.mp4,2,0.3,30\n"
    rows, _ = read(tmp_path / "konvid.csv", text, model="dover", dataset="KoNViD:1k")
    assert [row["raw_score"] for row in rows] == pytest.approx([-1, 1])
    assert [row["media_id"] for row in rows] == ["KoNViD%3A1k:v/a.mp4", "KoNViD%3A1k:v/b.mp4"]
    assert {row["model"] for row in rows} == {"dover"}
    rows, _ = read(
        tmp_path / "konvid.csv", text + "v/c.mp4,3,0.3,x\n"
    )  # z-scores over complete rows
    assert [row["raw_score"] for row in rows] == pytest.approx([-1, 1])


def test_one_branch_can_be_read_without_the_others(tmp_path):
    text = DOVER + "v/a.mp4,1,0.1,10\nv/b.mp4,2,0.3,30\n"
    rows, _ = read(tmp_path / "k.csv", text, columns="score=aesthetic_raw(resize)")
    assert [row["score"] for row in rows] == [0.1, 0.3]


@pytest.mark.parametrize(("values", "column"), [("0,1,0.5", "score"), ("1,3,2.5", "raw_score")])
def test_scores_of_a_file_are_on_0_to_1_or_on_their_own_scale(tmp_path, values, column):
    lines = [f"{at}.png,{value}" for at, value in enumerate(values.split(","))]
    rows, _ = read(tmp_path / "p.csv", "\n".join(["image,pred", *lines]))
    assert [row[column] for row in rows] == [float(value) for value in values.split(",")]
    other = {"score": "raw_score", "raw_score": "score"}[column]
    assert {row[other] for row in rows} == {None}
    assert {row["mos"] for row in rows} == {None}


def test_logits_of_levels_are_sorted_worst_to_best(tmp_path):
    logits = {"excellent": 5, "good": 4, "fair": 3, "poor": 2, "bad": 1}
    record = {"img_path": "a.jpg", "gt_score": 3, "logits": logits}
    rows, _ = read(tmp_path / "p.json", json.dumps([record]))
    assert rows[0]["words"] == ["bad", "poor", "fair", "good", "excellent"]
    assert rows[0]["logits"] == [1, 2, 3, 4, 5]
    assert rows[0]["temperature"] is None


def test_words_other_than_levels_are_in_the_order_given(tmp_path):
    text = "path,logit_no,logit_yes\na.jpg,1,2\n"
    rows, _ = read(tmp_path / "p.csv", text, words="yes,no")
    assert (rows[0]["words"], rows[0]["logits"]) == (["yes", "no"], [2, 1])
    with pytest.raises(SchemaError, match="order of the words of its logits is not known: no, yes"):
        read(tmp_path / "p.csv", text)
    with pytest.raises(SchemaError, match="has no logit of perhaps"):
        read(tmp_path / "p.csv", text, words="yes,perhaps")


def test_rows_that_cannot_be_used_are_kept_with_their_reason(tmp_path):
    text = "path,pred,mos\na.jpg,0.5,3\n../b.jpg,0.5,3\n,0.5,3\nd.jpg,x,3\ne.jpg,,3\nf.jpg,inf,3\n"
    rows, rejected = read(tmp_path / "p.csv", text + "g.jpg,0.7,?\nh.jpg,0.2,\n")
    assert [row["path"] for row in rows] == ["a.jpg", "h.jpg"]
    assert [row["mos"] for row in rows] == [3, None]
    assert [(row["row"], row["reason"]) for row in rejected] == [
        (2, "unsafe-path"), (3, "missing-path"), (4, "not-a-number"), (5, "missing-score"),
        (6, "not-finite"), (7, "not-a-number"),
    ]  # fmt: skip
    assert {row["source"] for row in rejected} == {"p.csv"}
    assert json.loads(rejected[0]["record"]) == {"path": "../b.jpg", "pred": "0.5", "mos": "3"}


def test_a_row_without_a_logit_is_rejected(tmp_path):
    records = [Q_BENCH[0], {**Q_BENCH[1], "logit_good": None}]
    rows, rejected = read(tmp_path / "p.json", json.dumps(records))
    assert len(rows) == 1
    assert [(row["row"], row["column"]) for row in rejected] == [(2, "logit_good")]


def test_prefixes_change_the_paths(tmp_path):
    text = "path,pred\nold/a.jpg,0.5\n"
    rows, _ = read(tmp_path / "p.csv", text, strip_prefix="old/", add_prefix="new/")
    assert rows[0]["media_id"] == "p:new/a.jpg"
    with pytest.raises(UsageError, match="no path begins with 'other/'"):
        read(tmp_path / "p.csv", text, strip_prefix="other/")


def test_a_limit_takes_the_first_usable_rows_of_all_files(tmp_path):
    for name in ("a", "b"):
        lines = ["path,pred", "0.jpg,x", "1.jpg,0.1", "2.jpg,0.2", "3.jpg,x"]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    found = list(read_predictions(paths, PredictionOptions(), 3))
    assert [one.rows.num_rows for one in found] == [2, 1]
    assert [one.rejected.num_rows for one in found] == [2, 1]
    assert len(list(read_predictions(paths, PredictionOptions(), 2))) == 1


@pytest.mark.parametrize(
    ("text", "options", "error", "what"),
    [
        ("path,quality\na,1\n", {}, SchemaError, "no column of scores or logits among"),
        ("who,pred\na,1\n", {}, SchemaError, "no column for path"),
        ("path,pred\na,1\n", {"form": "dover"}, SchemaError, "lacks aesthetic_raw"),
        ("path,pred,output\na,1,2\n", {}, SchemaError, "several columns could be score"),
        (DOVER + "a,1,2,3\nb,1,2,4\n", {}, InputError, "all values of aesthetic_raw.* are equal"),
        ("path,pred\n", {}, InputError, "holds no row"),
        ('[{"img_path": ', {}, InputError, "p.csv"),
    ],
)
def test_files_that_are_not_predictions_are_errors(tmp_path, text, options, error, what):
    with pytest.raises(error, match=what):
        read(tmp_path / "p.csv", text, **options)


def test_the_errors_of_all_files_are_raised_together(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("path,quality\na,1\n")
    with pytest.raises(CombinedError) as raised:
        list(read_predictions([tmp_path / "a.csv", tmp_path / "b.csv"], PredictionOptions()))
    assert all(isinstance(one, QbuildError) for one in raised.value.problems)
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    "options",
    [{"columns": "score"}, {"columns": "a=b,a=c"}, {"words": "good"}, {"words": "a,a"}],
)
def test_options_without_effect_are_errors(options):
    with pytest.raises(ValidationError):
        PredictionOptions(**options)
