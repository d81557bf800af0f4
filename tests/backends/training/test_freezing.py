"""What each stage trains, and what stays as it was."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.training.freezing import freeze, parameter_shares, train_mode  # noqa: E402
from vqa2_toys import tiny_model  # noqa: E402
from vqa2_training import settings_of  # noqa: E402


@pytest.mark.parametrize(
    ("plan", "groups"),
    [
        ("1-spatial", {"vision_tower", "projector"}),
        ("1-motion", {"motion_extractor", "motion_projector"}),
        ("ugc-scorer", set(FAMILY.groups)),
        ("streaming-scorer", set(FAMILY.groups)),
        ("assistant", set(FAMILY.groups)),
    ],
)
def test_a_plan_trains_the_groups_of_the_paper(plan, groups):
    model = tiny_model()
    freeze(FAMILY, model, plan)
    found = parameter_shares(FAMILY, model)
    assert {group for group, share in found.items() if share.trained} == groups


def test_the_released_script_of_stage_1_freezes_the_newline():
    released = {
        plan: settings_of({"base": "tiny", "plan": plan, "recipe": "release"}).frozen()
        for plan in ("1-spatial", "ugc-scorer")
    }
    assert released == {"1-spatial": ("model.image_newline",), "ugc-scorer": ()}
    assert settings_of({"base": "tiny", "plan": "1-spatial"}).frozen() == ()
    model = tiny_model()
    freeze(FAMILY, model, "1-spatial", released["1-spatial"])
    assert not model.model.image_newline.requires_grad
    assert all(p.requires_grad for p in model.model.multi_modal_projector.parameters())


def test_every_parameter_belongs_to_one_group():
    model = tiny_model()
    found = parameter_shares(FAMILY, model)
    assert sum(share.parameters for share in found.values()) == sum(
        parameter.numel() for parameter in model.parameters()
    )
    assert all(share.parameters for share in found.values())


def test_of_all_parameters_only_siglips_unread_norm_is_never_trained():
    model = tiny_model()
    freeze(FAMILY, model, "ugc-scorer")
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert frozen
    assert all("post_layernorm" in name for name in frozen)


@pytest.mark.parametrize("plan", sorted(FAMILY.plans))
def test_batch_norms_learn_statistics_only_where_the_motion_branch_is_trained(plan):
    model = tiny_model()
    freeze(FAMILY, model, plan)
    train_mode(model)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm3d)]
    assert norms
    assert {norm.training for norm in norms} == {"motion_extractor" in FAMILY.plans[plan].groups}
