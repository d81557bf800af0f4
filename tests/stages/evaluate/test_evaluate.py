"""qbuild/stages/evaluate/__init__.py: predictions held against opinion scores."""

from __future__ import annotations

import json
from types import SimpleNamespace

import distorted
import numpy as np
import predicted
import pyarrow as pa
import pytest
import tables
from PIL import Image
from predicted import ids, levels, points, predictions, ratings
from pydantic import ValidationError
from running import rejected_of, rows_of, run_stage
from scipy.stats import kendalltau, pearsonr, spearmanr
from trained import record_training

from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import CombinedError, InputError, TooManyRejectedError, UsageError
from qbuild.quality.lineage import UNKNOWN, write_trained_on
from qbuild.stages.evaluate import STAGE
from qbuild.stages.evaluate.options import EvaluateOptions


def evaluate(tmp_path, *paths, name="m", scatter="", **options):
    """Runs the stage; rows by (name, dataset, group, model), report, rejected rows."""
    output = tmp_path / f"{name}.parquet"
    given = {"bootstrap": 0, "share": 0.05, "scatter": str(scatter), **options}
    result = run_stage(STAGE, paths, output, **given)
    return SimpleNamespace(
        output=output,
        report=result.report,
        json=result.as_dict(),
        datasets={(d["dataset"], d["group"]): d for d in result.report["datasets"]},
        rows={(r["name"], r["dataset"], r["group"], r["model"]): r for r in rows_of(output)},
        rejected=rejected_of(output),
        text=STAGE.render(result.report),
    )


@pytest.fixture
def pair(tmp_path):
    """Predictions of 80 media of one dataset, and their ratings on 1 to 5."""
    x, y = points(80)
    scale = {"scale_low": [1.0] * 80, "scale_high": [5.0] * 80}
    return (
        predictions(tmp_path / "p.parquet", ids(80), x),
        ratings(tmp_path / "r.parquet", ids(80), y, **scale),
    )


# ---- figures


def test_the_metrics_equal_scipys(tmp_path, pair):
    x, y = points(80)
    done = evaluate(tmp_path, *pair)
    assert done.json["rows"] == 80
    assert done.json["srcc"] == pytest.approx(spearmanr(x, y).statistic)
    assert done.json["plcc"] == pytest.approx(pearsonr(x, y).statistic)
    assert done.json["krcc"] == pytest.approx(kendalltau(x, y).statistic)
    assert done.json["rmse"] == pytest.approx(np.sqrt(np.mean((1 + 4 * x - y) ** 2)))
    assert done.json["plcc_mapped"] >= done.json["plcc"]
    assert done.json["rmse_mapped"] < done.json["rmse"]
    assert {key[0] for key in done.rows} == {
        "srcc", "plcc", "krcc", "rmse", "plcc_mapped", "rmse_mapped"
    }  # fmt: skip
    one = done.rows["srcc", "d", None, "tiny"]
    assert (one["value"], one["rows"], one["low"]) == (done.json["srcc"], 80, None)
    assert done.json["datasets"][0]["srcc"] == done.json["srcc"]


def test_logits_are_read_at_the_temperature_of_their_row_or_the_given_one(tmp_path, pair):
    logits = np.random.default_rng(0).normal(size=(80, 5)) * 3
    words = [["bad", "poor", "fair", "good", "excellent"]] * 80
    cells = {"words": words, "logits": pa.array(list(logits)), "temperature": [2.0] * 80}
    given = predicted.prediction_table(ids(80), **cells)
    path = tables.write_artifact(tmp_path / "l.parquet", given, "prediction", "score")
    for temperature, asked in ((2.0, {}), (7.0, {"temperature": 7})):
        shares = np.exp(logits / temperature)
        expected = (shares / shares.sum(1, keepdims=True)) @ np.linspace(0, 1, 5)
        done = evaluate(tmp_path, path, pair[1], **asked)
        assert done.json["plcc"] == pytest.approx(pearsonr(expected, points(80)[1]).statistic)


def test_rmse_without_a_declared_scale_is_left_out_with_its_reason(tmp_path, pair):
    bare = ratings(tmp_path / "bare.parquet", ids(80), points(80)[1])
    done = evaluate(tmp_path, pair[0], bare)
    assert done.json["rmse"] is None
    assert "not declared" in done.datasets["d", None]["undefined"]["rmse"]
    assert ("rmse", "d", None, "tiny") not in done.rows
    assert done.json["rmse_mapped"] < 1


def test_opinion_scores_on_0_to_1_are_compared_with_scores_as_they_are(tmp_path, pair):
    x, y = points(80)
    unit = ratings(tmp_path / "unit.parquet", ids(80), (y - 1) / 4)
    expected = np.sqrt(np.mean((x - (y - 1) / 4) ** 2))
    assert evaluate(tmp_path, pair[0], unit).json["rmse"] == pytest.approx(expected)


def test_scores_on_a_scale_of_their_own_are_compared_as_they_are(tmp_path, pair):
    given = predicted.prediction_table(ids(80), raw_score=points(80)[1] + 0.25)
    path = tables.write_artifact(tmp_path / "o.parquet", given, "prediction", "score")
    assert evaluate(tmp_path, path, pair[1]).json["rmse"] == pytest.approx(0.25)


def test_levels_give_mos_or_the_score_on_0_to_100(tmp_path, pair):
    x, y = points(80)
    norm = np.clip(25 * (y - 1) ** 1.1, 0, 100)
    given = levels(tmp_path / "l.parquet", ids(80), y, norm)
    raw = evaluate(tmp_path, pair[0], given)
    assert raw.json["plcc"] == pytest.approx(pearsonr(x, y).statistic)
    done = evaluate(tmp_path, pair[0], given, scale="norm")
    assert done.json["plcc"] == pytest.approx(pearsonr(x, norm).statistic)
    assert done.json["rmse"] == pytest.approx(np.sqrt(np.mean((100 * x - norm) ** 2)))


@pytest.fixture
def two(tmp_path):
    """Predictions of 80 media of `d` and 40 of `e`, with levels of both."""
    media = [*ids(80), *ids(40, "e")]
    (x, y), (u, v) = points(80), points(40, 1)
    norm = 25 * (np.concatenate([y, v]) - 1)
    return (
        predictions(tmp_path / "p.parquet", media, np.concatenate([x, u])),
        levels(tmp_path / "l.parquet", media, np.concatenate([y, 20 * v]), norm),
    )


def test_the_overall_figure_is_the_mean_weighted_by_rows(tmp_path, two):
    done = evaluate(tmp_path, *two)
    d, e = done.datasets["d", None], done.datasets["e", None]
    for name in ("srcc", "plcc", "krcc", "plcc_mapped"):
        assert done.json[name] == pytest.approx((80 * d[name] + 40 * e[name]) / 120)
        assert done.rows[name, None, None, "tiny"]["value"] == done.json[name]
    assert done.json["rmse_mapped"] is None  # 1 to 5 and 20 to 100
    norm = evaluate(tmp_path, *two, scale="norm")
    d, e = norm.datasets["d", None], norm.datasets["e", None]
    expected = np.sqrt((80 * d["rmse"] ** 2 + 40 * e["rmse"] ** 2) / 120)
    assert norm.json["rmse"] == pytest.approx(expected)


def test_pooled_takes_all_rows_as_one_set_on_one_scale(tmp_path, two):
    (x, y), (u, v) = points(80), points(40, 1)
    done = evaluate(tmp_path, *two, scale="norm", overall="pooled")
    both = np.concatenate([x, u]), 25 * (np.concatenate([y, v]) - 1)
    assert done.json["srcc"] == pytest.approx(spearmanr(*both).statistic)
    with pytest.raises(UsageError, match="--scale norm, with levels"):
        evaluate(tmp_path, *two, overall="pooled")


def test_models_are_compared_side_by_side(tmp_path, pair):
    other = predictions(tmp_path / "q.parquet", ids(80), points(80, 3)[0], model="base")
    done = evaluate(tmp_path, *pair, other)
    assert [one["model"] for one in done.report["models"]] == ["base", "tiny"]
    assert done.json["srcc"] is None  # of which model?
    one_model = evaluate(tmp_path, *pair)
    assert done.rows["srcc", None, None, "tiny"]["value"] == one_model.json["srcc"]
    lines = done.text.splitlines()
    assert lines[0].split() == ["SRCC", "/", "PLCC", "d"]
    figures = f"{one_model.json['srcc']:.3f} / {one_model.json['plcc']:.3f}"
    assert lines[2] == f"{'tiny':<11}  {figures}"


# ---- intervals


def test_intervals_hold_their_figure_and_follow_the_seed(tmp_path, two):
    done = evaluate(tmp_path, *two, bootstrap=200)
    for row in done.rows.values():
        assert row["low"] < row["value"] < row["high"], row
    again = evaluate(tmp_path, *two, bootstrap=200, name="again")
    assert again.output.read_bytes() == done.output.read_bytes()
    other = evaluate(tmp_path, *two, bootstrap=200, seed=1)
    key = ("srcc", "d", None, "tiny")
    assert other.rows[key]["low"] != done.rows[key]["low"]
    narrow = evaluate(tmp_path, *two, bootstrap=200, confidence=0.5)
    assert narrow.rows[key]["high"] - narrow.rows[key]["low"] < (
        done.rows[key]["high"] - done.rows[key]["low"]
    )


@pytest.mark.parametrize("batch_rows", [1, 7, 65_536])
def test_figures_and_intervals_do_not_depend_on_order_or_batches(tmp_path, pair, batch_rows):
    x, _ = points(80)
    expected = evaluate(tmp_path, *pair, bootstrap=50).rows
    order = np.random.default_rng(0).permutation(80)
    media = [ids(80)[at] for at in order]
    shuffled = predictions(tmp_path / "q.parquet", media, x[order])
    done = evaluate(tmp_path, shuffled, pair[1], bootstrap=50, batch_rows=batch_rows)
    assert done.rows == expected
    assert evaluate(tmp_path, pair[1], pair[0], bootstrap=50).rows == expected


def test_a_dataset_keeps_its_interval_next_to_others(tmp_path, two):
    both = evaluate(tmp_path, *two, bootstrap=50)
    x, _ = points(80)
    first_model = predictions(tmp_path / "alone.parquet", ids(80), x)
    one = evaluate(tmp_path, first_model, two[1], bootstrap=50)
    key = ("srcc", "d", None, "tiny")
    assert one.rows[key] == both.rows[key]


# ---- what cannot be measured


def test_equal_predictions_have_no_correlation_and_the_reason_is_reported(tmp_path, two):
    media = [*ids(80), *ids(40, "e")]
    scores = np.concatenate([points(80)[0], np.full(40, 0.5)])
    given = predictions(tmp_path / "flat.parquet", media, scores)
    done = evaluate(tmp_path, given, two[1], bootstrap=20)
    assert done.datasets["e", None]["srcc"] is None
    assert done.datasets["d", None]["srcc"] > 0.5
    assert done.json["srcc"] is None
    assert any(
        "e, tiny: no srcc, plcc, krcc, " in line and line.endswith("all predictions are equal")
        for line in done.report["warnings"]
    )
    assert "- / -" in done.text


def test_too_few_rows_for_any_figure_are_an_error(tmp_path, pair):
    given = predictions(tmp_path / "few.parquet", ids(2), [0.1, 0.2])
    bare = ratings(tmp_path / "bare.parquet", ids(2), [1, 2])
    with pytest.raises(InputError, match="d: no metric is defined: fewer than 3 rows"):
        evaluate(tmp_path, given, bare)


# ---- who has no partner


def test_unmatched_rows_are_reported_on_both_sides(tmp_path, pair):
    given = predictions(tmp_path / "q.parquet", ids(80, start=4), points(80)[0])
    done = evaluate(tmp_path, given, pair[1])
    assert done.json["rows"] == 76
    assert [(row["reason"], row["source"], row["row"]) for row in done.rejected] == [
        ("no-opinion", "q.parquet", row) for row in (77, 78, 79, 80)
    ]
    assert done.rejected[0]["message"] == "no opinion score has the media id d:v/00080.mp4"
    assert done.report["unpredicted"] == {"d": 4}
    assert done.report["warnings"] == ["d: 4 opinion scores have no prediction"]


def test_too_many_unmatched_rows_are_an_error(tmp_path, pair):
    given = predictions(tmp_path / "q.parquet", ids(80, start=9), points(80)[0])
    with pytest.raises(TooManyRejectedError, match=r"9 of 80 rows rejected \(9 \S no-opinion"):
        evaluate(tmp_path, given, pair[1])
    with pytest.raises(InputError, match=r"no usable row \(80 of 80 rejected"):
        evaluate(tmp_path, predictions(tmp_path / "o.parquet", ids(80, "o"), [0.5] * 80), pair[1])


def test_identical_predictions_collapse_and_others_are_all_rejected(tmp_path, pair):
    x, _ = points(80)
    same = predictions(tmp_path / "same.parquet", ids(10), x[:10])
    done = evaluate(tmp_path, *pair, same)
    assert (done.json["rows"], done.report["collapsed"]) == (80, 10)
    other = predictions(tmp_path / "other.parquet", ids(1), [0.123])
    done = evaluate(tmp_path, *pair, other)
    assert done.json["rows"] == 79
    assert sorted((row["source"], row["reason"]) for row in done.rejected) == [
        ("other.parquet", "conflict"), ("p.parquet", "conflict"),
    ]  # fmt: skip


def test_conflicting_opinion_scores_are_left_out(tmp_path, pair):
    other = ratings(tmp_path / "other.parquet", ids(2), [5, points(80)[1][1]])
    done = evaluate(tmp_path, *pair, other)
    assert done.json["rows"] == 79
    assert done.report["conflicting_opinions"] == 1
    (row,) = done.rejected
    assert row["message"] == "the opinion scores of d:v/00000.mp4 conflict"


def test_answers_are_rejected_and_do_not_affect_the_scores_of_their_media(tmp_path, pair):
    media = ids(1) * 2
    given = predicted.prediction_table(media, answer=["Good.", "Bad."])
    talk = tables.write_artifact(tmp_path / "talk.parquet", given, "prediction", "answer")
    done = evaluate(tmp_path, *pair, talk)
    assert [(row["source"], row["reason"]) for row in done.rejected] == [
        ("talk.parquet", "no-score")
    ] * 2
    assert done.json["rows"] == 80


# ---- by path


def test_paths_and_file_names_match_where_only_one_has_them(tmp_path, pair):
    x, _ = points(80)
    media = [f"other:v/{at:05d}.mp4" if at % 2 else f"other:{at:05d}.mp4" for at in range(80)]
    given = predictions(tmp_path / "q.parquet", media, x)
    done = evaluate(tmp_path, given, pair[1], match="path")
    assert done.report["matched"] == {"name": 40, "path": 40}
    assert done.json["srcc"] == evaluate(tmp_path, *pair).json["srcc"]


def test_a_path_of_two_opinion_scores_is_rejected(tmp_path, pair):
    x, _ = points(80)
    twin = ratings(tmp_path / "twin.parquet", ["e:v/00000.mp4"], [3])
    given = predictions(tmp_path / "q.parquet", ids(80, "other"), x)
    done = evaluate(tmp_path, given, pair[1], twin, match="path")
    assert [row["message"] for row in done.rejected] == [
        "2 opinion scores have the path v/00000.mp4"
    ]
    assert done.json["rows"] == 79


def test_an_opinion_score_matched_twice_is_not_used(tmp_path, pair):
    twin = predictions(tmp_path / "twin.parquet", ["other:v/00003.mp4"], [0.5])
    done = evaluate(tmp_path, *pair, twin, match="path")
    assert done.json["rows"] == 79
    assert [row["reason"] for row in done.rejected] == ["conflict", "conflict"]


# ---- leaks


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint that was trained on two of the media tested, and on others."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    media = [*ids(5, start=78), *ids(3, "elsewhere")]
    record_training(folder, [ratings(tmp_path / "train.parquet", media, [3] * 8)])
    return folder


def test_media_that_the_model_was_trained_on_are_named_in_the_error(tmp_path, pair, checkpoint):
    with pytest.raises(CombinedError) as raised:
        evaluate(tmp_path, *pair, trained_on=(str(checkpoint),))
    assert (
        str(raised.value)
        .splitlines()[0]
        .startswith(
            "d:v/00078.mp4: the model was trained on it, according to checkpoint; expected media"
        )
    )
    assert len(raised.value.problems) == 2
    assert raised.value.exit_code == 1
    assert not (tmp_path / "m.parquet").exists()


def test_a_base_with_unknown_training_media_gives_a_warning(tmp_path, pair):
    base = {"name": "published-7b", "hash": "sha256:0", "media": UNKNOWN}
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    write_trained_on(folder, {"x:y.mp4": None}, [base], {"name": "train", "version": 1})
    (warning,) = evaluate(tmp_path, *pair, trained_on=(str(folder),)).report["warnings"]
    assert warning.startswith("checkpoint: what its base published-7b was trained on is not known")


def test_flagged_leaks_are_measured_separately(tmp_path, pair, checkpoint):
    done = evaluate(tmp_path, *pair, trained_on=str(checkpoint), on_leak="flag")
    assert done.report["leaks"] == [
        {"source": "checkpoint", "media": 2, "first": ["d:v/00078.mp4", "d:v/00079.mp4"]}
    ]
    x, y = points(80)
    assert done.json["rows"] == 80
    assert done.json["srcc"] == pytest.approx(spearmanr(x, y).statistic)
    unseen = done.rows["srcc", "d", "unseen", "tiny"]
    assert (unseen["rows"], unseen["value"]) == (
        78, pytest.approx(spearmanr(x[:78], y[:78]).statistic)
    )  # fmt: skip
    assert done.datasets["d", "trained-on"]["undefined"]["srcc"] == "fewer than 3 rows"
    assert "tiny, unseen" in done.text


def test_clean_media_pass(tmp_path, pair):
    (tmp_path / "seen.txt").write_text("d:v/99999.mp4\n")
    done = evaluate(tmp_path, *pair, trained_on=(str(tmp_path / "seen.txt"),))
    assert done.report["leaks"] == []


def test_the_same_bytes_under_another_name_are_a_leak(tmp_path, pair):
    from pairs import medium
    from pairs import pair as row

    train = pa.Table.from_pylist([row(media=[medium("x.mp4", sha256="a" * 64)])])
    artifact = tables.write_artifact(tmp_path / "qa.parquet", train, "instruction", "scoring-qa")
    digests = ["a" * 64 if at == 7 else None for at in range(80)]
    given = predictions(tmp_path / "q.parquet", ids(80), points(80)[0], sha256=digests)
    with pytest.raises(InputError, match=r"d:v/00007\.mp4: the model was trained on it, .* to qa"):
        evaluate(tmp_path, given, pair[1], trained_on=(str(artifact),))


def test_a_leak_is_found_under_the_id_of_the_prediction_too(tmp_path, pair):
    (tmp_path / "seen.txt").write_text("mine:v/00005.mp4\n")
    given = predictions(tmp_path / "q.parquet", ids(80, "mine"), points(80)[0])
    with pytest.raises(InputError, match=r"d:v/00005\.mp4"):
        evaluate(
            tmp_path, given, pair[1], match="path", trained_on=(str(tmp_path / "seen.txt"),)
        )  # fmt: skip


def test_the_description_holds_the_content_of_what_was_trained_on(tmp_path, pair, checkpoint):
    moved = checkpoint.rename(tmp_path / "elsewhere")
    given = [str(moved)]
    done = evaluate(tmp_path, *pair, trained_on=given, on_leak="flag")
    (described,) = Artifact.open(done.output).description.options["trained_on"]
    assert described.startswith("trained_on.parquet@sha256:")


# ---- files made elsewhere


def test_opinion_scores_come_from_the_prediction_file_or_from_artifacts(tmp_path, pair):
    x, y = points(80)
    rows = [
        {"image": one.partition(":")[2], "pred": float(p), "mos": float(9 - m)}
        for one, p, m in zip(ids(80), x, y, strict=True)
    ]
    (tmp_path / "d.json").write_text(json.dumps(rows))
    own = evaluate(tmp_path, tmp_path / "d.json")
    assert own.json["srcc"] == pytest.approx(-spearmanr(x, y).statistic)
    with_artifact = evaluate(tmp_path, tmp_path / "d.json", pair[1])  # artifacts decide
    assert with_artifact.json["srcc"] == pytest.approx(spearmanr(x, y).statistic)


def test_a_limit_takes_the_first_predictions(tmp_path, pair):
    assert evaluate(tmp_path, *pair, limit=40).json["rows"] == 40


def test_a_scatter_plot_is_drawn_on_request(tmp_path, pair):
    evaluate(tmp_path, *pair, scatter=tmp_path / "plots" / "a.png")
    with Image.open(tmp_path / "plots" / "a.png") as image:
        assert image.format == "PNG"


# ---- usage


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"scale": "norm"}, "--scale: no level artifact is given"),
        ({"on_leak": "flag"}, "--on-leak: what the model was trained on is not given"),
        ({"dataset": "x"}, "--dataset: applies to prediction files"),
        ({"scatter": "a.pdf"}, "--scatter: 'a.pdf' does not end in .png"),
    ],
)
def test_options_that_exclude_each_other_are_an_error(tmp_path, pair, options, what):
    with pytest.raises(UsageError, match=what):
        evaluate(tmp_path, *pair, **options)


@pytest.mark.parametrize("options", [{"confidence": 1}, {"bootstrap": -1}, {"temperature": -1}])
def test_numbers_out_of_range_are_an_error(options):
    with pytest.raises(ValidationError):
        EvaluateOptions(**options)


def test_missing_predictions_or_opinion_scores_are_an_error(tmp_path, pair):
    with pytest.raises(UsageError, match="no prediction is given"):
        evaluate(tmp_path, pair[1])
    with pytest.raises(InputError, match="no opinion score is given; expected a rating or level"):
        evaluate(tmp_path, pair[0])


# ---- published figures


@pytest.mark.parametrize(
    ("name", "rows", "srcc", "plcc"),
    [
        ("koniq", 10_073, 0.448, 0.460),
        ("livec", 1_169, 0.445, 0.481),
        ("agi", 2_982, 0.664, 0.754),
    ],
)
def test_q_bench_of_llava_is_reproduced(
    tmp_path, data_folder, name, rows, srcc, plcc
):  # fmt: skip
    file = data_folder / "predictions" / "q-bench_llava_v1.5" / f"{name}.json"
    done = evaluate(tmp_path, file)
    assert done.json["rows"] == rows
    assert (round(done.json["srcc"], 3), round(done.json["plcc"], 3)) == (srcc, plcc)


def test_dover_on_konvid_is_reproduced(tmp_path, data_folder):
    done = evaluate(tmp_path, data_folder / "predictions" / "dover_konvid.csv")
    assert done.json["rows"] == 1_200
    assert done.json["plcc"] == pytest.approx(0.883, abs=0.002)


def test_published_predictions_match_published_scores_by_file_name(tmp_path, data_folder):
    """Q-Bench's predictions against the MOS of KonIQ-10k on 0 to 100, read by `ingest-ratings`."""
    from qbuild.stages import get_stage

    source = data_folder / "scores" / "koniq10k_distributions_sets.csv"
    given = tmp_path / "koniq.parquet"
    run_stage(get_stage("ingest-ratings"), source, given)
    file = data_folder / "predictions" / "q-bench_llava_v1.5" / "koniq.json"
    done = evaluate(tmp_path, file, given, match="path")
    assert done.json["rows"] == 10_073
    assert done.json["srcc"] == pytest.approx(0.448, abs=0.005)


# ---- splits


@pytest.fixture
def in_splits(tmp_path):
    """Predictions of 80 media, and their ratings: 60 of split train, 20 of split test."""
    x, y = points(80)
    splits = ["train"] * 60 + ["test"] * 20
    return (
        predictions(tmp_path / "p.parquet", ids(80), x),
        ratings(tmp_path / "r.parquet", ids(80), y, split=splits),
    )


def test_predictions_on_other_splits_are_left_out_and_counted(tmp_path, in_splits):
    x, y = points(80)
    done = evaluate(tmp_path, *in_splits, split="test")
    assert done.json["rows"] == 20
    assert done.report["srcc"] == pytest.approx(spearmanr(x[60:], y[60:])[0])
    assert done.report["left_out"] == {"train": 60}
    assert (done.report["unpredicted"], done.rejected) == ({}, [])
    assert "60 rows of other splits left out: train (60 rows)" in done.text


def test_a_split_of_no_opinion_score_lists_the_splits(tmp_path, in_splits):
    expected = r"--split tests: .*expected one of test \(20 rows\), train .* Did you mean test"
    with pytest.raises(UsageError, match=expected):
        evaluate(tmp_path, *in_splits, split="tests")


def test_a_split_without_predictions_is_an_error(tmp_path, in_splits):
    trained = predictions(tmp_path / "trained.parquet", ids(60), points(60)[0])
    with pytest.raises(InputError, match=r"only about train \(60 rows\); .* test \(20 rows\)"):
        evaluate(tmp_path, trained, in_splits[1], split="test")


def test_a_medium_in_two_splits_is_rejected(tmp_path, in_splits):
    y = points(80)[1]
    other = ratings(tmp_path / "other.parquet", ids(1), y[:1], split=["test"])
    unsplit = ratings(tmp_path / "unsplit.parquet", ids(80), y)
    done = evaluate(tmp_path, *in_splits, other, unsplit, split="train")
    assert done.json["rows"] == 59
    assert [row["message"] for row in done.rejected] == [
        "the opinion scores of d:v/00000.mp4 are in several splits"
    ]


def test_without_a_split_the_description_is_that_of_earlier_versions(tmp_path, in_splits):
    done = evaluate(tmp_path, *in_splits)
    assert "split" not in Artifact.open(done.output).description.options


# ---- sources of media


def sources_of(tmp_path, media, source):
    """Labels of distorted copies, as an artifact that names their source."""
    rows = [
        distorted.row(one.partition(":")[2], media_id=one, source_media_id=source) for one in media
    ]
    place = tmp_path / "copies.parquet"
    return tables.write_artifact(place, distorted.table(rows), "distortion", "distortion-qa")


def test_the_source_of_a_training_medium_is_a_leak(tmp_path, pair):
    copies = sources_of(tmp_path, ["x:copy.png"], ids(80)[3])
    with pytest.raises(InputError, match=r"d:v/00003.mp4: the model was trained on it"):
        evaluate(tmp_path, *pair, trained_on=(str(copies),))


def test_a_copy_of_a_training_medium_is_a_leak_where_an_input_names_its_source(tmp_path, pair):
    trained = tmp_path / "trained.txt"
    trained.write_text("photos:p.png\n")
    given = {"trained_on": (str(trained),), "on_leak": "flag"}
    assert evaluate(tmp_path, *pair, **given).report["leaks"] == []
    copies = sources_of(tmp_path, ids(3), "photos:p.png")
    done = evaluate(tmp_path, *pair, copies, name="n", **given)
    assert done.report["leaks"] == [{"source": "trained.txt", "media": 3, "first": ids(3)}]
