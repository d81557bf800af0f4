from __future__ import annotations

import pairs
import pytest

from qbuild.core.rows.rejections import RejectedError
from qbuild.dialects.dialect import Defaults
from qbuild.dialects.llava import companions, read, recognises, write

DEFAULTS = Defaults("somewhere", "general")


def foreign(**keys):
    """A record made elsewhere."""
    conversation = [{"from": "human", "value": "<image>\nQ?"}, {"from": "gpt", "value": "A."}]
    return {"id": "7", "image": "a.jpg", "conversations": conversation, **keys}


def test_an_image_becomes_the_published_record():
    record = write(pairs.pair())
    del record["qbuild"]
    assert record == {
        "id": "0123456789abcdef0123456789abcdef",
        "image": "koniq/1.jpg",
        "conversations": [
            {"from": "human", "value": "<image>\nHow good is it?"},
            {"from": "gpt", "value": "The quality of the image is good."},
        ],
    }


def test_a_video_has_its_own_key_and_one_image_placeholder():
    record = write(pairs.pair(media=[pairs.medium("clip.mp4", "video", fps=29.97, num_frames=240)]))
    assert record["video"] == "clip.mp4"
    assert "image" not in record
    assert record["conversations"][0]["value"].count("<image>") == 1


def test_several_images_are_listed_in_the_order_they_are_shown():
    row = pairs.pair(
        media=[pairs.medium("a.jpg"), pairs.medium("b.jpg")],
        turns=pairs.turns(["Is ", 1, " better than ", 0, "?"], ["No."]),
    )
    record = write(row)
    assert record["image"] == ["b.jpg", "a.jpg"]
    assert record["conversations"][0]["value"] == "Is <image> better than <image>?"
    assert read(record, DEFAULTS) == row


def test_an_image_shown_twice_is_listed_twice_so_that_counts_agree():
    row = pairs.pair(turns=pairs.turns([0, "One?", 0, "Two?"], ["Yes."]))
    record = write(row)
    assert record["image"] == ["koniq/1.jpg", "koniq/1.jpg"]
    assert read(record, DEFAULTS) == row


def test_a_row_without_media_has_no_image_key():
    row = pairs.pair(media=[], turns=pairs.turns(["What is blur?"], ["Loss of detail."]))
    record = write(row)
    assert "image" not in record
    assert read(record, DEFAULTS) == row


def test_a_system_prompt_cannot_be_written():
    with pytest.raises(RejectedError) as caught:
        write(pairs.pair(system="You judge quality."))
    assert caught.value.reason == "system-not-supported"


def test_images_and_videos_in_one_row_cannot_be_written():
    media = [pairs.medium("a.jpg"), pairs.medium("b.mp4", "video")]
    with pytest.raises(RejectedError) as caught:
        write(pairs.pair(media=media, turns=pairs.turns([0, 1, "Same?"], ["No."])))
    assert caught.value.reason == "mixed-kinds"


def test_two_videos_in_one_row_cannot_be_written():
    media = [pairs.medium("a.mp4", "video"), pairs.medium("b.mp4", "video")]
    with pytest.raises(RejectedError) as caught:
        write(pairs.pair(media=media, turns=pairs.turns([0, 1, "Same?"], ["No."])))
    assert caught.value.reason == "several-videos"


def test_a_medium_that_no_turn_shows_cannot_be_written():
    with pytest.raises(RejectedError) as caught:
        write(pairs.pair(media=[pairs.medium("a.jpg"), pairs.medium("b.jpg")]))
    assert caught.value.reason == "media-mismatch"


def test_a_text_under_image_is_one_path():
    row = read(foreign(image="a.jpg"), DEFAULTS)
    assert [medium["path"] for medium in row["media"]] == ["a.jpg"]


def test_a_record_made_elsewhere_gets_defaults():
    row = read(foreign(), DEFAULTS)
    assert row["media"][0]["media_id"] == "somewhere:a.jpg"
    assert row["task"] == "general"
    assert row["provenance"]["stage"] == "import-qa"
    assert len(row["sample_id"]) == 32
    assert row["labels"]["mos"] is None


def test_the_position_of_an_image_in_the_text_is_part_of_the_sample_id():
    after = [{"from": "human", "value": "\nQ?<image>"}, {"from": "gpt", "value": "A."}]
    ids = [
        read(record, DEFAULTS)["sample_id"] for record in (foreign(), foreign(conversations=after))
    ]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("key", ["image", "video"])
def test_a_video_is_known_by_its_key_or_its_suffix(key):
    record = foreign(image=None)
    record[key] = "a.MP4"
    assert read(record, DEFAULTS)["media"][0]["kind"] == "video"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"image": ["a.jpg", "b.jpg"]}, "placeholder-count"),
        ({"image": None}, "placeholder-count"),
        ({"video": "b.mp4"}, "mixed-keys"),
        ({"image": None, "video": ["b.mp4", "c.mp4"]}, "several-videos"),
        ({"image": "../a.jpg"}, "unsafe-path"),
        ({"image": "/a.jpg"}, "unsafe-path"),
        ({"image": "a\\b.jpg"}, "unsafe-path"),
        ({"image": "a//b.jpg"}, "unsafe-path"),
        ({"image": [1]}, "unsafe-path"),
        ({"image": "\ud800.jpg"}, "unsafe-path"),
        ({"image": []}, "bad-media"),
        ({"image": {}}, "bad-media"),
    ],
)
def test_media_that_do_not_match_the_placeholders_are_rejected(keys, reason):
    with pytest.raises(RejectedError) as caught:
        read(foreign(**keys), DEFAULTS)
    assert caught.value.reason == reason


def test_two_dots_inside_a_name_are_fine():
    assert read(foreign(image="a..b/c..jpg"), DEFAULTS)["media"][0]["path"] == "a..b/c..jpg"


def test_an_id_changed_after_export_is_rejected():
    record = write(pairs.pair()) | {"id": "mine"}
    with pytest.raises(RejectedError) as caught:
        read(record, DEFAULTS)
    assert caught.value.reason == "bad-id"


def test_the_mix_file_takes_every_data_file_whole():
    assert companions(["llava-train.json"]) == {
        "mix.yaml": "datasets:\n- json_path: llava-train.json\n  sampling_strategy: all\n"
    }


def test_a_record_is_recognised_by_its_placeholder_or_its_video():
    assert recognises(foreign())
    assert recognises({"video": "a.mp4", "conversations": []})
    assert not recognises(foreign(conversations=[{"from": "human", "value": "<|image|>"}]))
