"""Video prompts: the text around a video's features."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import vqa2_toys
from clips import make_clip
from images import write_image
from pairs import medium, pair, part, turns
from qbuild_backends.data.loader import Loader
from qbuild_backends.data.media_reader import MediaReader
from qbuild_backends.data.samples import read_samples
from qbuild_backends.inference.answering import Answerer
from qbuild_backends.inference.scoring import Scorer
from qbuild_backends.models.inputs import Turn
from qbuild_backends.models.vqa2.processor import Vqa2Processor
from qbuild_backends.models.vqa2.video_prompts import add_video_prompt
from running import rows_of, run_stage
from tables import rating_table, write_artifact
from vqa2_toys import drawn_clip, tiny_model
from vqa2_training import artifact

from qbuild.backends.protocol import Answering, Computing, Scoring
from qbuild.core.media_roots import MediaRoots, Medium
from qbuild.quality.published_text import VQA2_VIDEO_PROMPTS
from qbuild.stages import get_stage
from qbuild.stages.answer import make_request

VIDEO = replace(drawn_clip(keys=8, motion=4), num_frames=7, duration_s=8.008)
ASKED = (Turn("user", "<image>\nHow good?"), Turn("assistant", "Good."))


def test_the_training_prompt_gives_the_length_and_the_frames_that_are_shown():
    first, answer = add_video_prompt(ASKED, VIDEO.extent, "training")
    assert first.text.startswith("Now you will receive one video. This video is 8 seconds long,")
    assert "a total of 8 images: <image>." in first.text
    assert "all 4 frames of the entire video: <image>." in first.text
    assert first.text.endswith("answer the following question.\nHow good?")
    assert answer == ASKED[1]


@pytest.mark.parametrize("mark", ["<image>", "<image><image>", "<image>\n<image>"])
def test_one_placeholder_or_two_side_by_side_are_the_videos_place(mark):
    turns = [Turn("user", f"{mark}\nHow good?")]
    assert add_video_prompt(turns, VIDEO.extent, "none")[0].text == "<image>\n<image>\nHow good?"


def test_a_record_with_words_of_its_own_is_left_as_it_is():
    turns = [Turn("user", "Frames <image>, motion <image>. How good?")]
    assert add_video_prompt(turns, VIDEO.extent, "training") == turns


@pytest.mark.parametrize("mark", ["<image>", "<image><image>", "<image>\n<image>"])
def test_a_video_without_motion_has_one_placeholder(mark):
    still = replace(VIDEO, motion=None)
    turns = [Turn("user", f"{mark}\nHow good?"), ASKED[1]]
    first, answer = add_video_prompt(turns, still.extent, "none")
    assert first.text == "<image>\nHow good?"
    assert answer == ASKED[1]


@pytest.mark.parametrize("name", VQA2_VIDEO_PROMPTS)
def test_a_video_without_motion_keeps_the_rest_of_the_prompt(name):
    still = replace(VIDEO, motion=None)
    (text,) = (turn.text for turn in add_video_prompt(ASKED[:1], still.extent, name))
    (whole,) = (turn.text for turn in add_video_prompt(ASKED[:1], VIDEO.extent, name))
    assert text.count("<image>") == 1
    assert "motion" not in text
    assert text.endswith("\nHow good?")
    # in the order of the whole prompt, with nothing added but the end of a sentence
    words = iter(whole.replace(",", " ").replace(".", " ").split())
    assert all(word in words for word in text.replace(",", " ").replace(".", " ").split())


def test_an_image_keeps_its_one_placeholder():
    assert add_video_prompt(ASKED, drawn_clip(keys=1, motion=None).extent, "training") == list(
        ASKED
    )


# ------------------------------------------------- what training reads is what is asked afterwards


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A video whose length is not a multiple of a second or of four frames, and an image."""
    place = tmp_path_factory.mktemp("media")
    make_clip(place / "v.mp4", frames=78, rate=25)
    write_image(place / "p.png")
    return place


@pytest.fixture(scope="module")
def loaded():
    return vqa2_toys.loaded(tiny_model())


@pytest.fixture(scope="module")
def still(loaded):
    """The same model without motion tokens, videos as key frames."""
    processor = loaded.processor
    settings = replace(processor.settings, motion=False)
    return replace(loaded, processor=Vqa2Processor(processor.tokenizer, settings))


def stage(name, source, output, **options):
    run_stage(get_stage(name), source, output, **options)
    return output


def scoring_pairs(tmp_path, word_case):
    """`scoring-qa` on both media, with words of that case."""
    ratings = rating_table(
        2, path=["v.mp4", "p.png"], media_id=["d:v.mp4", "d:p.png"], dataset=["d", "d"]
    )
    levels = (
        ratings.append_column("mos_norm", ratings.column("mos"))
        .append_column("level", pa.array([5, 2], pa.int8()))
        .append_column("word", pa.array(["High", "Poor"]))
        .append_column("level_probs", pa.nulls(2, pa.list_(pa.float64())))
    )
    source = write_artifact(tmp_path / "levels.parquet", levels, "level", "mos-to-levels")
    return stage("scoring-qa", source, tmp_path / "pairs.parquet", word_case=word_case)


def as_pairs(pairs, _):
    return pairs


def as_llava(pairs, folder):
    return stage("export", pairs, folder / "llava", format="llava") / "llava.json"


def as_release(pairs, folder):
    """The records of LLaVA as the release has them: videos under `image`, with two placeholders."""
    records = json.loads(as_llava(pairs, folder).read_text())
    for record in records:
        if "video" in record:
            asked = record["conversations"][0]
            asked["value"] = asked["value"].replace("<image>", "<image>\n<image>")
            record |= {"image": record.pop("video"), "frames per sec": 25}
    (folder / "release.json").write_text(json.dumps(records))
    return folder / "release.json"


def trained(loaded, samples, frame):
    """Ids of each sample, and how many of them precede its answer."""
    reader = MediaReader(loaded.processor.clips)
    loader = Loader(samples.good, loaded.processor, reader, frame)
    (encoded,) = loader.stream([range(len(samples.good))])
    assert samples.bad == loader.skipped == []
    return [(one.ids, int(one.answer.argmax())) for one in encoded]


@pytest.mark.parametrize(
    ("word_case", "frame"),
    [
        ("capitalised", "training"),
        ("capitalised", "none"),
        ("lower", "scoring"),
        ("lower", "understanding"),
    ],
)
@pytest.mark.parametrize("form", [as_pairs, as_llava, as_release])
@pytest.mark.parametrize("of", ["loaded", "still"])
def test_the_model_is_asked_what_it_was_trained_on(
    request, of, media, tmp_path, form, word_case, frame
):
    loaded = request.getfixturevalue(of)
    pairs = scoring_pairs(tmp_path, word_case)
    roots, cpu = MediaRoots({"": media}), Computing("cpu")
    samples = read_samples([form(pairs, tmp_path)], roots)
    questions = [make_request(at, row, roots).payload for at, row in enumerate(rows_of(pairs), 1)]
    shown = [Medium(f"d:{name}", name, media / name) for name in ("v.mp4", "p.png")]
    asked = Answerer(loaded, Answering(frame, computing=cpu)).encoded(questions, [])
    scored = Scorer(loaded, Scoring(frame, computing=cpu)).encoded(shown, [])
    for (ids, count), answer, score in zip(
        trained(loaded, samples, frame), asked, scored, strict=True
    ):
        assert np.array_equal(ids[:count], answer.ids)
        assert len(score.ids) > count
        assert np.array_equal(ids[: len(score.ids)], score.ids)
        assert ("motion" not in score.media) == (of == "still" or len(score.media["visual"]) == 1)


@pytest.mark.parametrize("frame", ["training", "none"])
def test_a_system_prompt_and_earlier_turns_are_the_same_in_training_and_answers(
    loaded, media, tmp_path, frame
):
    talk = turns(["Look: ", 0, "\nSharp?"], ["No."], ["Why?"], ["It moves."])
    talk.insert(1, {"role": "user", "parts": [part("Really?")]})
    talk.insert(0, {"role": "system", "parts": [part("Be brief.")]})
    for system in ("You rate videos.", None):
        row = pair(media=[medium("v.mp4", "video")], system=system, turns=talk)
        place = artifact(tmp_path / f"{system}.parquet", [row])
        samples = read_samples([place], MediaRoots({"": media}))
        question = make_request(1, row, MediaRoots({"": media})).payload
        how = Answering(frame, computing=Computing("cpu"))
        ((ids, _),) = trained(loaded, samples, frame)
        (answer,) = Answerer(loaded, how).encoded([question], [])
        assert np.array_equal(ids[: len(answer.ids)], answer.ids)
        said = loaded.processor.tokenizer.decode(ids[len(answer.ids) :])
        assert said == "It moves.<|im_end|>\n"
