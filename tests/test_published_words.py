"""Published level words, pairs and figures, found again from the published scores."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow.compute as pc
import pytest
from published import published_words
from running import run_stage

from qbuild.cli.main import main
from qbuild.core.artifact.reader import Artifact
from qbuild.quality.published_text import LEVEL_WORDS
from qbuild.stages import get_stage

SCORES = {
    "koniq": "koniq10k_distributions_sets.csv",
    "spaq": "meta_info_SPAQDataset.csv",
    "kadid": "meta_info_KADID10kDataset.csv",
    "lsvq": "LSVQ_train_labels.txt",
}
# What Q-Align's authors cut on: closed on the left, against Eq. 1 of their paper.
PUBLISHED = {
    "koniq": {"range": "trimmed:0.001", "closed": "left"},
    "spaq": {"range": "0:94", "closed": "left"},
    "kadid": {"range": "trimmed:0.001", "closed": "left"},
}


@pytest.fixture(scope="module")
def levels(data_folder, tmp_path_factory):
    """Cuts a published rating file with the words of ITU; the path of the levels, the figures."""

    def cut(name, **options):
        output = tmp_path_factory.mktemp(name) / "levels.parquet"
        scores = data_folder / "scores" / SCORES[name]
        result = run_stage(get_stage("mos-to-levels"), scores, output, words="itu", **options)
        return output, result.report["datasets"][0]

    return cut


@pytest.fixture(scope="module")
def compared(data_folder, levels):
    """Each published answer with the word that our levels give the same image."""

    def compare(name, **options):
        published = published_words(data_folder / f"levels_published/q-align_train_{name}.json")
        ours = Artifact.open(levels(name, **options)[0]).table(["path", "mos", "word"]).to_pandas()
        named = published.assign(path=published["path"].str.split("/", n=1).str[1])
        both = named.merge(ours, on="path", suffixes=("_published", ""), validate="one_to_one")
        assert len(both) == len(published)
        assert (both["mos"] == both["score"]).all()
        return both.assign(word=both["word"].astype("str"))

    return compare


def agreeing(both):
    return int((both["word"] == both["word_published"]).sum())


@pytest.mark.parametrize(("name", "answers"), [("koniq", 7_046), ("spaq", 8_897)])
def test_every_published_word_of_koniq_and_spaq_is_reproduced(compared, name, answers):
    both = compared(name, **PUBLISHED[name])
    assert agreeing(both) == len(both) == answers


def test_every_word_of_kadid_is_reproduced_but_the_other_words_and_one_of_each_two(compared):
    both = compared("kadid", **PUBLISHED["kadid"])
    unlike = both[both["word"] != both["word_published"]]
    other = ~unlike["word_published"].isin(LEVEL_WORDS["itu"])
    assert (len(both), len(unlike), int(other.sum())) == (8_106, 22, 17)
    twice = both[both["word_published"].isin(LEVEL_WORDS["itu"])]
    two_words = twice.groupby("score")["word_published"].nunique() == 2
    assert set(unlike[~other]["score"]) == set(two_words[two_words].index)


@pytest.mark.parametrize(
    ("name", "options", "answers"),
    [
        ("koniq", {"range": "observed", "closed": "left"}, 6_464),
        ("koniq", {"range": "trimmed:0.0009", "closed": "left"}, 7_007),
        ("koniq", {"range": "trimmed:0.0011", "closed": "left"}, 6_997),
        ("koniq", {"range": "trimmed:0.001", "closed": "right"}, 7_046),
        ("spaq", {"range": "0:94", "closed": "right"}, 8_885),
        ("spaq", {"range": "observed", "closed": "left"}, 7_947),
        ("kadid", {"range": "trimmed:0.001", "closed": "right"}, 8_023),
        ("kadid", {"range": "declared", "closed": "left"}, 7_777),
    ],
)
def test_any_other_range_or_side_reproduces_fewer_words(compared, name, options, answers):
    assert agreeing(compared(name, **options)) == answers


def test_the_upper_end_one_index_off_reproduces_6972_words_of_koniq(compared, levels):
    output, found = levels("koniq", **PUBLISHED["koniq"])
    ordered = np.sort(Artifact.open(output).table(["mos"]).column("mos").to_numpy())
    k = 10_073 // 1000
    assert (found["low"], found["high"]) == (ordered[k], ordered[len(ordered) - k])
    assert (found["low"], found["high"]) == pytest.approx((6.68487, 85.35625), abs=1e-5)
    off = f"{ordered[k]!s}:{ordered[len(ordered) - k - 1]!s}"
    assert agreeing(compared("koniq", range=off, closed="left")) == 6_972


@pytest.mark.parametrize(
    ("name", "options", "srcc", "plcc"),
    [
        ("koniq", PUBLISHED["koniq"], 0.952, 0.961),
        ("spaq", PUBLISHED["spaq"], 0.969, 0.968),
        ("kadid", PUBLISHED["kadid"], 0.979, 0.982),
        ("lsvq", {"range": "trimmed:0.001", "closed": "left"}, 0.940, 0.944),
    ],
)
def test_table_2_of_q_align_is_reproduced_on_the_published_range(levels, name, options, srcc, plcc):
    found = levels(name, **options)[1]
    assert found["srcc"] == pytest.approx(srcc, abs=0.001)
    assert found["plcc"] == pytest.approx(plcc, abs=0.001)


@pytest.mark.parametrize(
    ("name", "srcc", "plcc"), [("koniq", 0.944, 0.954), ("lsvq", 0.886, 0.903)]
)
def test_table_2_is_not_reproduced_on_the_observed_range(levels, name, srcc, plcc):
    found = levels(name, range="observed")[1]
    assert found["srcc"] == pytest.approx(srcc, abs=0.001)
    assert found["plcc"] == pytest.approx(plcc, abs=0.001)


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `qbuild ARGS --json` and gives the object it prints."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["qbuild", *map(str, arguments), "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == 0, printed
        return json.loads(printed.out)

    return run


def test_lsvq_train_gives_the_28056_pairs_of_stage_2(data_folder, tmp_path, command):
    levels, pairs = tmp_path / "levels.parquet", tmp_path / "pairs.parquet"
    ratings = data_folder / "scores" / SCORES["lsvq"]
    cut = command("mos-to-levels", ratings, "-o", levels, "--dataset", "lsvq", "--words", "vqa2")
    assert (cut["rows"], cut["rejected"], cut["datasets"][0]["rejected"]) == (28_056, 0, 0)
    made = command("scoring-qa", levels, "-o", pairs, "--form", "vqa2")
    assert (made["rows"], made["rejected"]) == (28_056, 0)
    assert (made["videos"], made["images"]) == (28_056, 0)
    table = Artifact.open(pairs).table()
    assert len(set(table.column("sample_id").to_pylist())) == 28_056
    answers = table.column("turns").combine_chunks()
    said = pc.list_flatten(pc.struct_field(pc.list_element(answers, 1), "parts")).field("text")
    given = {row["values"]: row["counts"] for row in pc.value_counts(said).to_pylist()}
    by_level = cut["datasets"][0]["levels"]
    assert given == {
        f"The quality of the video is {word.lower()}.": n for word, n in by_level.items()
    }


def test_our_pairs_ask_and_answer_as_the_published_koniq_file(data_folder, levels, tmp_path):
    output = tmp_path / "pairs.parquet"
    given = levels("koniq", **PUBLISHED["koniq"])[0]
    run_stage(get_stage("scoring-qa"), given, output, form="q-align")
    path = data_folder / "levels_published/q-align_train_koniq.json"
    published = [
        [turn["value"] for turn in record["conversations"]]
        for record in json.loads(path.read_text(encoding="utf-8"))
    ]
    ours = [
        ["".join(part["text"] or "<|image|>" for part in turn["parts"]) for turn in turns]
        for turns in Artifact.open(output).table(["turns"]).column("turns").to_pylist()
    ]
    for turn in (0, 1):
        assert {pair[turn] for pair in ours} == {pair[turn] for pair in published}
