"""The words around a video's features."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

from dataclasses import replace

from qbuild_backends.vqa2.framing import framed
from qbuild_backends.vqa2.processor import Turn
from vqa2_toys import drawn_clip

VIDEO = replace(drawn_clip(keys=8, motion=4), num_frames=240, duration_s=8.008)
ASKED = (Turn("user", "<image>\nHow good?"), Turn("assistant", "Good."))


def test_the_training_frame_tells_length_key_frames_and_frames_where_the_video_stood():
    first, answer = framed(ASKED, VIDEO, "training")
    assert first.text.startswith("Now you will receive one video. This video is 8 seconds long,")
    assert "a total of 8 images: <image>." in first.text
    assert "all 240 frames of the entire video: <image>." in first.text
    assert first.text.endswith("answer the following question.\nHow good?")
    assert answer == ASKED[1]


@pytest.mark.parametrize("mark", ["<image>", "<image><image>", "<image>\n<image>"])
def test_one_placeholder_or_two_side_by_side_are_the_videos_place(mark):
    turns = [Turn("user", f"{mark}\nHow good?")]
    assert framed(turns, VIDEO, "none")[0].text == "<image>\n<image>\nHow good?"


def test_a_record_with_words_of_its_own_is_left_as_it_is():
    turns = [Turn("user", "Frames <image>, motion <image>. How good?")]
    assert framed(turns, VIDEO, "training") == turns


def test_a_picture_keeps_its_one_placeholder():
    assert framed(ASKED, drawn_clip(keys=1, motion=None), "training") == list(ASKED)
