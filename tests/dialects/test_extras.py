from __future__ import annotations

import json

import pairs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbuild.core.rows.rejections import RejectedError
from qbuild.dialects import DIALECTS, get_dialect
from qbuild.dialects.dialect import Defaults

DEFAULTS = Defaults("elsewhere", "open")
both = pytest.mark.parametrize("name", DIALECTS)


def again(name, record):
    """The row of a record that went through a file."""
    return get_dialect(name).read(json.loads(json.dumps(record)), DEFAULTS)


@both
def test_all_columns_of_a_row_are_read_back(name):
    row = pairs.pair(
        media=[
            pairs.medium("v/1.mp4", "video", sha256="a" * 64, fps=29.97, num_frames=9, end_s=0.3)
        ],
        task="multi",
        options=["A", "B"],
        answer_key="B",
        split="test",
        labels={
            "mos_norm": 61.5,
            "level": 4,
            "word": "Good",
            "level_probs": [0, 0, 0.25, 0.5, 0.25],
        },
        provenance={"prompt": "p", "response_id": "r", "annotator": "n", "parents": ["one", "two"]},
    )
    assert again(name, get_dialect(name).write(row)) == row


@both
def test_a_media_id_that_differs_from_the_path_is_read_back(name):
    row = pairs.pair(media=[pairs.medium("media/spoiled.png", media_id="coco%3A17:785.jpg")])
    assert again(name, get_dialect(name).write(row)) == row


@both
def test_a_kind_that_contradicts_the_suffix_is_read_back(name):
    row = pairs.pair(media=[pairs.medium("odd.mp4", "image")])
    assert again(name, get_dialect(name).write(row)) == row


texts = st.text(st.sampled_from("<image>|\n …é😀"), min_size=1, max_size=12)


@both
@given(data=st.data())
def test_any_row_that_is_written_is_read_as_it_was(name, data):
    count = data.draw(st.integers(0, 3))
    pieces = st.lists(st.one_of(texts, *[st.just(n) for n in range(count)]), min_size=1, max_size=5)
    row = pairs.pair(
        media=[pairs.medium(f"{n}.jpg") for n in range(count)],
        turns=pairs.turns(data.draw(pieces), data.draw(pieces)),
        labels={"mos": data.draw(st.floats(allow_nan=False, allow_infinity=False))},
    )
    try:
        record = get_dialect(name).write(row)
    except RejectedError:
        return
    assert again(name, record) == row
    assert get_dialect(name).write(again(name, record)) == record


@both
def test_a_text_edited_after_export_is_a_new_sample_of_the_old_one(name):
    row = pairs.pair()
    record = get_dialect(name).write(row)
    record["conversations"][1]["value"] = "The quality of the image is poor."
    edited = again(name, record)
    assert edited["turns"][1]["parts"][0]["text"] == "The quality of the image is poor."
    assert edited["sample_id"] != row["sample_id"]
    assert edited["provenance"]["parents"] == [row["sample_id"]]
    assert edited["provenance"]["stage"] == "import-qa"


@both
def test_a_path_edited_after_export_is_rejected(name):
    record = get_dialect(name).write(pairs.pair()) | {"image": "koniq/2.jpg"}
    with pytest.raises(RejectedError, match=r"koniq/2.jpg.*koniq/1.jpg") as caught:
        again(name, record)
    assert caught.value.reason == "path-conflict"


@both
def test_a_removed_placeholder_is_rejected(name):
    record = get_dialect(name).write(pairs.pair())
    record["conversations"][0]["value"] = "How good is it?"
    with pytest.raises(RejectedError) as caught:
        again(name, record)
    assert caught.value.reason == "placeholder-count"


@both
@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ([], "bad-extras"),
        ({"media": {}}, "bad-extras"),
        ({"media": [{"path": "koniq/1.jpg"}]}, "bad-extras"),
        ({"media": []}, "media-mismatch"),
        ({"shown": "0"}, "media-mismatch"),
        ({"shown": [1]}, "media-mismatch"),
        ({"labels": 3}, "bad-extras"),
        ({"provenance": "me"}, "bad-extras"),
        ({"options": "AB"}, "bad-extras"),
        ({"provenance": {"stage": "x", "parents": "ab"}}, "bad-extras"),
        ({"text": "other", "task": None}, "bad-extras"),
        ({"text": "other", "task": "\ud800"}, "bad-extras"),
    ],
)
def test_a_damaged_qbuild_key_is_rejected(name, broken, reason):
    record = get_dialect(name).write(pairs.pair())
    record["qbuild"] = {**record["qbuild"], **broken} if isinstance(broken, dict) else broken
    with pytest.raises(RejectedError) as caught:
        again(name, record)
    assert caught.value.reason == reason


@both
def test_without_its_key_a_record_counts_as_made_elsewhere(name):
    record = get_dialect(name).write(pairs.pair()) | {"qbuild": None}
    row = again(name, record)
    assert row["media"][0]["media_id"] == "elsewhere:koniq/1.jpg"
    assert row["task"] == "open"
