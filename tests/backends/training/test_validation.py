"""Validation: what is held out, media on both sides, and the best checkpoint."""

from __future__ import annotations

import json
import shutil

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")

from images import write_image  # noqa: E402
from qbuild_backends.data.sample import Sample, Samples  # noqa: E402
from qbuild_backends.training import loop  # noqa: E402
from qbuild_backends.training.validation import check_apart, hold_out  # noqa: E402
from vqa2_training import image_pairs, spec, train  # noqa: E402

from qbuild.core.artifact.output_folder import DESCRIPTION  # noqa: E402
from qbuild.core.errors import InputError, UsageError  # noqa: E402

torch.set_num_threads(1)


def sample(name, source="", file=None, sha256=None):
    return Sample(name, (), "image", name, file, sha256, source)


def held_out(samples, given):
    found = hold_out(Samples(good=samples), given, 0, lambda _: pytest.fail("read a file"))
    return {one.name for one in found.training.good}, {one.name for one in found.validation}


def report_of(checkpoint):
    return json.loads((checkpoint / DESCRIPTION).read_text())["report"]


# ------------------------------------------------------------------------------- held out


def test_a_share_holds_out_media_with_all_copies_of_their_sources():
    samples = [sample(f"{n}-{copy}", source=f"photo{n}") for n in range(10) for copy in range(3)]
    training, validation = held_out(samples, "0.2")
    assert len(validation) == 6
    assert len(training) == 24
    assert {name[0] for name in training}.isdisjoint({name[0] for name in validation})


def test_a_share_does_not_depend_on_the_order_of_the_samples():
    samples = [sample(str(n)) for n in range(10)]
    assert held_out(samples, "0.3") == held_out(samples[::-1], "0.3")


def test_without_validation_every_sample_is_trained_on():
    assert held_out([sample("a")], "") == ({"a"}, set())


@pytest.mark.parametrize("share", ["0", "1", "-0.1", "1.5", "nan"])
def test_a_share_outside_0_and_1_is_rejected(share):
    with pytest.raises(UsageError, match=r"is not a share; expected a share above 0 and below 1"):
        held_out([sample("a"), sample("b")], share)


def test_a_share_of_one_source_is_rejected():
    samples = [sample("a", source="s"), sample("b", source="s")]
    with pytest.raises(UsageError, match="cannot be taken of 1 medium; expected two or more"):
        held_out(samples, "0.5")


# ------------------------------------------------------------------- media on both sides


def test_media_on_both_sides_are_an_error_by_id_source_hash_and_content(tmp_path):
    write_image(tmp_path / "a.png", seed=1)
    shutil.copy(tmp_path / "a.png", tmp_path / "b.png")
    write_image(tmp_path / "c.png", seed=2)
    pairs = [
        (sample("x"), sample("x")),
        (sample("x"), sample("y", source="x")),  # the clean photograph and a distorted copy
        (sample("x", source="s"), sample("y", source="s")),
        (sample("x", sha256="0" * 64), sample("y", sha256="0" * 64)),
        (sample("x", file=tmp_path / "a.png"), sample("y", file=tmp_path / "b.png")),
    ]
    for trained, validated in pairs:
        with pytest.raises(InputError, match=r"shares 1 medium with the training data: [xy] \(x"):
            check_apart([trained], [validated], "v.parquet")
    check_apart([sample("x", file=tmp_path / "a.png")], [sample("y", file=tmp_path / "c.png")], "v")


def test_a_validation_artifact_with_media_trained_on_ends_the_run_before_it_begins(tmp_path):
    pairs = image_pairs(tmp_path, 4)
    again = shutil.copy(pairs, tmp_path / "again.parquet")
    with pytest.raises(InputError, match=r"shares 4 media with the training data: koniq:p0\.png"):
        train(spec(tmp_path, pairs, validation=str(again)))


def test_a_name_that_is_neither_a_file_nor_a_split_is_rejected(tmp_path):
    with pytest.raises(UsageError, match="vall"):
        train(spec(tmp_path, image_pairs(tmp_path, 4), validation="vall"))


# -------------------------------------------------------------------------- best checkpoint


@pytest.fixture
def losses_on_validation(monkeypatch):
    """Sets the losses that validation finds, one after another."""

    def set_losses(*losses):
        found = iter(losses)
        evaluate = loop.Evaluator.evaluate

        def fake(self, numbers):
            from dataclasses import replace

            evaluation = evaluate(self, numbers)
            return replace(evaluation, loss=next(found, 9.0))

        monkeypatch.setattr(loop.Evaluator, "evaluate", fake)

    return set_losses


def weights(checkpoint):
    from safetensors.torch import load_file

    return load_file(checkpoint / "model.safetensors")


def test_the_checkpoint_is_the_one_with_the_lowest_validation_loss(
    tmp_path, losses_on_validation, capsys
):
    pairs = image_pairs(tmp_path, 8)
    losses_on_validation(5.0, 2.0, 3.0)
    given = {"validation": 0.5, "batch": 2, "per_device_batch": 2, "epochs": 3}
    made = train(spec(tmp_path, pairs, **given, validate_every=2))
    report = report_of(made)
    assert report["validation"]["best_step"] == 4
    assert [one["step"] for one in report["validation"]["steps"]] == [2, 4, 6]
    assert (report["samples"], report["validation"]["samples"]) == (4, 4)
    assert "kept the checkpoint of step 4" in capsys.readouterr().err
    assert not (tmp_path / "checkpoint.training").exists()


def test_a_killed_run_resumes_with_its_best_weights(tmp_path, losses_on_validation, monkeypatch):
    pairs = image_pairs(tmp_path, 8)
    given = {"validation": 0.5, "batch": 2, "per_device_batch": 2, "epochs": 3}
    given |= {"validate_every": 1, "save_every": 2}
    losses_on_validation(1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    whole = train(spec(tmp_path, pairs, **given)).rename(tmp_path / "whole")

    losses_on_validation(1.0, 2.0, 3.0, 4.0)
    update = loop.ProgressLines.update

    def killed(self, step, *figures):
        update(self, step, *figures)
        if step == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop.ProgressLines, "update", killed)
    with pytest.raises(KeyboardInterrupt):
        train(spec(tmp_path, pairs, **given))
    monkeypatch.setattr(loop.ProgressLines, "update", update)
    losses_on_validation(4.0, 5.0, 6.0, 7.0)
    resumed = train(spec(tmp_path, pairs, **given))
    assert report_of(resumed)["validation"]["best_step"] == 1
    expected, found = weights(whole), weights(resumed)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_another_validation_set_is_another_run(tmp_path):
    pairs = image_pairs(tmp_path, 8)
    plain = report_of(train(spec(tmp_path, pairs)).rename(tmp_path / "plain"))
    held = report_of(train(spec(tmp_path, pairs, validation=0.25)))
    assert plain["run"] != held["run"]
