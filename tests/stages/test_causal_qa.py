"""causal-qa: from the depiction to the level, by one template, in step with the levels."""

from __future__ import annotations

import pyarrow as pa
import pytest
from depictions import depictions
from extending import answer_of, of_kind, overall, question_of, write_depictions
from running import rejected_of, rows_of, run_stage
from tables import write_artifact

from qbuild.core.errors import InputError
from qbuild.quality.published_text import LEVEL_WORDS
from qbuild.stages.causal_qa import STAGE, causal_answer

WORDS = LEVEL_WORDS["vqa2"]


def causal(output, *inputs, **given):
    return run_stage(STAGE, inputs, output, **{"share": 1.0, **given})


def levels(path, *rows):
    """A `level` artifact of media ids and levels."""
    table = pa.Table.from_pylist(
        [
            {
                "media_id": medium,
                "dataset": medium.partition(":")[0],
                "path": medium.partition(":")[2],
                "mos": 20.0 * level - 10,
                "source_file": "made.csv",
                "source_row": number,
                "mos_norm": 20.0 * level - 10,
                "level": level,
                "word": WORDS[level - 1],
            }
            for number, (medium, level) in enumerate(rows, 1)
        ]
    )
    return write_artifact(path, table, "level", "mos-to-levels")


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.parquet"


def test_the_answer_is_the_depiction_and_the_level_sentence(tmp_path, output):
    row = overall("It is sharp, but dark", level=4, word="Good")
    causal(output, write_depictions(tmp_path / "d.parquet", [row]))
    (pair,) = rows_of(output)
    assert pair["task"] == "causal"
    assert answer_of(pair).startswith("It is sharp, but dark. ")
    assert answer_of(pair).endswith("Good.")
    assert "video" in question_of(pair)
    assert pair["labels"]["level"] == 4
    assert pair["labels"]["word"] == "Good"
    assert pair["provenance"]["parents"] == [row["depiction_id"], row["media_id"]]
    assert pair["provenance"]["annotator"] == row["annotator"]


@pytest.mark.parametrize("text", ["It is sharp", "It is sharp.", " It is sharp. \n"])
def test_a_depiction_ends_with_one_full_stop(text):
    text = causal_answer({"text": text, "medium": "video", "word": "Good", "kind": "overall"})
    assert text.startswith("It is sharp. ")


@pytest.mark.parametrize("words", LEVEL_WORDS)
def test_levels_have_the_words_of_the_option(words, tmp_path, output):
    rows = [overall(number=n, level=n, word=None) for n in range(1, 6)]
    result = causal(output, write_depictions(tmp_path / "d.parquet", rows), words=words)
    assert [row["labels"]["word"] for row in rows_of(output)] == list(LEVEL_WORDS[words])
    assert result.report["levels"] == dict.fromkeys(LEVEL_WORDS[words], 1)


def test_the_level_of_a_side_input_replaces_the_one_shown(tmp_path, output):
    rows = [
        overall(number=1, media_id="a:1.mp4", path="1.mp4", level=4, word="Good", mos_norm=70.0),
        overall(number=2, media_id="a:2.mp4", path="2.mp4", level=None, word=None, mos_norm=None),
        overall(number=3, media_id="a:3.mp4", path="3.mp4", level=3, word="Fair", mos_norm=50.0),
    ]
    source = write_depictions(tmp_path / "d.parquet", rows)
    side_input = levels(tmp_path / "l.parquet", ("a:1.mp4", 2), ("a:2.mp4", 5), ("a:9.mp4", 1))
    result = causal(output, source, side_input)
    assert [answer_of(row).rpartition(" ")[2] for row in rows_of(output)] == [
        "Poor.",
        "High.",
        "Fair.",
    ]
    assert result.report["other_level"] == 1
    assert "1 depiction had another level" in STAGE.render(result.report)


def test_a_depiction_without_a_level_is_rejected_with_what_to_do(tmp_path, output):
    rows = [overall(number=1), overall(number=2, level=None, word=None)]
    causal(output, write_depictions(tmp_path / "d.parquet", rows))
    (rejected,) = rejected_of(output)
    assert (rejected["reason"], rejected["row"]) == ("no-level", 2)
    assert "its level artifact" in rejected["message"]


def test_a_word_of_another_level_is_rejected(tmp_path, output):
    rows = [overall(number=1), overall(number=2, level=2, word="High")]
    causal(output, write_depictions(tmp_path / "d.parquet", rows))
    (rejected,) = rejected_of(output)
    assert rejected["reason"] == "word-of-another-level"
    assert "'High' at level 2; Poor or poor" in rejected["message"]


def test_other_kinds_are_left_out_and_counted(tmp_path, output):
    rows = [*of_kind("overall", 2), *of_kind("in-context", 3), *of_kind("aspect", 1)]
    result = causal(output, write_depictions(tmp_path / "d.parquet", rows))
    assert (result.rows, result.rejected) == (2, 0)
    assert result.report["left_out"] == {"aspect": 1, "in-context": 3}
    assert "left out: aspect 1, in-context 3" in STAGE.render(result.report)


def test_depictions_only_of_other_kinds_make_no_pair(tmp_path, output):
    with pytest.raises(InputError, match="no usable row"):
        causal(output, write_depictions(tmp_path / "d.parquet", of_kind("aspect", 3)))


def test_the_pair_of_an_image_speaks_of_an_image(tmp_path, output):
    causal(output, write_depictions(tmp_path / "d.parquet", [overall(medium="image")]))
    (pair,) = rows_of(output)
    assert "image" in question_of(pair)
    assert "video" not in question_of(pair)


def test_rows_do_not_depend_on_the_size_of_batches(tmp_path):
    source = write_depictions(tmp_path / "d.parquet", depictions(120, 4))
    outputs = [tmp_path / f"{size}.parquet" for size in (1, 7, 65_536)]
    for path in outputs:
        causal(path, source, batch_rows=int(path.stem))
    assert len({path.read_bytes() for path in outputs}) == 1


def test_the_wording_of_the_paper_is_the_default_and_plain_is_standard_english(tmp_path, output):
    source = write_depictions(tmp_path / "d.parquet", [overall("it is dark", level=2, word="Poor")])
    answers = []
    for given in ({}, {"wording": "plain"}):
        causal(output, source, **given)
        answers.append(answer_of(rows_of(output)[0]))
    assert answers == [
        "it is dark. Hence, The quality of this video is Poor.",
        "It is dark. Hence, the quality of this video is poor.",
    ]


def test_a_pathway_feedback_is_itself_the_answer(tmp_path, output):
    text = "The sky is noisy. Overall, the quality is fair"
    rows = of_kind("pathway", 2, text=text)
    rows[1] |= {"level": None, "word": None, "mos_norm": None, "text": "It is sharp. It is good."}
    result = causal(output, write_depictions(tmp_path / "d.parquet", rows))
    assert [answer_of(row) for row in rows_of(output)] == [f"{text}.", "It is sharp. It is good."]
    assert "Describe the quality of this image" in question_of(rows_of(output)[0])
    assert (result.rejected, result.report["pathway"]) == (0, 2)
    assert "2 pathway feedbacks" in STAGE.render(result.report)


def test_the_aspects_of_a_video_are_together_a_depiction_on_request(tmp_path, output):
    rows = of_kind("aspect", 5, media_id="a:1.mp4", path="1.mp4", annotator="one")
    source = write_depictions(tmp_path / "d.parquet", [*rows, overall()])
    side_input = levels(tmp_path / "l.parquet", ("a:1.mp4", 2))
    result = causal(output, source, side_input, aspects="together", batch_rows=2)
    assert (result.rows, result.report["left_out"]) == (2, {})
    answer = answer_of(rows_of(output)[0])
    assert all(row["text"] in answer for row in rows)
    assert answer.endswith("Hence, The quality of this video is Poor.")
