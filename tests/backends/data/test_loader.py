"""Samples decoded ahead: same order and bytes with any number of threads, kept frames, bad ones."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

import torch
from clips import make_clip, overwrite_middle, truncate
from fragile_family import fragile_processor
from images import write_image
from pairs import pair
from pairs import turns as said
from qbuild_backends.data.loader import Loader
from qbuild_backends.data.media_reader import MediaReader
from qbuild_backends.data.sample import Sample
from qbuild_backends.models.inputs import Turn
from qbuild_backends.models.vqa2.processor import Vqa2Processor
from qbuild_backends.training.losses import sample_losses
from vqa2_toys import tiny_model, tiny_processor
from vqa2_training import artifact, image_pairs, spec, train

from qbuild.core.errors import DiskError, InputError

KINDS = ("image", "video")


def sample(file, kind, question="<image>\nHow good?"):
    turns = (Turn("user", question), Turn("assistant", "good"))
    return Sample(file.name, turns, kind, f"made:{file.name}", file)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    pictures = [sample(write_image(folder / f"{n}.png", seed=n), "image") for n in range(4)]
    videos = [
        sample(make_clip(folder / f"{n}.mp4", frames=6 + n, width=64, height=48), "video")
        for n in range(3)
    ]
    return pictures + videos


def loaded(samples, passes, folder=None, processor=None, workers=0):
    processor = processor or tiny_processor()
    loader = Loader(samples, processor, MediaReader(processor.clips, folder), "none", workers)
    return loader, list(loader.stream(passes))


def same(one, two):
    return all(
        np.array_equal(a.ids, b.ids)
        and a.media.keys() == b.media.keys()
        and all(np.array_equal(a.media[name], b.media[name]) for name in a.media)
        for first, second in zip(one, two, strict=True)
        for a, b in zip(first, second, strict=True)
    )


def test_the_number_of_threads_changes_nothing(samples):
    order = [[3, 6], [0], [5, 4, 1], [2]]
    _, plain = loaded(samples, order, workers=0)
    for workers in (1, 3):
        assert same(plain, loaded(samples, order, workers=workers)[1])


def test_an_image_fills_one_placeholder_and_a_video_two(samples):
    _, [encoded] = loaded(samples, [[0, 4]])
    assert "motion" not in encoded[0].media
    assert len(encoded[1].media["motion"]) == 4  # of 6, cut to a multiple of 4
    settings = tiny_processor().settings
    assert (encoded[1].ids == settings.motion_token_id).sum() == 4


def test_kept_frames_are_the_decoded_ones_whatever_the_file_is_called(samples, tmp_path):
    order = [[0, 4], [5]]
    _, plain = loaded(samples, order)
    loaded(samples, order, tmp_path / "kept")
    moved = tmp_path / "moved.mp4"
    moved.write_bytes(samples[4].file.read_bytes())
    kept = sorted((tmp_path / "kept").rglob("*.npy"))
    again = [samples[0], *samples[1:4], sample(moved, "video"), samples[5]]
    assert same(plain, loaded(again, order, tmp_path / "kept")[1])
    assert sorted((tmp_path / "kept").rglob("*")) == sorted({*kept, *(p.parent for p in kept)})


def test_damaged_cached_frames_are_reported_with_their_file(samples, tmp_path):
    loaded(samples, [[0]], tmp_path / "kept")
    (file,) = (tmp_path / "kept").rglob("*.npy")
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(
        InputError, match=r"\.npy: does not hold a complete clip .* Remove the file"
    ):
        loaded(samples, [[0]], tmp_path / "kept")


def test_an_unwritable_frame_cache_is_reported(samples, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskError, match="cannot be written"):
        loaded(samples, [[0]], tmp_path / "file")


def test_bad_samples_are_left_out_by_name_and_the_rest_stays(samples, tmp_path):
    broken = truncate(samples[4].file, 0.5)
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    picture = samples[0].file
    bad = [
        sample(broken, "video"),
        sample(empty, "video"),
        sample(picture, "video"),
        sample(picture, "image", "<image><image>"),
        sample(picture, "image", "<image>" + "long " * 5_000),
    ]
    mixed = [samples[1], *bad, samples[2]]
    for workers in (0, 2):
        loader, [first, rest] = loaded(mixed, [[0, 1, 2, 3], [4, 5, 6]], workers=workers)
        assert (len(first), len(rest)) == (1, 1)
        assert same([first, rest], loaded(samples, [[1], [2]])[1])
        reasons = [one.rejection.reason for one in loader.skipped]
        assert reasons[1:] == ["empty-file", "other-kind", "placeholders", "too-long"]
        assert loader.skipped[0].of == broken.name
        assert "2 placeholders" in loader.skipped[3].rejection.message
        assert "more than the context holds" in loader.skipped[4].rejection.message


@pytest.mark.parametrize("workers", [0, 2])
def test_a_video_that_crashes_its_decoder_is_left_out_by_name(samples, tmp_path, workers):
    crash = tmp_path / "crash.mp4"
    crash.write_bytes(samples[4].file.read_bytes())
    mixed = [samples[0], sample(crash, "video"), samples[4], samples[5]]
    loader, found = loaded(
        mixed, [[0, 1], [2, 3]], tmp_path / "kept", fragile_processor(tiny_processor()), workers
    )
    assert same(found, loaded(samples, [[0], [4, 5]])[1])
    (skipped,) = loader.skipped
    assert (skipped.of, skipped.rejection.reason) == ("crash.mp4", "decoder-crashed")
    assert "SIGSEGV" in skipped.rejection.message


def test_a_video_longer_than_the_context_is_left_out_undecoded(tmp_path):
    whole = tiny_processor()
    short = Vqa2Processor(whole.tokenizer, replace(whole.settings, max_length=250))
    bad = overwrite_middle(make_clip(tmp_path / "long.mp4", frames=200))  # damaged, were it decoded
    loader, _ = loaded([sample(bad, "video")], [[0]], processor=short)
    (skipped,) = loader.skipped
    assert skipped.rejection.reason == "too-long"
    assert (
        "more than the context holds (113 of 7 key frames, 200 of motion"
        in skipped.rejection.message
    )


TEXT = Sample("text", (Turn("user", "What is blur?"), Turn("assistant", "Lost detail.")), "text")


def test_text_only_samples_are_encoded_without_frames(samples):
    _, [[text, picture]] = loaded([TEXT, samples[0]], [[0, 1]], workers=2)
    assert text.media == {}
    assert "visual" in picture.media


def test_text_only_and_mixed_passes_have_the_losses_of_each_sample(samples):
    given = [TEXT, samples[0], samples[4]]
    _, [mixed, *alone] = loaded(given, [[0, 1, 2], [0], [1], [2]])
    model, processor = tiny_model(), tiny_processor()

    def losses(encoded):
        return sample_losses(model, processor.collate(encoded))

    each = torch.cat([losses(encoded) for encoded in alone])
    assert torch.allclose(losses(mixed), each, atol=1e-5)
    losses(alone[0]).sum().backward()
    assert model.lm_head.weight.grad.abs().sum() > 0


def test_text_is_trained_on_together_with_images(tmp_path):
    asked = pair(sample_id="f" * 32, media=[], turns=said(["What is blur?"], ["Lost detail."]))
    text = artifact(tmp_path / "text.parquet", [asked] * 2)
    given = spec(tmp_path, image_pairs(tmp_path, 2), text, batch=1, per_device_batch=1)
    done = json.loads((train(given) / "qbuild.json").read_text())["report"]
    assert (done["samples"], done["steps"], done["skipped"]) == (4, 4, 0)
