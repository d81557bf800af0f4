from __future__ import annotations

import pairs
import pytest

from qbuild.core.rows.rejections import RejectedError
from qbuild.dialects.dialect import Defaults
from qbuild.dialects.q_align import read, recognises, write

DEFAULTS = Defaults("koniq", "scoring")


def foreign(**keys):
    """A record as published."""
    conversation = [
        {"from": "human", "value": "Rate the quality of this image.\n<|image|>"},
        {"from": "gpt", "value": "The quality of the image is good."},
    ]
    return {"id": "1.jpg->63.6", "image": "spaq/1.jpg", "conversations": conversation, **keys}


def test_a_row_becomes_the_published_record():
    record = write(pairs.pair())
    del record["qbuild"]
    assert record == {
        "id": "1.jpg->77.3836206897",
        "image": "koniq/1.jpg",
        "conversations": [
            {"from": "human", "value": "<|image|>\nHow good is it?"},
            {"from": "gpt", "value": "The quality of the image is good."},
        ],
    }


@pytest.mark.parametrize("mos", [4.0, 1e-7, 0.1 + 0.2, -3.5])
def test_a_score_is_read_back_to_the_last_bit(mos):
    assert read(write(pairs.pair(labels={"mos": mos})), DEFAULTS)["labels"]["mos"] == mos


def test_rows_of_the_test_split_have_a_gt_score():
    assert write(pairs.pair(split="test"))["gt_score"] == 77.3836206897
    assert "gt_score" not in write(pairs.pair(split="train"))


def test_a_row_without_a_score_cannot_be_written():
    with pytest.raises(RejectedError) as caught:
        write(pairs.pair(labels={"mos": None}))
    assert caught.value.reason == "missing-mos"


def test_a_row_without_media_cannot_be_written():
    with pytest.raises(RejectedError) as caught:
        write(pairs.pair(media=[], turns=pairs.turns(["Q?"], ["A."])))
    assert caught.value.reason == "no-media"


def test_a_video_is_named_under_image_with_the_placeholders_of_its_row():
    video = [pairs.medium("x/clip.mp4", "video")]
    record = write(pairs.pair(media=video))
    assert record["image"] == "x/clip.mp4"
    assert record["conversations"][0]["value"].count("<|image|>") == 1
    frames = pairs.pair(media=video, turns=pairs.turns([*[0] * 8, "How good?"], ["Good."]))
    assert write(frames)["conversations"][0]["value"].count("<|image|>") == 8
    assert read(write(frames), DEFAULTS) == frames


def test_a_video_that_the_loader_would_open_as_an_image_cannot_be_written():
    with pytest.raises(RejectedError) as caught:
        write(pairs.pair(media=[pairs.medium("clip.avi", "video")]))
    assert caught.value.reason == "video-not-mp4"


def test_a_video_among_other_media_cannot_be_written():
    media = [pairs.medium("a.mp4", "video"), pairs.medium("b.jpg")]
    with pytest.raises(RejectedError) as caught:
        write(pairs.pair(media=media, turns=pairs.turns([0, 1, "Same?"], ["No."])))
    assert caught.value.reason == "several-videos"


def test_a_published_record_gives_its_score_and_its_medium():
    row = read(foreign(), DEFAULTS)
    assert row["labels"]["mos"] == 63.6
    assert row["media"][0]["media_id"] == "koniq:spaq/1.jpg"
    assert (row["task"], row["split"]) == ("scoring", None)


def test_two_placeholders_for_one_image_show_it_twice_and_are_written_back():
    question = "How good?\n<|image|>How fine?\n<|image|>"
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": "Good."}]
    row = read(foreign(conversations=turns), DEFAULTS)
    assert len(row["media"]) == 1
    assert [part["media"] for part in row["turns"][0]["parts"]] == [None, 0, None, 0]
    record = write(row)
    assert (record["image"], record["conversations"]) == ("spaq/1.jpg", turns)
    assert read(record, DEFAULTS) == row


def test_a_record_without_a_score_has_none():
    assert read(foreign(id="1.jpg"), DEFAULTS)["labels"]["mos"] is None


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"id": "1.jpg->good"}, "bad-score"),
        ({"id": "1.jpg->nan"}, "bad-score"),
        ({"gt_score": True}, "bad-score"),
        ({"gt_score": 5}, "score-conflict"),
        ({"image": ["a.jpg", "b.jpg"]}, "placeholder-count"),
        ({"image": None}, "placeholder-count"),
        ({"video": "a.mp4"}, "mixed-keys"),
    ],
)
def test_a_record_that_contradicts_itself_is_rejected(keys, reason):
    with pytest.raises(RejectedError) as caught:
        read(foreign(**keys), DEFAULTS)
    assert caught.value.reason == reason


@pytest.mark.parametrize("score", [63.6, "63.6", "63.60"])
def test_a_score_may_be_written_as_text(score):
    assert read(foreign(gt_score=score), DEFAULTS)["labels"]["mos"] == 63.6


def test_a_test_file_of_scores_names_the_right_stage():
    with pytest.raises(RejectedError, match="qbuild ingest-ratings") as caught:
        read({"img_path": "a.jpg", "gt_score": 3.2}, DEFAULTS)
    assert caught.value.reason == "rating-file"


def test_a_record_is_recognised_by_its_placeholder():
    assert recognises(foreign())
    assert not recognises({"conversations": [{"from": "human", "value": "<image>"}]})
