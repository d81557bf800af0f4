"""Scores of media: the same as one by one with everything computed, in any batch, in order."""

from __future__ import annotations

import json
import multiprocessing
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

import fragile  # noqa: E402
import vqa2_toys  # noqa: E402
from clips import make_clip, overwrite_middle  # noqa: E402
from fragile_family import fragile_backend  # noqa: E402
from images import write_image  # noqa: E402
from qbuild_backends.backend import vqa2  # noqa: E402
from qbuild_backends.checkpoints import saving  # noqa: E402
from qbuild_backends.inference.loading import find_device  # noqa: E402
from qbuild_backends.models.inputs import Turn  # noqa: E402
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from vqa2_toys import (  # noqa: E402
    fixed_init,
    read_clip,
    tiny_processor,
)

from qbuild.backends.protocol import Computing, Rejected, Scored, Scoring  # noqa: E402
from qbuild.core.errors import InputError, StageError, UsageError  # noqa: E402
from qbuild.core.media_roots import Medium  # noqa: E402
from qbuild.quality.published_text import VQA2_VIDEO_PROMPTS  # noqa: E402

WORDS = ("low", "poor", "fair", "good", "high")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The tiny preset with weights that a seed fixes, in a folder."""
    place = tmp_path_factory.mktemp("models") / "fixed"
    model = fixed_init(Vqa2ForConditionalGeneration(preset("tiny")), 1).eval()
    saving.save(place, model, tiny_processor())
    return place


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Pictures and videos of different lengths, and two files that are neither."""
    place = tmp_path_factory.mktemp("media")
    for name, frames in (("a.mp4", 9), ("c.mp4", 70), ("e.mp4", 2), ("g.mp4", 40)):
        make_clip(place / name, frames=frames)
    for seed, name in enumerate(("b.png", "d.png", "h.jpg")):
        write_image(place / name, seed=seed)
    (place / "f.mp4").write_text("no video")
    (place / "i.png").touch()
    return [Medium(f"set:{p.name}", p.name, p) for p in sorted(place.iterdir())]


def scored(checkpoint, media, batch=4, **how):
    computing = Computing(device="cpu", batch=batch)
    return list(vqa2(str(checkpoint)).score(media, Scoring(computing=computing, **how)))


def one_by_one(checkpoint, medium):
    """The words' logits by `generate`, which computes the head over the whole vocabulary."""
    model, processor = vqa2_toys.load(checkpoint)
    clip = read_clip(medium.file, key_size=112, motion_size=48)
    kind = "image" if clip.motion is None else "video"
    around = "<image>" if kind == "image" else VQA2_VIDEO_PROMPTS["scoring"]
    said = (
        Turn("user", f"{around}\nHow would you rate the quality of this {kind}?"),
        Turn("assistant", f"The quality of the {kind} is"),
    )
    batch = processor.collate([processor.encode(said, clip, open_end=True)])
    del batch["labels"]
    told = model.generate(
        **batch,
        max_new_tokens=1,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )
    vocabulary = processor.tokenizer.get_vocab()
    return told.logits[0][0, [vocabulary[f"Ġ{word}"] for word in WORDS]].tolist()


def test_scores_are_those_of_generate_one_by_one(checkpoint, media):
    good = [medium for medium in media if medium.path not in {"f.mp4", "i.png"}]
    found = scored(checkpoint, good)
    for medium, score in zip(good, found, strict=True):
        assert score.words == WORDS
        logits = np.array(one_by_one(checkpoint, medium))
        assert score.logits == pytest.approx(logits, abs=2e-4)
        shares = np.exp(logits - logits.max())
        expected = shares @ [0, 0.25, 0.5, 0.75, 1] / shares.sum()
        assert score.score == pytest.approx(expected, abs=1e-4)
    assert len({score.score for score in found}) == len(found)


def test_no_batch_size_moves_a_score_or_its_place(checkpoint, media):
    first, *others = (scored(checkpoint, media, batch=size) for size in (1, 3, 16))
    for other in others:
        for one, two in zip(first, other, strict=True):
            assert type(one) is type(two)
            if not isinstance(one, Rejected):
                assert one.media_id == two.media_id
                assert one.logits == pytest.approx(two.logits, abs=2e-4)


def test_a_medium_that_cannot_be_read_is_rejected_at_its_position(checkpoint, media):
    found = scored(checkpoint, media)
    ids = [one.of if isinstance(one, Rejected) else one.media_id for one in found]
    assert ids == [medium.media_id for medium in media]
    reasons = {one.of: one.rejection.reason for one in found if isinstance(one, Rejected)}
    assert reasons == {"set:f.mp4": "not-a-video", "set:i.png": "empty-file"}


def test_a_video_that_crashes_its_decoder_is_rejected_and_the_rest_is_scored(
    checkpoint, media, tmp_path
):
    crash = shutil.copy(media[0].file, tmp_path / "crash.mp4")
    given = [*media[:2], Medium("set:crash.mp4", "crash.mp4", crash), *media[2:4]]
    how = Scoring(computing=Computing(device="cpu", batch=4))
    backend = fragile_backend(str(checkpoint))
    found = list(backend.score(given, how))
    refused = found.pop(2)
    assert (refused.of, refused.rejection.reason) == ("set:crash.mp4", "decoder-crashed")
    whole = scored(checkpoint, media[:4])
    assert [one.media_id for one in found] == [one.media_id for one in whole]
    for one, two in zip(found, whole, strict=True):
        assert one.logits == pytest.approx(two.logits, abs=2e-4)


def test_no_process_is_left_where_scoring_ends_early(checkpoint, media):
    found = vqa2(str(checkpoint)).score(media * 3, Scoring(computing=Computing("cpu")))
    next(found)
    found.close()
    assert multiprocessing.active_children() == []


def test_media_are_asked_for_no_further_ahead_than_they_are_used(checkpoint, media):
    taken = []

    def watched():
        for number in range(1_000):
            taken.append(number)
            yield media[1]

    how = Scoring(computing=Computing(device="cpu", batch=2, readers=1))
    next(vqa2(str(checkpoint)).score(watched(), how))
    assert len(taken) <= 16


def test_nothing_asked_nothing_scored(checkpoint):
    assert scored(checkpoint, []) == []


def test_the_release_reads_small_letters_and_weighs_the_lowest_a_fifth(checkpoint, media):
    (found,) = scored(checkpoint, media[:1], words="release")
    shares = np.exp(found.logits) / np.exp(found.logits).sum()
    assert found.words == ("low", "poor", "fair", "good", "high")
    assert found.score == pytest.approx(shares @ [0.2, 0.4, 0.6, 0.8, 1.0], abs=1e-9)


def test_words_and_weights_are_options_apart(checkpoint, media):
    (paper,) = scored(checkpoint, media[:1])
    (release,) = scored(checkpoint, media[:1], weights="release")
    (as_release,) = scored(checkpoint, media[:1], words="release")
    (own,) = scored(checkpoint, media[:1], weights="0, 0.1, 0.2, 0.3, 1")
    (capitalised,) = scored(checkpoint, media[:1], words="vqa2-capitalised")
    assert paper.words == ("low", "poor", "fair", "good", "high")
    assert capitalised.words == ("Low", "Poor", "Fair", "Good", "High")
    assert paper.logits == release.logits == own.logits != capitalised.logits
    assert release.score == as_release.score == pytest.approx(0.2 + 0.8 * paper.score)
    shares = np.exp(own.logits) / np.exp(own.logits).sum()
    assert own.score == pytest.approx(shares @ [0, 0.1, 0.2, 0.3, 1])


@pytest.mark.parametrize(
    ("trained_on", "words"),
    [
        (["excellent", "poor"], ("bad", "poor", "fair", "good", "excellent")),
        (["Fair", "High"], ("Low", "Poor", "Fair", "Good", "High")),
        (["fair", "poor"], ("low", "poor", "fair", "good", "high")),
        ([], ("low", "poor", "fair", "good", "high")),
    ],
)
def test_the_words_are_those_that_the_model_was_trained_on(
    checkpoint, media, tmp_path, trained_on, words
):
    trained = shutil.copytree(checkpoint, tmp_path / "trained")
    before = vqa2(str(trained)).fingerprint()
    (trained / "level_words.json").write_text(json.dumps(trained_on))
    (found,) = scored(trained, media[:1])
    assert found.words == words
    assert vqa2(str(trained)).fingerprint() != before


def test_a_model_trained_on_unknown_words_must_be_given_them(checkpoint, media, tmp_path):
    trained = shutil.copytree(checkpoint, tmp_path / "trained")
    (trained / "level_words.json").write_text('["awful", "High"]')
    with pytest.raises(UsageError, match=r"--words auto: .* High, awful; .* Name the words"):
        scored(trained, media[:1])
    assert scored(trained, media[:1], words="poor,good")[0].words == ("poor", "good")


@pytest.mark.parametrize("weights", ["relaese", "0,1", "0,1,2,3,4", "0,.5,x,.8,1", "0,0,nan,1,1"])
def test_unfit_weights_are_rejected_with_what_was_expected(checkpoint, media, weights):
    expected = f"--weights {weights}: does not weight the 5 words; .* 5 numbers from 0 to 1"
    with pytest.raises(UsageError, match=expected):
        scored(checkpoint, media[:1], weights=weights)


def test_the_temperature_divides_the_logits_and_leaves_those_kept(checkpoint, media):
    (cold,), (hot,) = (scored(checkpoint, media[:1], temperature=t) for t in (1.0, 1e6))
    assert cold.logits == hot.logits
    assert hot.score == pytest.approx(0.5, abs=1e-5) != cold.score


def test_a_video_gets_the_video_prompt_and_an_image_none(checkpoint, media):
    pair = media[:2]
    first, second = (scored(checkpoint, pair, video_prompt=f) for f in ("scoring", "training"))
    assert first[0].logits != pytest.approx(second[0].logits, abs=1e-3)
    assert first[1].logits == pytest.approx(second[1].logits, abs=2e-4)


def test_words_may_be_ones_own_worst_to_best(checkpoint, media):
    (found,) = scored(checkpoint, media[:1], words="poor, good")
    assert found.words == ("poor", "good")


def test_a_word_of_two_tokens_is_rejected_by_name(checkpoint, media):
    with pytest.raises(UsageError, match="'marvellous' after 'The quality of the image is'"):
        scored(checkpoint, media[:1], words="poor,marvellous")


@pytest.mark.parametrize("temperature", [0, -1, float("inf"), float("nan")])
def test_a_temperature_that_is_not_above_0_is_rejected(checkpoint, media, temperature):
    with pytest.raises(UsageError, match=f"--temperature {temperature}: .* a number above 0"):
        scored(checkpoint, media[:1], temperature=temperature)


def test_an_unknown_set_of_words_is_reported_with_similar_ones(checkpoint, media):
    with pytest.raises(UsageError, match="Did you mean release"):
        scored(checkpoint, media[:1], words="relaese")


def test_logits_that_are_not_finite_are_rejected_with_what_to_check(checkpoint, media, tmp_path):
    place = shutil.copytree(checkpoint, tmp_path / "damaged") / "model.safetensors"
    weights = load_file(place)
    weights["model.language_model.norm.weight"][:] = float("nan")
    save_file(weights, place, metadata={"format": "pt"})
    (found,) = scored(place.parent, media[:1])
    assert found.rejection.reason == "not-finite"
    assert "nan, nan, nan, nan, nan; expected finite numbers. Check the" in found.rejection.message


def test_bfloat16_scores_are_near_those_of_float32(checkpoint, media):
    backend = vqa2(str(checkpoint))
    found = [
        next(backend.score(media[:1], Scoring(computing=Computing("cpu", dtype)))).score
        for dtype in ("float32", "bfloat16")
    ]
    assert found[0] == pytest.approx(found[1], abs=0.05)


def test_a_medium_longer_than_the_context_is_rejected_with_its_tokens(checkpoint, media, tmp_path):
    short = shutil.copytree(checkpoint, tmp_path / "short")
    place = short / "vqa2_processor.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"max_length": 140}))
    bad = overwrite_middle(make_clip(tmp_path / "long.mp4", frames=200))  # damaged, were it decoded
    found = scored(short, [*media[:4], Medium("set:long", "long.mp4", bad)])
    assert [type(one) for one in found] == [Scored, Scored, Rejected, Scored, Rejected]
    for refused in (found[2].rejection, found[4].rejection):
        assert refused.reason == "too-long"
        assert "expected 140 at most. Cut the video" in refused.message
    assert "(113 of 7 key frames, 200 of motion, 106 of text)" in found[4].rejection.message


# ----------------------------------------------------------------- which model, where


def test_the_model_is_named_after_its_folder_and_a_preset_is_marked_untrained(checkpoint):
    assert vqa2(str(checkpoint)).model == "fixed"
    assert vqa2().model == "tiny (untrained)"


def test_a_model_is_identified_by_its_content_in_any_folder(checkpoint, tmp_path):
    there = vqa2(str(checkpoint)).fingerprint()
    moved = shutil.copytree(checkpoint, tmp_path / "moved")
    assert vqa2(str(moved)).fingerprint() == there
    weights = moved / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert vqa2(str(moved)).fingerprint() != there != vqa2("tiny").fingerprint()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tinny", "Did you mean tiny?"),
        ("7b", "expected the folder of a checkpoint"),
        ("no/such/folder", "is neither a folder nor a preset"),
    ],
)
def test_an_unknown_model_name_is_reported_with_the_known_ones(name, told, media):
    with pytest.raises(UsageError) as caught:
        scored(name, media[:1])
    assert told in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ('{"model_type": "llava_onevision"}', "a model of type 'llava_onevision'; expected vqa2"),
        ("[]", "is not a JSON object"),
        (None, "holds no config.json"),
    ],
)
def test_a_folder_of_another_model_is_rejected(config, told, media, tmp_path):
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    backend = vqa2(str(tmp_path))
    with pytest.raises(InputError, match=told):
        backend.fingerprint()
    with pytest.raises(InputError, match=told):
        backend.score(media[:1])


def cut_short(place):
    data = place.joinpath("model.safetensors").read_bytes()
    place.joinpath("model.safetensors").write_bytes(data[: len(data) // 2])


def without_weights(place):
    place.joinpath("model.safetensors").unlink()


def changed(file, **values):
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def of_other_shapes(place):
    config = json.loads(place.joinpath("config.json").read_text())
    config["text_config"]["intermediate_size"] *= 2
    place.joinpath("config.json").write_text(json.dumps(config))


def of_no_shapes(place):
    changed(place / "config.json", text_config={"hidden_size": "wide"})


def without_a_tensor(place):
    tensors = load_file(place / "model.safetensors")
    del tensors["model.image_newline"]
    save_file(tensors, place / "model.safetensors", metadata={"format": "pt"})


def without_tokenizer(place):
    place.joinpath("tokenizer.json").unlink()


def of_another_tokenizer(place):
    place.joinpath("tokenizer.json").write_text("{}")


def of_other_frames(place):
    changed(place / "vqa2_processor.json", key_size=384)


def of_unknown_frames(place):
    place.joinpath("vqa2_processor.json").write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (cut_short, r"damaged/model\.safetensors: cannot be read"),
        (without_weights, r"damaged: holds no checkpoint; expected one of .*model\.safetensors"),
        (without_a_tensor, r"model\.image_newline is missing, not \[128\] \(1 in all"),
        (of_other_shapes, r"is \[384, 128\], not \[768, 128\] \(9 in all"),
        (of_no_shapes, r"config\.json: is not a valid configuration of vqa2 \(.*hidden_size"),
        (without_tokenizer, r"damaged: holds no tokenizer\.json"),
        (of_another_tokenizer, r"damaged/tokenizer\.json: cannot be read"),
        (of_other_frames, r"does not fit the configuration: key_size is 384, the model's 112"),
        (of_unknown_frames, r"vqa2_processor\.json: cannot be read .*missing 6 required"),
    ],
)
def test_an_incomplete_checkpoint_is_rejected(checkpoint, media, tmp_path, spoil, told):
    place = shutil.copytree(checkpoint, tmp_path / "damaged")
    spoil(place)
    with pytest.raises(InputError, match=told) as caught:
        scored(place, media[:1])
    assert caught.value.exit_code == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_is_reported_with_the_available_devices():
    with pytest.raises(
        UsageError, match=r"--device cuda: there is no GPU .*expected cpu"
    ) as caught:
        find_device("cuda")
    assert caught.value.exit_code == 2
    assert find_device("auto").type == "cpu"


def test_out_of_memory_while_media_are_read_names_the_setting_to_lower(checkpoint, media):
    backend = fragile_backend(str(checkpoint), fragile.ClipsWithoutMemory)
    found = backend.score(media[:1], Scoring(computing=Computing("cpu", batch=4)))
    with pytest.raises(StageError, match=r"out of memory on cpu at --batch 4 .*Lower --batch"):
        list(found)
