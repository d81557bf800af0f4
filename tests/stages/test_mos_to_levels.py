from __future__ import annotations

import json
import sys
from math import sqrt
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import tables
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from running import rejected_of, rows_of, run_stage
from scipy.stats import pearsonr, spearmanr

from qbuild.cli.main import main
from qbuild.core.artifact.reader import rejected_path
from qbuild.core.canonical import hash_file
from qbuild.core.engine.stage import Batch
from qbuild.core.errors import CombinedError, InputError, TooManyRejectedError, UsageError
from qbuild.core.rows.duplicates import Duplicates
from qbuild.labels.ratings.options import RatingOptions
from qbuild.quality import ranges
from qbuild.quality.levels import Range
from qbuild.quality.ranges import LevelState
from qbuild.stages import get_stage
from qbuild.stages.mos_to_levels import STAGE, LevelOptions, parse_range, transform

VQA2 = ["Low", "Poor", "Fair", "Good", "High"]
LISTS = pa.list_(pa.float64())


def ratings(*scores, dataset="d", paths=None, **columns):
    """Ratings of one dataset with these scores."""
    paths = paths or [f"{at:03d}.jpg" for at in range(len(scores))]
    return tables.rating_table(
        len(scores), mos=[float(score) for score in scores], path=paths,
        dataset=[dataset] * len(scores), media_id=[f"{dataset}:{path}" for path in paths],
        **columns,
    )  # fmt: skip


def cut(tmp_path, *given, **options):
    """Runs the stage on tables or paths; result, rows, rejected rows, figures by dataset."""
    paths = []
    for number, one in enumerate(given):
        is_table = isinstance(one, pa.Table)
        place = tmp_path / f"ratings{number}.parquet"
        paths.append(tables.write_artifact(place, one) if is_table else one)
    output = tmp_path / "levels.parquet"
    result = run_stage(STAGE, paths, output, **{"share": 1.0, **options})
    return SimpleNamespace(
        result=result,
        output=output,
        rows=rows_of(output),
        rejected=rejected_of(output),
        figures={figures["dataset"]: figures for figures in result.report["datasets"]},
        warnings=result.report["warnings"],
    )


def column(done, name):
    return [row[name] for row in done.rows]


def csv(tmp_path, text, name="d.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


# ---- levels, words, range, side


@given(
    low=st.floats(-1e6, 1e6),
    span=st.floats(1e-3, 1e6),
    scores=st.lists(st.floats(-1e7, 1e7), min_size=1, max_size=30),
    closed=st.sampled_from(["left", "right"]),
    words=st.sampled_from(["vqa2", "itu"]),
)
def test_no_score_reaches_a_sixth_level(low, span, scores, closed, words):
    edges = Range(low, low + span).edges
    near = [f(edge, to) for edge in edges for f, to in ((np.nextafter, -9e9), (np.nextafter, 9e9))]
    table = ratings(*scores, *edges, *near)
    state = LevelState(["d"], edges[:, None], Duplicates(), "")
    options = LevelOptions(words=words, closed=closed, range="0:1")
    rows = transform(Batch(table, 0), state, options).rows.to_pylist()
    ordered = sorted((row["mos"], row["level"], row["mos_norm"]) for row in rows)
    assert {level for _, level, _ in ordered} <= {1, 2, 3, 4, 5}
    assert [level for _, level, _ in ordered] == sorted(level for _, level, _ in ordered)
    for row in rows:
        assert 0 <= row["mos_norm"] <= 100
        assert (row["level"] == 1) or row["mos"] > low
        assert (row["level"] == 5) or row["mos"] < low + span


@pytest.mark.parametrize("closed", ["left", "right"])
def test_the_minimum_is_of_level_1_and_the_maximum_of_level_5(tmp_path, closed):
    done = cut(tmp_path, ratings(3, 4, 5, 6, 7, 8), closed=closed)
    assert (done.rows[0]["level"], done.rows[-1]["level"]) == (1, 5)
    assert (done.rows[0]["mos_norm"], done.rows[-1]["mos_norm"]) == (0, 100)


@pytest.mark.parametrize(
    ("closed", "levels"), [("right", [1, 1, 2, 3, 4, 5]), ("left", [1, 2, 3, 4, 5, 5])]
)
def test_closed_decides_where_a_score_on_an_edge_goes(tmp_path, closed, levels):
    done = cut(tmp_path, ratings(0, 20, 40, 60, 80, 100), closed=closed)
    assert column(done, "level") == levels


@pytest.mark.parametrize(
    ("words", "vocabulary"),
    [("vqa2", VQA2), ("itu", ["bad", "poor", "fair", "good", "excellent"])],
)
def test_words_name_the_levels(tmp_path, words, vocabulary):
    done = cut(tmp_path, ratings(10, 30, 50, 70, 90), words=words)
    assert column(done, "word") == vocabulary
    assert done.figures["d"]["levels"] == dict.fromkeys(vocabulary, 1)


RANGED = ratings(
    10, 20, 30, 40, 50, 60, 70, 80, 90, 110, scale_low=[0.0] * 10, scale_high=[200.0] * 10
)


@pytest.mark.parametrize(
    ("range_", "low", "high", "levels"),
    [
        ("observed", 10, 110, [1, 1, 1, 2, 2, 3, 3, 4, 4, 5]),
        ("declared", 0, 200, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]),
        ("trimmed:0.1", 20, 110, [1, 1, 1, 2, 2, 3, 3, 4, 4, 5]),
        ("trimmed:0.2", 30, 90, [1, 1, 1, 1, 2, 3, 4, 5, 5, 5]),
        ("trimmed:0.09", 10, 110, [1, 1, 1, 2, 2, 3, 3, 4, 4, 5]),
        ("0:1e3", 0, 1000, [1] * 10),
        ("-100:100", -100, 100, [3, 3, 4, 4, 4, 4, 5, 5, 5, 5]),
    ],
)
def test_each_range_has_its_own_ends(tmp_path, range_, low, high, levels):
    done = cut(tmp_path, RANGED, range=range_)
    assert (done.figures["d"]["low"], done.figures["d"]["high"]) == (low, high)
    assert column(done, "level") == levels


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("trimmed:0.5", "from 0 to below 0.5, not '0.5'"),
        ("trimmed:-0.1", "from 0 to below 0.5"),
        ("trimmed:", "from 0 to below 0.5"),
        ("trimmed:nan", "from 0 to below 0.5"),
        ("5:1", "5 is not less than 1"),
        ("1:1", "1 is not less than 1"),
        ("0:1e999", "finite LOW and HIGH"),
        ("-1e308:1e308", "finite LOW and HIGH"),
        ("all", "expected observed, declared, trimmed:Q or LOW:HIGH"),
        ("0:nan", "expected observed, declared, trimmed:Q or LOW:HIGH"),
        ("0-100", "expected observed, declared, trimmed:Q or LOW:HIGH"),
    ],
)
def test_an_invalid_range_is_an_error(text, what):
    with pytest.raises(ValidationError, match=what):
        LevelOptions(range=text)


def test_a_range_keeps_its_numbers_as_they_were_written():
    assert parse_range("trimmed:0.001") == ("trimmed", ("0.001",))
    assert parse_range("-1.5:+.5e1") == ("fixed", ("-1.5", "+.5e1"))


# ---- outside


SCALED = {"scale_low": [0.0] * 7, "scale_high": [100.0] * 7}


@pytest.mark.parametrize(
    ("range_", "outside", "clamped", "rejected"),
    [
        ("0:100", "auto", 2, 0),
        ("0:100", "clamp", 2, 0),
        ("0:100", "reject", 0, 2),
        ("declared", "auto", 0, 2),
        ("declared", "clamp", 2, 0),
        ("declared", "reject", 0, 2),
        ("trimmed:0.2", "auto", 1, 0),
        ("trimmed:0.2", "reject", 0, 1),
        ("observed", "reject", 0, 0),
    ],
)
def test_scores_outside_are_clamped_or_rejected_and_counted(
    tmp_path, range_, outside, clamped, rejected
):
    scores = (-10, 0, 30, 50, 70, 100, 110)
    done = cut(tmp_path, ratings(*scores, **SCALED), range=range_, outside=outside)
    figures = done.figures["d"]
    assert (figures["clamped"], figures["rejected"]) == (clamped, rejected)
    assert (figures["rows"], done.result.rejected) == (7 - rejected, rejected)
    assert {row["reason"] for row in done.rejected} <= {"outside-range"}
    assert sum(figures["levels"].values()) == len(done.rows)


def test_clamped_scores_keep_their_mos_and_a_rejected_one_names_the_range(tmp_path):
    clamped = cut(tmp_path, ratings(-10, 50, 110), range="0:100")
    ends = [(row["mos"], row["mos_norm"], row["level"]) for row in clamped.rows]
    assert ends == [(-10, 0, 1), (50, 50, 3), (110, 100, 5)]
    done = cut(tmp_path, ratings(-10, 50, 110), range="0:100", outside="reject")
    assert done.rejected[0]["message"] == "mos -10.0 lies outside [0, 100] of d"
    assert [(row["row"], row["value"]) for row in done.rejected] == [(1, "-10.0"), (3, "110.0")]


def test_more_scores_outside_than_allowed_fail_the_run(tmp_path):
    options = {"range": "0:100", "outside": "reject"}
    with pytest.raises(TooManyRejectedError, match="1 of 4 rows rejected"):
        cut(tmp_path, ratings(1, 2, 3, 110), share=0.24, **options)
    assert cut(tmp_path, ratings(1, 2, 3, 110), share=0.25, **options).result.rejected == 1
    with pytest.raises(InputError, match="no usable row"):
        cut(tmp_path, ratings(110), **options)


# ---- several datasets, several inputs, options of rating files


def test_each_dataset_has_its_own_range(tmp_path):
    one, other = ratings(1, 2, 3, 4, 5, dataset="a"), ratings(0, 90, 100, dataset="b")
    apart = cut(tmp_path, one).rows
    together = cut(tmp_path, pa.concat_tables([other.slice(0, 1), one, other.slice(1)]))
    assert [row for row in together.rows if row["dataset"] == "a"] == apart
    assert {name: (f["low"], f["high"]) for name, f in together.figures.items()} == {
        "b": (0, 100),
        "a": (1, 5),
    }


def test_an_artifact_and_a_raw_file_of_one_dataset_are_cut_on_one_range(tmp_path):
    raw = csv(tmp_path, "path,mos\nx.jpg,0\ny.jpg,100\n")
    done = cut(tmp_path, ratings(20, 50), raw, ratings(1, 5, dataset="e"))
    assert [(row["media_id"], row["level"]) for row in done.rows] == [
        ("d:000.jpg", 1), ("d:001.jpg", 3), ("d:x.jpg", 1), ("d:y.jpg", 5),
        ("e:000.jpg", 1), ("e:001.jpg", 5),
    ]  # fmt: skip
    assert done.figures["d"]["rows"] == 4


FILES = {
    "layout": ("path,mos,vote\na.jpg,1,2\nb.jpg,5,3\n", "table"),
    "dataset": ("path,mos\na.jpg,1\nb.jpg,5\n", "mine"),
    "direction": ("path,mos\na.jpg,1\nb.jpg,5\n", "down"),
    "columns": ("path,mos,other\na.jpg,1,9\nb.jpg,5,7\n", "mos=other"),
    "strip_prefix": ("path,mos\nx/a.jpg,1\nx/b.jpg,5\n", "x/"),
    "add_prefix": ("path,mos\na.jpg,1\nb.jpg,5\n", "x/"),
    "licence": ("path,mos\na.jpg,1\nb.jpg,5\n", ("MIT",)),
    "source": ("path,mos\na.jpg,1\nb.jpg,5\n", ("A study",)),
    "screen": ("subject,path,score\no,a.jpg,1\np,b.jpg,5\n", "bt500"),
}


def test_every_option_of_rating_files_is_tested_here():
    assert FILES.keys() == RatingOptions.model_fields.keys()


@pytest.mark.parametrize("option", FILES)
def test_levels_of_a_raw_file_are_those_of_its_ingested_ratings(tmp_path, option):
    text, value = FILES[option]
    raw, stage = csv(tmp_path, text), get_stage("ingest-ratings")
    run_stage(stage, raw, tmp_path / "ingested.parquet", **{option: value})
    direct = cut(tmp_path, raw, **{option: value}).rows
    assert direct == cut(tmp_path, tmp_path / "ingested.parquet").rows
    plain = cut(tmp_path, raw).rows
    assert (direct == plain) == (option in ("layout", "screen"))  # these two fit the file anyway


@pytest.mark.parametrize("option", FILES)
def test_an_option_of_rating_files_is_an_error_if_all_inputs_are_artifacts(tmp_path, option):
    with pytest.raises(UsageError) as caught:
        cut(tmp_path, ratings(1, 5), **{option: FILES[option][1]})
    assert caught.value.where == f"--{option.replace('_', '-')}"
    assert "every input is an artifact" in str(caught.value)


def test_a_dmos_is_inverted(tmp_path):
    raw = csv(tmp_path, "image,dmos\nclean.jpg,0\nspoiled.jpg,80\n")
    done = cut(tmp_path, raw, direction="down")
    levels = {row["path"]: (row["level"], row["word"]) for row in done.rows}
    assert levels == {"clean.jpg": (5, "High"), "spoiled.jpg": (1, "Low")}
    assert "mirrored" in done.result.report["notes"][0]
    assert "mirrored" in STAGE.render(done.result.report)


# ---- duplicates


def again(table, rows, source_row=900):
    """Some rows of the table, as another file holds them."""
    part = table.take(pa.array(rows))
    at = part.column_names.index("source_row")
    other = pa.array(range(source_row, source_row + len(rows)), pa.int64())
    return part.set_column(at, "source_row", other)


FIVE = ratings(10, 30, 50, 70, 90)


@pytest.mark.parametrize("across", [False, True])
def test_identical_rows_collapse_to_the_first_and_are_counted(tmp_path, across):
    twice = again(FIVE, [1, 1, 3])
    given = (FIVE, twice) if across else (pa.concat_tables([FIVE, twice]),)
    done = cut(tmp_path, *given)
    assert done.rows == cut(tmp_path, FIVE).rows
    assert (done.result.report["collapsed"], done.rejected) == (3, [])
    assert "3 identical duplicates collapsed" in STAGE.render(done.result.report)


def test_identical_rows_of_a_raw_file_and_of_an_artifact_are_counted_together(tmp_path):
    raw = csv(tmp_path, "path,mos\na.jpg,1\na.jpg,1\nb.jpg,2\nc.jpg,5\n")
    stage, ingested = get_stage("ingest-ratings"), tmp_path / "ingested.parquet"
    run_stage(stage, raw, ingested)
    done = cut(tmp_path, raw)
    assert (len(done.rows), done.result.report["collapsed"]) == (3, 1)
    both = cut(tmp_path, ingested, raw)
    assert (both.rows, both.result.report["collapsed"]) == (done.rows, 4)


@pytest.mark.parametrize("across", [False, True])
def test_conflicting_rows_are_all_rejected_and_widen_no_range(tmp_path, across):
    odd = ratings(-900, 30, paths=["002.jpg", "x.jpg"])
    doubled = pa.concat_tables([again(FIVE, [2]), odd])
    given = (FIVE, doubled) if across else (pa.concat_tables([FIVE, doubled]),)
    done = cut(tmp_path, *given)
    assert column(done, "path") == ["000.jpg", "001.jpg", "003.jpg", "004.jpg", "x.jpg"]
    assert [row["reason"] for row in done.rejected] == ["conflict"] * 3
    assert {json.loads(row["record"])["mos"] for row in done.rejected} == {50, -900}
    figures = done.figures["d"]
    assert (figures["low"], figures["high"]) == (10, 90)
    assert (figures["rows"], figures["rejected"]) == (5, 3)


@pytest.mark.parametrize("other", ["mos_std", "split", "licence"])
def test_rows_that_differ_in_any_value_conflict(tmp_path, other):
    values = {"mos_std": [3.5] * 5, "split": ["train"] * 5, "licence": ["MIT"] * 5}
    table = ratings(10, 30, 50, 70, 90, **{other: values[other]})
    done = cut(tmp_path, FIVE, table.slice(0, 2))
    assert (len(done.rows), len(done.rejected)) == (3, 4)


def test_a_dataset_in_which_all_rows_conflict_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="d: no usable row: all conflict"):
        cut(tmp_path, ratings(1), ratings(2))


def test_ids_that_share_a_hash_change_nothing(tmp_path, monkeypatch):
    odd = ratings(-900, paths=["002.jpg"])
    table = pa.concat_tables([FIVE, again(FIVE, [0, 4]), odd, ratings(1, 9, dataset="e")])
    expected = cut(tmp_path, table)
    assert (len(expected.rows), len(expected.rejected)) == (6, 2)
    before = expected.output.read_bytes()
    asked = []
    monkeypatch.setattr(
        ranges, "string_hashes", lambda ids: asked.append(ids) or np.zeros(len(ids), np.uint64)
    )
    assert cut(tmp_path, table).output.read_bytes() == before
    assert asked


# ---- probabilities


def shares(done):
    return column(done, "level_probs")


def test_without_probs_no_probability_is_written(tmp_path):
    assert shares(cut(tmp_path, ratings(1, 2, 3, mos_std=[1.0] * 3))) == [None] * 3


def test_votes_of_five_categories_become_shares_and_others_are_null(tmp_path):
    votes = [[0, 1, 2, 1, 0], [0.5, 0.5, 0, 0, 0], None, [1, 2], [1] * 6, [0] * 5]
    given = pa.array(votes, LISTS)
    done = cut(tmp_path, ratings(1, 2, 3, 4, 5, 6, votes=given), probs="votes")
    assert shares(done) == [[0, 0.25, 0.5, 0.25, 0], [0.5, 0.5, 0, 0, 0], None, None, None, None]


def test_a_normal_distribution_gives_shares_that_sum_to_1_where_the_deviation_is_known(tmp_path):
    std = [15.0, 0.0, None, 1e-320, 1e300]
    table = ratings(10, 30, 50, 70, 90, mos_std=std)
    probabilities = shares(cut(tmp_path, table, probs="normal", range="0:100"))
    assert probabilities[2] is None
    assert [sum(probs) for probs in probabilities if probs] == pytest.approx([1.0] * 4)
    assert probabilities[1] == [0, 1, 0, 0, 0]
    assert probabilities[3] == [0, 0, 0, 1, 0]
    assert probabilities[0][0] == pytest.approx(0.7475, abs=1e-4)  # Φ((20 - 10) / 15)


@given(st.lists(st.tuples(st.floats(-50, 150), st.floats(0, 100)), min_size=1, max_size=20))
def test_shares_of_any_score_and_deviation_sum_to_1(mos_and_std):
    table = ratings(*(mos for mos, _ in mos_and_std), mos_std=[std for _, std in mos_and_std])
    state = LevelState(["d"], Range(0.0, 100.0).edges[:, None], Duplicates(), "")
    options = LevelOptions(probs="normal", range="0:100")
    for row in transform(Batch(table, 0), state, options).rows.to_pylist():
        assert sum(row["level_probs"]) == pytest.approx(1.0)
        assert min(row["level_probs"]) >= 0


def test_probs_of_a_mixed_batch_use_each_datasets_own_edges(tmp_path):
    table = pa.concat_tables([
        ratings(0, 50, 100, dataset="a", mos_std=[5.0] * 3),
        ratings(0, 5, 10, dataset="b", mos_std=[0.5] * 3),
    ])  # fmt: skip
    probabilities = shares(cut(tmp_path, table, probs="normal"))
    for one, other in zip(probabilities[:3], probabilities[3:], strict=True):
        assert one == pytest.approx(other)


# ---- figures


def noisy(count=300, seed=3):
    rng = np.random.default_rng(seed)
    std = [None if at % 11 == 0 else float(s) for at, s in enumerate(rng.uniform(0, 20, count))]
    number = [None if at % 7 == 0 else int(n) for at, n in enumerate(rng.integers(1, 40, count))]
    return tables.rating_table(
        count, datasets=3, mos=np.round(rng.uniform(0, 100, count), 0), mos_std=std,
        num_ratings=pa.array(number, pa.int32()), seed=seed,
    )  # fmt: skip


def level_of(score, edges, closed):
    return 1 + sum(score >= edge if closed == "left" else score > edge for edge in edges[1:5])


@pytest.mark.parametrize("closed", ["left", "right"])
@pytest.mark.parametrize("range_", ["observed", "20:80"])
def test_the_share_of_uncertain_levels_equals_that_of_a_plain_loop(tmp_path, closed, range_):
    done = cut(tmp_path, noisy(), closed=closed, range=range_)
    for dataset, figures in done.figures.items():
        edges = np.linspace(figures["low"], figures["high"], 6).tolist()
        flips = []
        for row in done.rows:
            if row["dataset"] != dataset or None in (row["mos_std"], row["num_ratings"]):
                continue
            error = row["mos_std"] / sqrt(row["num_ratings"])
            ends = (row["mos"] - error, row["mos"] + error)
            flips.append(any(level_of(s, edges, closed) != row["level"] for s in ends))
        assert 0 < sum(flips) < len(flips)
        assert figures["flip_share"] == sum(flips) / len(flips)


def test_without_deviation_a_score_cannot_flip_and_without_any_the_share_is_unknown(tmp_path):
    known = {"num_ratings": pa.array([9] * 3, pa.int32())}
    for std, share in ([0.0] * 3, 0), (pa.nulls(3, pa.float64()), None):
        done = cut(tmp_path, ratings(1, 3, 5, mos_std=std, **known))
        assert done.figures["d"]["flip_share"] == share


@pytest.mark.parametrize("outside", ["clamp", "reject"])
@pytest.mark.parametrize("closed", ["left", "right"])
def test_srcc_and_plcc_equal_scipys_over_the_rows_written(tmp_path, outside, closed):
    done = cut(tmp_path, noisy(), range="10:90", outside=outside, closed=closed)
    assert (done.rejected != []) == (outside == "reject")
    for dataset, figures in done.figures.items():
        own = [(row["mos"], row["level"]) for row in done.rows if row["dataset"] == dataset]
        assert figures["rows"] == len(own)
        assert figures["srcc"] == pytest.approx(spearmanr(*zip(*own, strict=True)).statistic)
        assert figures["plcc"] == pytest.approx(pearsonr(*zip(*own, strict=True)).statistic)
        levels = [sum(level == at for _, level in own) for at in range(1, 6)]
        assert list(figures["levels"].values()) == levels


def test_one_level_gives_no_correlation_and_no_nan(tmp_path):
    done = cut(tmp_path, ratings(1, 2, 3), range="0:1000")
    figures = done.figures["d"]
    assert (figures["srcc"], figures["plcc"]) == (None, None)
    json.dumps(done.result.as_dict(), allow_nan=False)
    assert "SRCC -  PLCC -" in STAGE.render(done.result.report)


def test_a_dataset_with_all_rows_outside_is_reported_without_nan(tmp_path):
    table = pa.concat_tables([ratings(1, 2, 3), ratings(500, dataset="e")])
    done = cut(tmp_path, table, range="0:10", outside="reject")
    figures = done.figures["e"]
    assert (figures["rows"], figures["rejected"], figures["srcc"]) == (0, 1, None)
    json.dumps(done.result.as_dict(), allow_nan=False)


def test_the_text_report_has_a_line_of_figures_per_dataset(tmp_path):
    known = {"mos_std": [1.0] * 3, "num_ratings": pa.array([4] * 3, pa.int32())}
    done = cut(tmp_path, ratings(0, 50, 130, **known), range="0:100")
    uncertain = "levels uncertain within one standard error"
    assert STAGE.render(done.result.report).splitlines() == [
        "d: 3 rows on [0, 100]  SRCC 1.000  PLCC 0.991",
        f"    1 clamped  0 rejected as outside or in conflict  {uncertain} 0.000",
        "    Low 1  Poor 0  Fair 1  Good 0  High 1",
    ]


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `qbuild mos-to-levels ARGS --json`; exit code, the object printed, stderr."""

    def run(*arguments):
        given = ["qbuild", "mos-to-levels", *map(str, arguments), "--json"]
        monkeypatch.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), json.loads(printed.out), printed.err

    return run


def test_json_holds_the_figures_under_the_documented_names(tmp_path, command):
    given = tables.write_artifact(tmp_path / "ratings.parquet", tables.rating_table(10))
    code, report, errors = command(given, "-o", tmp_path / "levels.parquet", "--limit", 8)
    assert code == 0
    assert report.keys() >= {"rows", "output", "datasets"}
    assert (report["rows"], report["output"]) == (8, str(tmp_path / "levels.parquet"))
    assert [figures["dataset"] for figures in report["datasets"]] == ["set0", "set1"]
    for figures in report["datasets"]:
        assert list(figures) == [
            "dataset", "rows", "low", "high", "srcc", "plcc", "levels",
            "clamped", "rejected", "flip_share",
        ]  # fmt: skip
        assert list(figures["levels"]) == VQA2
    assert errors.count("warning: ") == len(report["warnings"]) == 3


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--range", "5:1"], "5 is not less than 1"),
        (["--range", "trimmed:0.5"], "from 0 to below 0.5"),
        (["--dataset", "x"], "every input is an artifact"),
    ],
)
def test_a_wrong_option_ends_with_code_2(tmp_path, command, arguments, what):
    given = tables.write_artifact(tmp_path / "ratings.parquet", tables.rating_table(10))
    code, report, _ = command(given, "-o", tmp_path / "levels.parquet", *arguments)
    assert (code, report["error"]["code"], report["error"]["where"]) == (2, "usage", arguments[0])
    assert what in " ".join(report["error"].values())


# ---- warnings and rejections


def test_small_datasets_give_a_warning(tmp_path):
    few, many = ratings(*range(99), dataset="few"), ratings(*range(100), dataset="many")
    done = cut(tmp_path, pa.concat_tables([few, many]))
    assert done.warnings == ["few: only 99 rows; five levels of so few are not stable"]


def test_rows_without_probabilities_give_a_warning_per_dataset(tmp_path):
    bare = ratings(*range(120), dataset="bare", mos_std=[None] * 120)
    both = pa.concat_tables([bare, ratings(*range(100))])
    assert cut(tmp_path, both).warnings == []
    assert cut(tmp_path, both, probs="normal", batch_rows=50, workers=2).warnings == [
        "bare: 120 rows have no level probabilities: no mos_std"
    ]
    votes = pa.array([[1.0] * 5] * 119 + [[0.0] * 5], LISTS)
    one = ratings(*range(120), votes=votes)
    assert cut(tmp_path, one, probs="votes").warnings == [
        "d: 1 row has no level probabilities: no votes of five categories"
    ]


@pytest.mark.parametrize(
    ("range_", "warned"),
    [("observed", 1), ("trimmed:0.1", 1), ("0:120", 0), ("declared", 0)],
)
def test_a_range_observed_on_a_sample_gives_a_warning(tmp_path, range_, warned):
    table = ratings(*range(120), scale_low=[0.0] * 120, scale_high=[120.0] * 120)
    assert cut(tmp_path, table, range=range_).warnings == []
    done = cut(tmp_path, table, range=range_, limit=110)
    assert len(done.warnings) == warned
    assert all("on a sample (--limit 110); name the range" in text for text in done.warnings)
    assert done.result.rows == 110


def test_a_limited_or_sampled_input_gives_a_warning(tmp_path):
    raw = csv(tmp_path, "path,mos\n" + "".join(f"{at}.jpg,{at}\n" for at in range(200)))
    stage, part = get_stage("ingest-ratings"), tmp_path / "part.parquet"
    run_stage(stage, raw, part, limit=150)
    assert "(an input was made with --limit 150)" in cut(tmp_path, part).warnings[0]
    sampled = tables.write_artifact(tmp_path / "s.parquet", ratings(*range(200)), stage="sample")
    assert "(an input was sampled)" in cut(tmp_path, sampled).warnings[0]
    assert cut(tmp_path, raw).warnings == []


def test_limit_takes_the_first_rows_and_the_range_of_these(tmp_path):
    done = cut(tmp_path, ratings(1, 5, 3, 100), limit=3)
    assert (done.figures["d"]["high"], column(done, "level")) == (5, [1, 5, 3])
    assert done.result.description.limit == 3


def test_all_datasets_of_equal_scores_are_reported_at_once(tmp_path):
    flat = [ratings(3, 3, dataset="a"), ratings(1, 5, dataset="b"), ratings(7, dataset="c")]
    with pytest.raises(CombinedError) as caught:
        cut(tmp_path, pa.concat_tables(flat))
    messages = [str(problem) for problem in caught.value.problems]
    assert len(messages) == 2
    for text, name, score in zip(messages, ("a", "c"), (3, 7), strict=True):
        assert f"{name}: all scores are equal ({score}); levels need a range." in text
        assert "name a range with --range LOW:HIGH" in text
    assert cut(tmp_path, pa.concat_tables(flat), range="0:10").result.rows == 5


def test_a_declared_range_needs_one_declared_scale(tmp_path):
    with pytest.raises(InputError, match=r"^d: declares no scale; expected one declared scale"):
        cut(tmp_path, ratings(1, 2), range="declared")
    two = ratings(1, 2, scale_low=[0.0, 1.0], scale_high=[5.0, 5.0])
    with pytest.raises(InputError, match=r"no single scale \(.* are 0:5, 1:5\)"):
        cut(tmp_path, two, range="declared")
    half = ratings(1, 2, scale_low=[0.0, None], scale_high=[5.0, None])
    with pytest.raises(InputError, match=r"are 0:5, none\)"):
        cut(tmp_path, half, range="declared")


# ---- the same rows and bytes


def mixed():
    """Two datasets with duplicates, conflicts and scores outside 10:90."""
    table = noisy(200)
    odd = tables.rating_table(6, datasets=3, seed=9)
    return pa.concat_tables([table, again(table, [20, 21]), odd])


def test_shuffled_rows_give_the_same_set_of_rows(tmp_path):
    table = mixed()
    order = np.random.default_rng(1).permutation(len(table))
    outcomes = []
    for rating_rows in (table, table.take(pa.array(order))):
        done = cut(tmp_path, rating_rows, range="trimmed:0.05", outside="reject", probs="normal")
        rows = [{**row, "source_row": None} for row in done.rows]  # the first of equals differs
        rejected = [json.loads(row["record"])["media_id"] for row in done.rejected]
        outcomes.append((sorted(map(repr, rows)), sorted(rejected), done.figures))
    assert len(outcomes[0][1]) > 12  # more than the six pairs that conflict
    assert outcomes[0][:2] == outcomes[1][:2]
    assert {name: outcomes[0][2][name] for name in outcomes[1][2]} == outcomes[1][2]


def test_one_hash_at_any_batch_size_and_number_of_workers(tmp_path):
    raw = csv(tmp_path, "path,mos\na.jpg,-5\nb.jpg,\nc.jpg,50\n")
    hashes = set()
    for batch_rows, workers in [(1, 1), (7, 1), (65_536, 1), (7, 2), (65_536, 2)]:
        options = {"range": "10:90", "outside": "reject", "probs": "normal"}
        done = cut(tmp_path, mixed(), raw, batch_rows=batch_rows, workers=workers, **options)
        assert {row["reason"] for row in done.rejected} == {
            "conflict", "outside-range", "missing-score",
        }  # fmt: skip
        files = (done.output, rejected_path(done.output))
        hashes.add(tuple(map(hash_file, files)))
    assert len(hashes) == 1
