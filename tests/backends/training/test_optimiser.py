"""Learning rates: of each group, and over the steps."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.models.vqa2.family import FAMILY
from qbuild_backends.training.freezing import freeze
from qbuild_backends.training.optimiser import make_optimiser, rate_share, set_rates
from vqa2_toys import tiny_model
from vqa2_training import settings_of


def test_each_trained_group_has_its_own_rate_at_every_step():
    model = tiny_model()
    freeze(FAMILY, model, "1-spatial")
    given = {"base": "tiny", "plan": "1-spatial", "learning_rate": 1e-3, "projector_rate": 4e-3}
    chosen = make_optimiser(FAMILY, model, settings_of(given))
    assert [group["lr"] for group in chosen.param_groups] == [1e-3, 4e-3]
    set_rates(chosen, 0.25)
    assert [group["lr"] for group in chosen.param_groups] == [2.5e-4, 1e-3]
    held = sum(p.numel() for group in chosen.param_groups for p in group["params"])
    assert held == sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_the_rate_rises_holds_and_falls_to_nothing():
    shares = [rate_share(step, 100, warmup=0.1, hold=0.5) for step in range(100)]
    assert shares[:10] == pytest.approx([step / 10 for step in range(1, 11)])
    assert shares[10:50] == [1.0] * 40
    assert shares[50:] == sorted(shares[50:], reverse=True)
    assert shares[75] == pytest.approx(0.5)
    assert shares[99] < 0.001


def test_one_step_is_taken_at_the_full_rate():
    assert rate_share(0, 1, warmup=0.03, hold=0.0) == 1.0
