"""Settings: the paper's values by default, and all faults reported at once."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

from vqa2_training import settings_of

from qbuild.core.errors import CombinedError, UsageError

LEAST = {"base": "folder", "plan": "ugc-scorer"}


def test_without_more_it_is_the_papers_recipe():
    found = settings_of(LEAST)
    assert (found.epochs, found.batch) == (1, 8)
    assert (found.learning_rate, found.warmup, found.weight_decay) == (1e-5, 0.03, 0.0)
    assert found.video_prompt == "training"


def test_the_preset_tiny_has_defaults_of_its_own_that_settings_override():
    tiny = settings_of(LEAST | {"base": "tiny"})
    assert (tiny.learning_rate, tiny.batch, tiny.max_steps) == (1e-3, 16, 1_000)
    assert settings_of(LEAST | {"base": "tiny", "batch": 4}).batch == 4
    once = settings_of(LEAST | {"base": "tiny", "epochs": 1})
    assert settings_of(LEAST | {"base": "tiny", "recipe": "paper"}).learning_rate == 1e-5
    assert (once.epochs, once.max_steps) == (1, 0)


def test_a_folder_that_is_called_tiny_is_not_the_preset(tmp_path, monkeypatch):
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert settings_of(LEAST | {"base": "tiny"}).learning_rate == 1e-5


def test_auto_keeps_the_fingerprint_of_runs_with_the_earlier_defaults():
    earlier = settings_of(LEAST | {"per_device_batch": 1, "gradient_checkpointing": True})
    auto = {"per_device_batch": "auto", "gradient_checkpointing": "auto"}
    assert settings_of(LEAST).decisive() == earlier.decisive()
    assert settings_of(LEAST | auto).decisive() == earlier.decisive()
    plain = settings_of(LEAST | {"gradient_checkpointing": False})
    assert plain.decisive()["gradient_checkpointing"] is False


def test_the_released_recipe_has_its_own_batch_and_rate_unless_they_are_set():
    found = settings_of(LEAST | {"recipe": "release"})
    assert (found.batch, found.rate("vision_tower"), found.rate("projector")) == (16, 2e-6, 1e-5)
    assert settings_of(LEAST | {"recipe": "release", "batch": 4}).batch == 4
    with pytest.raises(UsageError, match=r"setting recipe: .*'relase'"):
        settings_of(LEAST | {"recipe": "relase"})


def test_a_training_of_0_1_0_resumes_since_the_default_recipe_is_not_decisive():
    assert "recipe" not in settings_of(LEAST).decisive()
    assert settings_of(LEAST | {"recipe": "release"}).decisive()["recipe"] == "release"


def test_all_faults_are_reported_at_once_with_similar_names():
    with pytest.raises(CombinedError) as told:
        settings_of({"plan": "ugc", "learning_rat": 1, "batch": 0, "epochs": "two"})
    text = str(told.value)
    assert "learning_rat: is not known. Did you mean learning_rate" in text
    assert (
        "setting base: is missing; expected: Folder of a checkpoint, or the preset tiny. Give"
        in text
    )
    for name in ("plan", "batch", "epochs"):
        assert f"setting {name}: " in text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"batch": 8, "per_device_batch": 3}, "batch 8 is not a multiple of per_device_batch 3"),
        ({"plan": "1-motion", "motion": False}, "leaves plan 1-motion nothing to train"),
        ({"qlora": True}, "qlora without lora_rank"),
        ({"warmup": 0.5, "hold": 0.5}, "leave no step to fall in"),
    ],
)
def test_settings_that_contradict_each_other_are_rejected(given, told):
    with pytest.raises(UsageError, match=told) as caught:
        settings_of(LEAST | given)
    assert "ugc-scorer" not in str(caught.value)  # the settings are not told back


def test_a_renamed_setting_is_accepted_with_a_notice_and_keeps_its_fingerprint(capsys):
    old = settings_of(LEAST | {"frame": "none"})
    assert capsys.readouterr().err == (
        "setting frame was renamed to video_prompt; the old name works until 0.3\n"
    )
    new = settings_of(LEAST | {"video_prompt": "none"})
    assert old.decisive() == new.decisive()
    assert capsys.readouterr().err == ""
    assert old.decisive()["frame"] == "none"


def test_motion_is_as_the_base_has_it_unless_it_is_set():
    assert settings_of(LEAST).motion is None
    assert settings_of(LEAST | {"motion": "false"}).motion is False


def test_a_group_has_the_common_rate_unless_it_has_its_own():
    found = settings_of(LEAST | {"learning_rate": "1e-4", "vision_tower_rate": 2e-6})
    assert found.rate("vision_tower") == 2e-6
    assert found.rate("projector") == 1e-4


def test_settings_that_do_not_change_scores_are_not_decisive():
    one = settings_of(LEAST | {"workers": 0, "cache": "/a", "on_bad_sample": "skip"})
    assert one.decisive() == settings_of(LEAST).decisive()
    assert settings_of(LEAST | {"epochs": 2}).decisive() != one.decisive()
