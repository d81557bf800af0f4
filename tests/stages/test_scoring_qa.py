from __future__ import annotations

import jsonschema
import pyarrow as pa
import pytest
import tables
from running import rejected_of, rows_of, run_stage

from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError, SchemaError, TooManyRejectedError, UsageError
from qbuild.core.inspect.validate import validate
from qbuild.core.media_roots import MediaRoots
from qbuild.stages import get_stage
from qbuild.stages.scoring_qa import STAGE, media_kinds

SIT = (
    "Assume you are an image quality evaluator. How would you rate the quality of this image?\n<0>"
)
NINE = (
    "What's your opinion on the quality of this picture?",
    "How do you assess the quality of this image?",
    "Could you evaluate the quality of this image?",
    "How would you judge the quality of this image?",
    "Rate the quality of this image.",
    "Can you rate the quality of this picture?",
    "What is your quality rating for this image?",
    "What do you think about the quality of this image?",
    "How would you rate the quality of this image?",
)


def level_table(paths, levels=None, words="vqa2", **columns):
    """Levels 1 to 5 in turn, or those given, of media with these paths in one dataset."""
    vocabulary = {
        "vqa2": ("Low", "Poor", "Fair", "Good", "High"),
        "itu": ("bad", "poor", "fair", "good", "excellent"),
    }[words]
    count = len(paths)
    levels = levels or [at % 5 + 1 for at in range(count)]
    ratings = tables.rating_table(
        count, path=list(paths), media_id=[f"d:{p}" for p in paths], dataset=["d"] * count,
        mos=[20.0 * level - 10 for level in levels], **columns,
    )  # fmt: skip
    return (
        ratings.append_column("mos_norm", ratings.column("mos"))
        .append_column("level", pa.array(levels, pa.int8()))
        .append_column("word", pa.array([vocabulary[level - 1] for level in levels]))
        .append_column("level_probs", pa.nulls(count, pa.list_(pa.float64())))
    )


def ask(tmp_path, table, **given):
    """Runs the stage on the levels; the result and the pairs as an artifact."""
    levels = tables.write_artifact(tmp_path / "levels.parquet", table, "level", "mos-to-levels")
    output = tmp_path / "pairs.parquet"
    result = run_stage(STAGE, levels, output, **{"share": 1.0, **given})
    return result, Artifact.open(output)


def pairs(tmp_path, table, **given):
    return ask(tmp_path, table, **given)[1].table().to_pylist()


def question_and_answer(row):
    """Both turns, the medium as `<0>`."""
    return tuple(
        "".join(f"<{part['media']}>" if part["text"] is None else part["text"] for part in parts)
        for parts in (turn["parts"] for turn in row["turns"])
    )


def questions(tmp_path, table, **given):
    return {
        row["media"][0]["media_id"]: question_and_answer(row)[0]
        for row in pairs(tmp_path, table, **given)
    }


MANY = [f"clips/{at:03d}.mp4" for at in range(200)]
IMAGES = [f"shots/{at:03d}.jpg" for at in range(200)]


@pytest.mark.parametrize(
    ("options", "path", "level", "question", "answer"),
    [
        ({"form": "vqa2"}, "a.mp4", 5,
         "<0>\nHow would you rate the quality of this video?",
         "The quality of the video is high."),
        ({"form": "vqa2"}, "a.jpg", 1,
         "<0>\nHow would you rate the quality of this image?",
         "The quality of the image is low."),
        ({"form": "vqa2", "word_case": "capitalised"}, "a.mp4", 5,
         "<0>\nHow would you rate the quality of this video?",
         "The quality of the video is High."),
        ({"form": "q-sit"}, "a.jpg", 5,
         SIT,
         "The quality of the image is excellent."),
    ],
)  # fmt: skip
def test_the_exact_words_of_a_form(tmp_path, options, path, level, question, answer):
    (row,) = pairs(tmp_path, level_table([path], [level]), **options)
    assert question_and_answer(row) == (question, answer)
    assert [turn["role"] for turn in row["turns"]] == ["user", "assistant"]


def test_the_nine_phrasings_of_q_align_all_occur_and_no_other(tmp_path):
    texts = questions(tmp_path, level_table(IMAGES), form="q-align")
    assert set(texts.values()) == {f"{question}\n<0>" for question in NINE}


def test_q_align_asks_about_videos_in_the_same_phrasings(tmp_path):
    texts = questions(tmp_path, level_table(MANY), form="q-align")
    spoken = [q.replace("image", "video").replace("picture", "video") for q in NINE]
    assert set(texts.values()) == {f"{question}\n<0>" for question in spoken}


def test_q_align_asks_for_aesthetics_in_question_and_answer(tmp_path):
    rows = pairs(tmp_path, level_table(IMAGES), form="q-align", aspect="aesthetics")
    spoken = {f"{q.replace('quality', 'aesthetics')}\n<0>" for q in NINE}
    assert {question_and_answer(row)[0] for row in rows} == spoken
    assert question_and_answer(rows[4])[1] == "The aesthetics of the image is excellent."


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("vqa2", ["Low", "Poor", "Fair", "Good", "High"]),
        ("q-align", ["bad", "poor", "fair", "good", "excellent"]),
        ("q-sit", ["bad", "poor", "fair", "good", "excellent"]),
    ],
)
@pytest.mark.parametrize("cut_with", ["vqa2", "itu"])
def test_the_words_are_those_of_the_form_whichever_the_levels_were_cut_with(
    tmp_path, form, words, cut_with
):
    rows = pairs(tmp_path, level_table(IMAGES[:5], words=cut_with), form=form)
    answers = [f"The quality of the image is {word.lower()}." for word in words]
    assert [question_and_answer(row)[1] for row in rows] == answers
    assert [row["labels"]["word"] for row in rows] == words
    assert [row["labels"]["level"] for row in rows] == [1, 2, 3, 4, 5]


def test_capitalised_words_of_vqa2_differ_from_the_default_only_in_case(tmp_path):
    table = level_table(IMAGES[:5])
    lower = pairs(tmp_path, table)
    answers = [
        question_and_answer(row)[1] for row in pairs(tmp_path, table, word_case="capitalised")
    ]
    words = [answer.removesuffix(".").split()[-1] for answer in answers]
    assert words == ["Low", "Poor", "Fair", "Good", "High"]
    assert [question_and_answer(row)[1].lower() for row in lower] == [
        answer.lower() for answer in answers
    ]
    assert [row["labels"]["word"] for row in lower] == ["Low", "Poor", "Fair", "Good", "High"]


def test_the_seed_chooses_other_phrasings_and_the_same_seed_the_same(tmp_path):
    table = level_table(IMAGES)
    first, again, other = (
        questions(tmp_path, table, form="q-align", seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert sum(first[name] != other[name] for name in first) > len(first) // 2


def test_a_phrasing_does_not_depend_on_order_or_other_rows(tmp_path):
    table = level_table(IMAGES)
    turned = table.take(pa.array([at * 7 % 200 for at in range(200)]))
    whole = questions(tmp_path, table, form="q-align")
    assert questions(tmp_path, turned, form="q-align") == whole
    assert questions(tmp_path, table, form="q-align", batch_rows=7) == whole
    few = questions(tmp_path, table.slice(50, 3), form="q-align")
    assert few == {name: whole[name] for name in few}


@pytest.mark.parametrize("form", ["vqa2", "q-align", "q-sit"])
def test_rows_are_valid_by_the_schema_and_by_its_oracle(tmp_path, form):
    table = level_table(IMAGES[:20], source=["A study"] * 20, split=["train", None] * 10)
    _, artifact = ask(tmp_path, table, form=form)
    assert validate(artifact.path, MediaRoots({})).total == 0
    oracle = jsonschema.Draft202012Validator(artifact.schema.document)
    rows = artifact.table().to_pylist()
    assert not [error.message for row in rows for error in oracle.iter_errors(row)]
    assert [row["split"] for row in rows[:2]] == ["train", None]


def test_a_pair_has_its_labels_its_medium_and_its_parent(tmp_path):
    table = level_table(["x/a.mp4"], [4], mos_std=[7.5])
    (row,) = pairs(tmp_path, table)
    named = {key: row["media"][0][key] for key in ("media_id", "kind", "path")}
    assert named == {"media_id": "d:x/a.mp4", "kind": "video", "path": "x/a.mp4"}
    labels = {"mos": 70.0, "mos_norm": 70.0, "mos_std": 7.5, "level": 4, "word": "Good"}
    assert row["labels"] == {**labels, "level_probs": None}
    assert (row["task"], row["system"], row["options"]) == ("scoring", None, None)
    assert row["provenance"]["parents"] == ["d:x/a.mp4"]
    assert row["provenance"]["stage"] == "scoring-qa"


def test_level_probabilities_are_kept(tmp_path):
    shares = [0.0, 0.25, 0.75, 0.0, 0.0]
    table = level_table(["a.mp4", "b.mp4"])
    at = table.column_names.index("level_probs")
    given = pa.array([shares, None], pa.list_(pa.float64()))
    rows = pairs(tmp_path, table.set_column(at, "level_probs", given))
    assert [row["labels"]["level_probs"] for row in rows] == [shares, None]


def test_scores_that_no_human_gave_are_marked_synthetic(tmp_path):
    sources = ["synthetic: from the strength", "A study of synthetic scenes", None]
    table = level_table(["a.jpg", "b.jpg", "c.jpg"], source=sources)
    origins = [row["provenance"]["origin"] for row in pairs(tmp_path, table)]
    assert origins == ["synthetic", None, None]


def test_q_sit_rejects_videos_with_the_reason(tmp_path):
    result, artifact = ask(tmp_path, level_table(["a.jpg", "b.mp4"]), form="q-sit")
    assert (result.rows, result.rejected) == (1, 1)
    (rejected,) = rejected_of(artifact.path)
    assert (rejected["reason"], rejected["value"]) == ("not-an-image", "b.mp4")
    assert rejected["message"] == "Q-SiT asks about images only"
    assert (rejected["source"], rejected["row"]) == ("made.csv", 2)


def test_a_medium_of_unknown_kind_is_rejected_unless_kind_names_it(tmp_path):
    table = level_table(["a.jpg", "b.dat", "c"])
    result, artifact = ask(tmp_path, table)
    reasons = [row["reason"] for row in rejected_of(artifact.path)]
    assert (result.rows, reasons) == (1, ["unknown-kind"] * 2)
    rows = pairs(tmp_path, table, kind="video")
    assert [row["media"][0]["kind"] for row in rows] == ["video"] * 3
    assert question_and_answer(rows[0])[1] == "The quality of the video is low."
    assert [row["media"][0]["kind"] for row in pairs(tmp_path, table, kind="image")] == [
        "image"
    ] * 3


def test_a_kind_follows_from_the_last_suffix_in_any_case():
    paths = ["A.JPG", "a.jpeg", "a.mp4.png", "a.png.MP4", "jpg", "a.jpgx", "a.b/c", "x.y4m"]
    kinds = media_kinds(pa.table({"path": paths}), "auto")
    assert kinds == ["image", "image", "image", "video", None, None, None, "video"]


def test_the_report_counts_images_and_videos(tmp_path):
    result, _ = ask(tmp_path, level_table(["a.jpg", "b.mp4", "c.mp4"]))
    assert result.report == {"form": "vqa2", "images": 1, "videos": 2, "collapsed": 0}
    assert STAGE.render(result.report) == "vqa2: 1 image, 2 videos"


def test_a_sample_id_is_the_hash_of_its_content(tmp_path):
    def names(table, **options):
        return [row["sample_id"] for row in pairs(tmp_path, table, **options)]

    first = names(level_table(["a.jpg", "b.jpg"], [3, 3]))
    assert len(set(first)) == 2
    rescored = level_table(["b.jpg", "a.jpg"], [3, 3], mos_std=[1.0, 2.0])
    assert names(rescored) == first[::-1]
    assert set(names(level_table(["a.jpg", "b.jpg"], [4, 4]))).isdisjoint(first)
    assert set(names(level_table(["a.jpg", "b.jpg"], [3, 3]), form="q-sit")).isdisjoint(first)


def test_another_question_gives_another_sample_id(tmp_path):
    table = level_table(IMAGES)
    by_seed = [pairs(tmp_path, table, form="q-align", seed=seed) for seed in (1, 2)]
    for one, other in zip(*by_seed, strict=True):
        same = question_and_answer(one) == question_and_answer(other)
        assert same == (one["sample_id"] == other["sample_id"])


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"aspect": "aesthetics"}, "--aspect: form vqa2 asks for quality only"),
        ({"aspect": "aesthetics", "form": "q-sit"}, "--aspect: form q-sit asks for quality only"),
        (
            {"word_case": "capitalised", "form": "q-align"},
            "--word-case capitalised: form q-align has words in lower case only",
        ),
        (
            {"word_case": "capitalised", "form": "q-sit"},
            "--word-case capitalised: form q-sit has words in lower case only",
        ),
    ],
)
def test_options_that_exclude_each_other_are_an_error(tmp_path, options, what):
    with pytest.raises(UsageError, match=what):
        ask(tmp_path, level_table(["a.jpg"]), **options)


def test_ratings_without_levels_are_an_error_that_names_the_missing_stage(tmp_path):
    given = tables.write_artifact(tmp_path / "ratings.parquet", tables.rating_table(3))
    with pytest.raises(SchemaError, match=r"expected schema level.*ingest-ratings"):
        run_stage(STAGE, given, tmp_path / "pairs.parquet")


def test_limit_and_max_reject_share_apply(tmp_path):
    table = level_table([*IMAGES[:3], "d.dat"])
    result, artifact = ask(tmp_path, table, limit=2)
    assert (result.rows, artifact.description.limit) == (2, 2)
    with pytest.raises(TooManyRejectedError, match="1 of 4 rows rejected"):
        ask(tmp_path, table, share=0.2)
    assert ask(tmp_path, table, share=0.25)[0].rows == 3
    with pytest.raises(InputError, match="no usable row"):
        ask(tmp_path, level_table(["d.dat"]))


@pytest.mark.parametrize("form", ["q-align", "q-sit"])
def test_one_hash_at_any_batch_size_and_number_of_workers(tmp_path, form):
    table = level_table([name for pair in zip(IMAGES, MANY, strict=True) for name in pair])
    hashes = set()
    for batch_rows, workers in [(1, 1), (7, 1), (65_536, 1), (7, 2), (65_536, 2)]:
        _, artifact = ask(tmp_path, table, batch_rows=batch_rows, workers=workers, form=form)
        files = [artifact.path]
        files += [rejected_path(artifact.path)] if form == "q-sit" else []
        hashes.add(tuple(map(hash_file, files)))
    assert len(hashes) == 1


def test_pairs_are_made_from_levels_of_mos_to_levels(tmp_path):
    ratings = tables.write_artifact(tmp_path / "ratings.parquet", tables.rating_table(50))
    levels, output = tmp_path / "levels.parquet", tmp_path / "pairs.parquet"
    run_stage(get_stage("mos-to-levels"), ratings, levels, words="itu")
    run_stage(STAGE, levels, output)
    for row, pair in zip(rows_of(levels), rows_of(output), strict=True):
        word = ("Low", "Poor", "Fair", "Good", "High")[row["level"] - 1]
        assert question_and_answer(pair)[1] == f"The quality of the video is {word.lower()}."
        assert pair["labels"]["mos"] == row["mos"]
