"""How a step is cut into passes where `per_device_batch` and checkpointing are auto."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.threads import SMALL_MODEL  # noqa: E402
from qbuild_backends.training.freezing import freeze, train_mode  # noqa: E402
from qbuild_backends.training.passes import MAX_TOKENS, choose_passes, trains_norms  # noqa: E402
from torch import nn  # noqa: E402
from vqa2_training import settings_of  # noqa: E402

SMALL = nn.Linear(2, 2)
LARGE = nn.Linear(SMALL_MODEL, 1, device="meta")


def chosen(model, lengths=(10,), devices=1, together=True, **given):
    settings = settings_of({"base": "folder", "plan": "assistant", "batch": 12, **given})
    found = choose_passes(settings, model, lengths, devices, together=together)
    return found.per_device_batch, found.gradient_checkpointing


def test_a_small_model_takes_the_batch_in_one_pass_and_a_large_one_sample_by_sample():
    assert chosen(SMALL) == (12, False)
    assert chosen(LARGE) == (1, True)


def test_devices_share_the_batch_and_long_samples_are_cut_by_a_divisor():
    assert chosen(SMALL, devices=4) == (3, False)
    assert chosen(SMALL, lengths=[10, MAX_TOKENS // 5]) == (4, False)
    assert chosen(SMALL, lengths=[2 * MAX_TOKENS]) == (1, False)


def test_samples_that_may_not_go_together_go_one_by_one():
    assert chosen(SMALL, together=False) == (1, False)


def test_values_that_are_set_are_kept():
    assert chosen(LARGE, per_device_batch=6, gradient_checkpointing=False) == (6, False)
    assert chosen(SMALL, per_device_batch=2, gradient_checkpointing=True) == (2, True)


def test_batch_norms_count_where_they_are_trained_and_media_go_through_them():
    model, _ = FAMILY.tiny(0)
    for plan, branches, expected in (
        ("assistant", {"visual", "motion"}, True),
        ("assistant", {"visual"}, False),
        ("1-spatial", {"visual", "motion"}, False),  # the motion branch is frozen
    ):
        freeze(FAMILY, model, plan)
        train_mode(model)
        assert trains_norms(FAMILY, model, branches) is expected
