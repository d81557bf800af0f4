"""Training from pairs to a checkpoint: what is in it, what moves, what stops it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")

import vqa2_toys  # noqa: E402
from pairs import medium  # noqa: E402
from qbuild_backends.backend import vqa2  # noqa: E402
from qbuild_backends.models.inputs import Turn  # noqa: E402
from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.training import base as training_base  # noqa: E402
from qbuild_backends.training import loop  # noqa: E402
from vqa2_toys import read_clip  # noqa: E402
from vqa2_training import (  # noqa: E402
    WORDS,
    image_pairs,
    spec,
    train,
    video_pairs,
)

from qbuild.backends.protocol import Computing, Scoring  # noqa: E402
from qbuild.core.artifact.output_folder import DESCRIPTION  # noqa: E402
from qbuild.core.errors import CombinedError, InputError, StageError, UsageError  # noqa: E402
from qbuild.core.media_roots import Medium  # noqa: E402
from qbuild.quality import lineage  # noqa: E402

torch.set_num_threads(1)


def losses(checkpoint):
    lines = (checkpoint / "losses.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def described(checkpoint):
    return json.loads((checkpoint / DESCRIPTION).read_text())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with images, videos and a checkpoint of three epochs on both."""
    place = tmp_path_factory.mktemp("trained")
    train(spec(place, image_pairs(place), video_pairs(place), epochs=3))
    return place


def test_the_loss_falls_and_the_checkpoint_is_a_model(trained):
    found = losses(trained / "checkpoint")
    assert len(found) == 9
    assert found[-1] < found[0] - 1
    model, processor = vqa2_toys.load(trained / "checkpoint")
    assert processor.settings.key_size == model.config.key_size
    assert not (trained / "checkpoint.training").exists()


def test_the_description_names_what_it_was_trained_on(trained):
    checkpoint = trained / "checkpoint"
    told = described(checkpoint)
    assert told["complete"]
    names = [one["name"] for one in told["lineage"]]
    assert names == ["images.parquet", "videos.parquet", "tiny"]
    known = {f"koniq:p{n}.png" for n in range(8)} | {f"koniq:v{n}.mp4" for n in range(4)}
    assert lineage.read_trained_media(checkpoint).ids == known
    assert told["report"]["samples"] == 12
    assert told["options"]["plan"] == "ugc-scorer"


def test_the_media_of_the_base_count_as_trained_on(trained, tmp_path):
    given = spec(tmp_path, image_pairs(tmp_path, 4), base=str(trained / "checkpoint"))
    found = lineage.read_trained_media(train(given))
    assert {"koniq:v3.mp4", "koniq:p7.png", "koniq:p0.png"} <= found.ids
    names = [one["name"] for one in described(given.output)["lineage"]]
    assert names == ["images.parquet", "checkpoint", "trained_on.parquet"]


def test_the_same_run_again_finds_its_checkpoint_whole(trained, monkeypatch):
    monkeypatch.setattr(loop.Loop, "run", None)  # nothing may be trained
    again = spec(trained, trained / "images.parquet", trained / "videos.parquet", epochs=3)
    assert train(again) == trained / "checkpoint"


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads(trained, tmp_path):
    pairs = (trained / "images.parquet", trained / "videos.parquet")
    given = spec(trained, *pairs, epochs=3, workers=3, cache=str(tmp_path / "kept"))
    other = train(type(given)(pairs, tmp_path / "other", given.media_roots, 0, given.settings))
    assert described(other)["files"] == described(trained / "checkpoint")["files"]


def test_passes_of_one_give_the_losses_of_passes_of_four(tmp_path):
    pairs = image_pairs(tmp_path, 6)  # and a last batch of two, cut in four passes
    one = losses(train(spec(tmp_path, pairs, per_device_batch=1)))
    four = losses(train(spec(tmp_path, pairs, per_device_batch=4)))
    assert one == pytest.approx(four, abs=1e-5)


def test_bfloat16_gives_nearly_the_losses_of_float32(tmp_path):
    pairs = (image_pairs(tmp_path), video_pairs(tmp_path))
    slow = {"learning_rate": 1e-5}  # at 1e-3 AdamW's first steps make rounding large
    full = losses(train(spec(tmp_path, *pairs, **slow)))
    half = losses(train(spec(tmp_path, *pairs, **slow, precision="bfloat16")))
    assert half == pytest.approx(full, abs=0.05)
    assert half != full


def test_gradient_checkpointing_changes_no_loss(tmp_path):
    pairs = video_pairs(tmp_path)
    plain = losses(train(spec(tmp_path, pairs, epochs=2)))
    saving = losses(train(spec(tmp_path, pairs, epochs=2, gradient_checkpointing=True)))
    # the fast pathway is not recomputed, so its batch norms see each video once
    assert saving == pytest.approx(plain, abs=1e-5)


@pytest.mark.parametrize(
    ("plan", "pairs", "moved"),
    [
        ("1-spatial", image_pairs, {"vision_tower", "multi_modal_projector", "image_newline"}),
        ("1-motion", video_pairs, {"motion_extractor", "motion_projector"}),
    ],
)
def test_stage_one_moves_its_groups_and_no_other_weight(tmp_path, plan, pairs, moved):
    made = train(spec(tmp_path, pairs(tmp_path, 4), plan=plan))
    before, _ = FAMILY.tiny(0)
    after, _ = vqa2_toys.load(made)
    weights = after.state_dict()
    changed = {
        name.split(".")[1]
        for name, tensor in before.state_dict().items()
        if not torch.equal(tensor, weights[name])
    }
    assert changed == moved


def test_lora_leaves_a_checkpoint_that_loads_like_any_other(tmp_path):
    made = train(spec(tmp_path, image_pairs(tmp_path, 4), lora_rank=2, epochs=2))
    model, _ = vqa2_toys.load(made)
    assert not [name for name, _ in model.named_parameters() if "lora" in name]
    before = FAMILY.tiny(0)[0].state_dict()
    after = model.state_dict()
    name = "model.language_model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(before[name], after[name])
    assert torch.equal(before["lm_head.weight"], after["lm_head.weight"])


def test_without_motion_the_motion_branch_stays_as_it_was(tmp_path):
    made = train(spec(tmp_path, video_pairs(tmp_path, 4), motion=False))
    before = FAMILY.tiny(0)[0].state_dict()
    after = vqa2_toys.load(made)[0].state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any("motion" in name for name in changed)


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A folder with videos and a checkpoint of two steps on only their key frames."""
    place = tmp_path_factory.mktemp("still")
    train(spec(place, video_pairs(place, 8, frames=40), motion=False))
    return place


def shown_motion(checkpoint):
    return vqa2_toys.load(checkpoint)[1].settings.motion


def test_a_model_without_motion_is_scored_on_key_frames(still):
    checkpoint = still / "checkpoint"
    model, processor = vqa2_toys.load(checkpoint)
    assert len(losses(checkpoint)) == 2
    assert processor.settings.motion is False
    files = [still / "media" / f"v{at}.mp4" for at in range(3)]
    media = [Medium(f"koniq:{file.name}", file.name, file) for file in files]
    how = Scoring(words=",".join(WORDS), computing=Computing("cpu"))
    vocabulary = processor.tokenizer.get_vocab()
    words = [vocabulary[f"Ġ{word}"] for word in WORDS]
    for file, found in zip(files, vqa2(str(checkpoint)).score(media, how), strict=True):
        clip = read_clip(file, key_size=112, motion_size=None)
        asked = Turn("user", "<image>\nHow would you rate the quality of this video?")
        said = Turn("assistant", "The quality of the video is")
        prompted = {"video_prompt": "scoring", "open_end": True}
        batch = processor.collate([processor.encode([asked, said], clip, **prompted)])
        del batch["labels"]
        with torch.inference_mode():
            logits = model(**batch).logits[0, -1, words]
        assert found.logits == pytest.approx(logits.tolist(), abs=2e-4)


@pytest.mark.parametrize(("motion", "shown"), [(None, False), (True, True)])
def test_a_base_without_motion_stays_without_it_unless_the_setting_restores_it(
    still, tmp_path, motion, shown
):
    base = str(still / "checkpoint")
    made = train(spec(tmp_path, video_pairs(tmp_path, 2), base=base, motion=motion))
    assert shown_motion(made) is shown
    before, after = (
        vqa2_toys.load(place)[0].state_dict() for place in (still / "checkpoint", made)
    )
    name = "model.motion_projector.linear_1.weight"
    assert torch.equal(before[name], after[name]) is not shown


def test_motion_is_shown_by_default(trained):
    assert shown_motion(trained / "checkpoint") is True


def test_a_base_without_motion_leaves_the_motion_stage_nothing_to_train(still, tmp_path):
    given = spec(tmp_path, video_pairs(tmp_path, 2), base=str(still / "checkpoint"))
    given.settings["plan"] = "1-motion"
    with pytest.raises(UsageError, match=r"was trained without motion.* Give --set motion=true"):
        train(given)


# ------------------------------------------------------------------------------ bad input


def with_a_bad_video(place):
    pairs = video_pairs(place, 4)
    video = place / "media" / "v2.mp4"
    video.write_bytes(video.read_bytes()[:400])
    return pairs


def test_a_bad_sample_stops_the_run_by_name(tmp_path):
    with pytest.raises(InputError) as told:
        train(spec(tmp_path, with_a_bad_video(tmp_path)))
    assert told.value.where.startswith("videos.parquet row 3 (sample ")
    assert "v2.mp4" in told.value.what
    assert "on_bad_sample=skip" in told.value.todo
    assert ".." not in str(told.value)
    assert not list(tmp_path.glob("*checkpoint*"))


def test_a_bad_sample_is_skipped_with_a_record_and_none_takes_its_place(tmp_path):
    pairs = (with_a_bad_video(tmp_path), image_pairs(tmp_path, 4, media=[medium("gone.png")]))
    made = train(spec(tmp_path, *pairs, on_bad_sample="skip", epochs=2))
    lines = (made / "skipped.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [one["reason"] for one in found[:4]] == ["missing-file"] * 4
    assert [one["sample"].split(" (")[0] for one in found[4:]] == ["videos.parquet row 3"]
    report = described(made)["report"]
    assert (report["samples"], report["skipped"], report["steps"]) == (3, 5, 2)


def test_a_run_that_stopped_at_a_bad_sample_resumes_by_skipping_it(tmp_path, capsys):
    pairs = (image_pairs(tmp_path, 8), with_a_bad_video(tmp_path))
    given = {"batch": 1, "per_device_batch": 1, "save_every": 1}
    with pytest.raises(InputError):
        train(spec(tmp_path, *pairs, **given))
    made = train(spec(tmp_path, *pairs, **given, on_bad_sample="skip"))
    assert "resuming from step" in capsys.readouterr().err
    assert described(made)["report"]["skipped"] == 1


def test_a_run_that_skips_all_it_draws_leaves_no_checkpoint_and_no_states(tmp_path):
    given = spec(tmp_path, with_a_bad_video(tmp_path), on_bad_sample="skip", epochs=2)
    for video in (tmp_path / "media").iterdir():
        video.write_bytes(video.read_bytes()[:400])
    with pytest.raises(InputError, match="a sample to train on, but all 4 samples were skipped"):
        train(given)
    assert not list(tmp_path.glob("*checkpoint*"))


def pairs_of_two_splits(place):
    """Two pairs of split test, four of split train."""
    test = image_pairs(place, 2, split="test").rename(place / "test.parquet")
    return [test, image_pairs(place, 4)]


def test_rows_of_other_splits_are_left_out_and_reported(tmp_path, capsys):
    made = train(spec(tmp_path, *pairs_of_two_splits(tmp_path)))
    report = described(made)["report"]
    assert (report["samples"], report["left_out"]) == (4, {"test": 2})
    assert "2 rows of other splits left out: test (2 rows)" in capsys.readouterr().err


def test_a_checkpoint_is_not_up_to_date_for_other_splits(tmp_path):
    pairs = pairs_of_two_splits(tmp_path)
    first = described(train(spec(tmp_path, *pairs)))["report"]
    every = replace(spec(tmp_path, *pairs), splits=("all",))
    assert described(train(every))["report"]["samples"] == 6
    assert described(train(replace(every, splits=("train",))))["report"] == first


def test_a_run_cut_short_by_its_steps_counts_the_samples_that_it_drew(tmp_path):
    made = train(spec(tmp_path, image_pairs(tmp_path, 8), batch=2, max_steps=3))
    assert described(made)["report"]["samples"] == 6


def test_a_run_without_a_valid_sample_is_rejected_even_if_bad_ones_may_be_skipped(tmp_path):
    pairs = video_pairs(tmp_path, 2)
    with pytest.raises(CombinedError, match="the plan trains only on an image"):
        train(spec(tmp_path, pairs, plan="1-spatial", on_bad_sample="skip"))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"device": "cuda"}, "no GPU that torch"),
        ({"base": "0.5b"}, "names only shapes"),
        ({"base": "tinny"}, r"is neither a folder nor a preset; .* Did you mean tiny\?"),
    ],
)
def test_settings_that_the_machine_or_the_base_does_not_support_are_rejected(
    tmp_path, settings, told
):
    if "device" in settings and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(UsageError, match=told):
        train(spec(tmp_path, image_pairs(tmp_path, 4), **settings))


def test_a_base_whose_weights_have_other_shapes_names_one(trained, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    for file in (trained / "checkpoint").iterdir():
        (base / file.name).write_bytes(file.read_bytes())
    config = json.loads((base / "config.json").read_text())
    config["text_config"]["intermediate_size"] = 256
    (base / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        InputError, match=r"mlp\.\w+\.weight is \[384, 128\], not \[256, 128\] \(9 in all"
    ):
        train(spec(tmp_path, image_pairs(tmp_path, 4), base=str(base)))


def test_a_base_with_a_damaged_processor_is_rejected_with_the_file_name(trained, tmp_path):
    base = shutil.copytree(trained / "checkpoint", tmp_path / "base")
    (base / "vqa2_processor.json").write_text("{")
    with pytest.raises(InputError, match=r"base/vqa2_processor\.json: cannot be read"):
        train(spec(tmp_path, image_pairs(tmp_path, 4), base=str(base)))


def test_out_of_memory_names_the_setting_to_lower(tmp_path, monkeypatch):
    def full(*_args):
        raise torch.OutOfMemoryError("tried to allocate 20 GiB")

    monkeypatch.setattr(loop, "sample_losses", full)
    with pytest.raises(StageError, match=r"out of memory .* Lower per_device_batch to 1"):
        train(spec(tmp_path, image_pairs(tmp_path, 4)))


def test_steps_leave_the_environment_alone_which_threads_of_decoders_read(tmp_path, monkeypatch):
    from accelerate.utils import environment

    def changed():
        raise AssertionError("the environment is cleared while threads decode")

    run = loop.Loop.run

    def watched(self, progress):
        with monkeypatch.context() as patched:
            patched.setattr(environment, "clear_environment", changed)
            return run(self, progress)

    monkeypatch.setattr(loop.Loop, "run", watched)
    train(spec(tmp_path, image_pairs(tmp_path, 4), precision="bfloat16"))


def test_a_nan_loss_stops_the_run_and_names_the_samples(tmp_path):
    with pytest.raises(StageError, match=r"the loss is nan on images\.parquet row"):
        train(spec(tmp_path, image_pairs(tmp_path, 8), learning_rate=1e30, max_norm=0))


def test_a_folder_of_other_things_is_not_written_over(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="holds something other"):
        train(spec(tmp_path, image_pairs(tmp_path, 4)))
    assert (tmp_path / "checkpoint" / "thesis.tex").exists()


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    made = train(spec(tmp_path, image_pairs(tmp_path, 4)))
    assert described(made)["report"]["samples"] == 4


def test_who_may_read_the_checkpoint_may_read_its_weights(trained):
    modes = {file.stat().st_mode & 0o444 for file in (trained / "checkpoint").iterdir()}
    assert len(modes) == 1


def test_devices_that_do_not_divide_the_batch_are_rejected(tmp_path):
    from vqa2_training import settings_of

    settings = settings_of({"base": "tiny", "plan": "assistant", "batch": 8})
    training_base.check_devices(settings, 8)
    with pytest.raises(UsageError, match="expected a multiple of 3"):
        training_base.check_devices(settings, 3)


# ------------------------------------------------------------------ what was not learnt


def test_a_branch_that_no_sample_went_through_is_reported_as_without_gradient(tmp_path):
    report = described(train(spec(tmp_path, image_pairs(tmp_path, 4))))["report"]
    shares = report["parameters"]
    assert shares["vision_tower"]["trained"] > 0
    for group in ("motion_extractor", "motion_projector"):
        assert shares[group]["trained"] == 0
        assert report["no_gradient"][group] == {
            "parameters": shares[group]["parameters"],
            "without": ["video"],
        }


def test_with_videos_every_group_receives_a_gradient(trained):
    report = described(trained / "checkpoint")["report"]
    assert "no_gradient" not in report
    assert all(share["trained"] for share in report["parameters"].values())


def test_predictions_that_hardly_vary_are_warned_of(tmp_path, capsys):
    made = train(spec(tmp_path, image_pairs(tmp_path, 10), learning_rate=1e-9))
    assert "warning: the predicted levels hardly vary: " in capsys.readouterr().err
    levels = json.loads((made / "run.json").read_text())["levels"]
    assert (levels["on"], levels["samples"]) == ("training", 10)
