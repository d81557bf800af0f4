"""Conversations into ids, answers and batches; what does not fit is named."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

from qbuild_backends.models.inputs import Turn  # noqa: E402
from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402
from qbuild_backends.models.vqa2.processor import Vqa2Processor  # noqa: E402
from vqa2_toys import QUESTION, drawn_clip, tiny_processor, turns  # noqa: E402

from qbuild.core.errors import InputError, UsageError  # noqa: E402
from qbuild.core.rows.rejections import RejectedError  # noqa: E402


@pytest.fixture(scope="module")
def processor() -> Vqa2Processor:
    return tiny_processor()


def text(processor, ids, short: bool = True) -> str:
    """Ids in words, a run of placeholders as one with its count."""
    whole = processor.tokenizer.decode(ids)
    for mark in ("<|video|>", "<|motion|>") if short else ():
        count = whole.count(mark)
        whole = whole.replace(mark * count, f"[{count} {mark[2:-2]}]") if count else whole
    return whole


def test_a_sample_reads_as_qwen2s_chat_with_visual_tokens_before_motion_tokens(processor):
    sample = processor.encode(turns(), drawn_clip(keys=2, motion=8))
    assert text(processor, sample.ids) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        f"<|im_start|>user\n[33 video][8 motion]{QUESTION}<|im_end|>\n"
        "<|im_start|>assistant\nThe quality of the video is good.<|im_end|>\n"
    )


def test_answers_are_the_assistants_words_and_their_end(processor):
    talk = [*turns(), Turn("user", "Why?"), Turn("assistant", "Noise.")]
    sample = processor.encode(talk, drawn_clip())
    said = text(processor, sample.ids[sample.answer])
    assert said == "The quality of the video is good.<|im_end|>Noise.<|im_end|>"


def test_an_open_end_leaves_the_answer_to_the_model(processor):
    picture = drawn_clip(keys=1, motion=None)
    begun = processor.encode(turns(1, "The quality of the image is"), picture, open_end=True)
    empty = processor.encode([Turn("user", "<image>Why?")], picture, open_end=True)
    assert text(processor, begun.ids).endswith("<|im_start|>assistant\nThe quality of the image is")
    assert text(processor, empty.ids).endswith("<|im_start|>assistant\n")


def test_a_given_system_turn_replaces_the_default_and_keeps_its_placeholders(processor):
    talk = [Turn("system", "Key frames: <image>. Motion: <image>."), Turn("user", "Well?")]
    said = text(processor, processor.encode(talk, drawn_clip(1, 4)).ids)
    assert said.startswith(
        "<|im_start|>system\nKey frames: [17 video]. Motion: [4 motion].<|im_end"
    )
    assert "helpful" not in said


def test_words_that_look_like_marks_stay_words(processor):
    plain = processor.encode([Turn("user", "<|im_end|><|motion|><|video|>")])
    marks = [processor.settings.visual_token_id, processor.settings.motion_token_id]
    assert not np.isin(plain.ids, marks).any()
    assert (plain.ids == processor.tokenizer.eos_token_id).sum() == 2  # of system and user


@pytest.mark.parametrize(
    ("marks", "clip", "said"),
    [
        (1, None, "1 placeholders <image> for no media; expected 0"),
        (
            2,
            drawn_clip(1, None),
            "2 placeholders <image> for key frames only; expected 1",
        ),
        (
            3,
            drawn_clip(),
            "3 placeholders <image> for key frames and motion; expected 2",
        ),
        (
            1,
            drawn_clip(),
            "1 placeholders <image> for key frames and motion; expected 2",
        ),
    ],
)
def test_placeholders_and_media_that_differ_are_rejected(processor, marks, clip, said):
    with pytest.raises(RejectedError) as caught:
        processor.encode(turns(marks), clip)
    assert caught.value.reason == "placeholders"
    assert caught.value.message.startswith(said)
    assert str(caught.value).endswith("Give the sample its medium, or correct its text.")


def message(processor, clip, **how):
    with pytest.raises(RejectedError) as caught:
        processor.encode(turns(), clip, **how)
    return caught.value.reason, caught.value.message


@pytest.mark.parametrize("open_end", [True, False])
def test_a_video_too_long_is_rejected_by_its_extent_with_the_message_of_its_frames(
    processor, open_end
):
    clip = drawn_clip(keys=2, motion=4_096)
    told = message(processor, clip, open_end=open_end)
    assert told == message(processor, clip.extent, open_end=open_end)
    reason, said = told
    words = len(processor.encode(turns(), drawn_clip(1, 4), open_end=open_end).ids) - 17 - 4
    assert reason == "too-long"
    assert said == (
        f"{words + 4_129:,} tokens, {words + 33} more than the context holds (33 of 2 key "
        f"frames, 4,096 of motion, {words} of text); expected 4,096 at most. Cut the video "
        "(`qbuild motion-clips --operations temporal`), or use fewer frames."
    )


def test_where_the_text_is_most_of_a_sample_too_long_it_is_the_text_to_shorten(processor):
    with pytest.raises(RejectedError, match=r"of text.* Shorten its text"):
        processor.encode(turns(answer="word " * 4_096), drawn_clip(2, 8))


def test_the_last_token_that_fits_fits(processor):
    length = len(processor.encode(turns(), drawn_clip(2, 8)).ids)
    room = processor.settings.max_length - length
    assert len(processor.encode(turns(), drawn_clip(2, 8 + room)).ids) == 4_096
    assert message(processor, drawn_clip(2, 9 + room))[0] == "too-long"


def test_an_extent_that_fits_is_not_taken_for_frames(processor):
    with pytest.raises(TypeError, match="an extent that fits"):
        processor.encode(turns(), drawn_clip().extent)


def test_a_text_longer_than_the_context_is_rejected_with_both_lengths(processor):
    with pytest.raises(RejectedError) as caught:
        processor.encode([Turn("user", "x" * 5_000)])
    assert "too-long: 5,016 tokens, 920 more than the context holds; expected 4,096" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"keys": np.zeros((1, 96, 96, 3), np.uint8)}, "key frames are uint8 [1, 96, 96, 3]"),
        ({"keys": np.zeros((0, 112, 112, 3), np.uint8)}, "key frames are uint8 [0, 112"),
        ({"motion": np.zeros((4, 48, 48, 3), np.float32)}, "motion frames are float32 [4, 48"),
    ],
)
def test_frames_of_another_size_or_type_are_rejected(processor, spoiled, said):
    with pytest.raises(RejectedError) as caught:
        processor.encode(turns(), replace(drawn_clip(), **spoiled))
    assert said in str(caught.value)
    assert "expected uint8 [n, " in str(caught.value)


def test_a_batch_pads_on_the_right_and_supervises_only_answers(processor):
    samples = [
        processor.encode(turns(), drawn_clip(2, 8)),
        processor.encode(turns(1), drawn_clip(1, None, seed=1)),
        processor.encode([Turn("user", "Hello"), Turn("assistant", "Good")]),
    ]
    batch = processor.collate(samples)
    lengths = [len(sample.ids) for sample in samples]
    assert batch["attention_mask"].sum(1).tolist() == lengths
    for row, sample in enumerate(samples):
        assert np.array_equal(batch["input_ids"][row, : lengths[row]], sample.ids)
        taught = batch["labels"][row] != -100
        assert np.array_equal(batch["labels"][row][taught], sample.ids[sample.answer])
    assert (batch["key_counts"].tolist(), batch["motion_counts"].tolist()) == ([2, 1, 0], [8, 0, 0])
    assert (batch["key_frames"].shape[0], batch["motion_frames"].shape[0]) == (3, 8)
    assert batch["key_frames"].dtype == torch.uint8


def test_the_length_of_a_sample_is_estimated_without_decoding(processor):
    def tokens(kind, prompt="none", frames=0, fps=0.0):
        return processor.estimate_tokens(kind, 400, frames, fps, prompt)

    assert [tokens(kind) for kind in ("text", "image", "video")] == [100, 116, 8 * 16 + 240 + 100]
    assert tokens("video", "training", 60, 20.0) == 3 * 16 + 60 + 132


def test_a_batch_for_generation_pads_on_the_left(processor):
    short, long = (processor.encode([Turn("user", "a" * n)], open_end=True) for n in (5, 50))
    batch = processor.collate([short, long], padding="left")
    assert batch["input_ids"][0, -len(short.ids) :].tolist() == short.ids.tolist()
    assert batch["attention_mask"][0].tolist() == sorted(batch["attention_mask"][0].tolist())


def test_a_processor_comes_back_from_its_folder(processor, tmp_path):
    processor.save(tmp_path)
    again = Vqa2Processor.load(tmp_path)
    assert again.settings == processor.settings
    one, other = (p.encode(turns(), drawn_clip()) for p in (processor, again))
    assert np.array_equal(one.ids, other.ids)


def test_whether_motion_is_shown_comes_back_and_was_so_before_it_was_written(processor, tmp_path):
    file = tmp_path / "vqa2_processor.json"
    for motion in (False, True):
        settings = replace(processor.settings, motion=motion)
        Vqa2Processor(processor.tokenizer, settings).save(tmp_path)
        assert Vqa2Processor.load(tmp_path).settings == settings
        motion_size = Vqa2Processor(processor.tokenizer, settings).clips.motion_size
        assert motion_size == (48 if motion else None)
    told = json.loads(file.read_text())
    assert told.pop("motion") is True
    file.write_text(json.dumps(told))
    assert Vqa2Processor.load(tmp_path).settings.motion is True


def test_a_folder_without_a_processor_is_rejected(tmp_path):
    with pytest.raises(InputError, match=r"holds no vqa2_processor\.json; expected the folder"):
        Vqa2Processor.load(tmp_path)


def test_a_tokenizer_without_qwen2s_marks_is_rejected():
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))
    with pytest.raises(UsageError, match=r"the tokenizer has no <\|im_start\|>"):
        FAMILY.processor(preset("tiny"), bare)
