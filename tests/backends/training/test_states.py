"""States of an unfinished run: complete, or ignored."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.training.states import STATE, Progress, Trained, resume, write_state  # noqa: E402

from qbuild.backends.protocol import Rejected  # noqa: E402
from qbuild.core.errors import UsageError  # noqa: E402
from qbuild.core.rows.rejections import Rejection  # noqa: E402


def begun():
    """A small network with a batch norm and its AdamW."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    model[0].bias.requires_grad_(False)
    trained = [p for p in model.parameters() if p.requires_grad]
    return Trained(model, torch.optim.AdamW(trained, lr=0.1))


def step(trained):
    trained.model(torch.randn(8, 3)).square().sum().backward()
    trained.optimiser.step()
    trained.optimiser.zero_grad()


def numbers(trained):
    return torch.cat(
        [tensor.detach().flatten().float() for tensor in trained.model.state_dict().values()]
    )


def test_from_a_state_on_every_number_is_as_without_the_break(tmp_path):
    one = begun()
    step(one)
    told = Progress("run", 1, [0.5], [Rejected("s", Rejection("damaged", "x"))])
    write_state(tmp_path, told, one, keep=1)
    step(one)
    other = begun()
    step(other)
    step(other)
    assert resume(tmp_path, "run", other) == told
    step(other)
    assert torch.equal(numbers(one), numbers(other))


def test_only_the_newest_states_stay(tmp_path):
    one = begun()
    for number in range(1, 6):
        write_state(tmp_path, Progress("run", number), one, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000004", "step-00000005"]


@pytest.mark.parametrize("damage", ["no state", "cut tensors", "no tensors", "unfinished"])
def test_an_interrupted_state_is_never_loaded(tmp_path, damage):
    one = begun()
    for number in (1, 2):
        step(one)
        write_state(tmp_path, Progress("run", number), one, keep=2)
    last = tmp_path / "step-00000002"
    tensors = last / "tensors.safetensors"
    if damage == "no state":
        (last / STATE).unlink()
    elif damage == "cut tensors":
        tensors.write_bytes(tensors.read_bytes()[:-1])
    elif damage == "no tensors":
        tensors.unlink()
    else:
        last.rename(tmp_path / ".step-00000002.tmp")
    assert resume(tmp_path, "run", begun()).step == 1


def test_the_state_of_another_run_is_rejected(tmp_path):
    write_state(tmp_path, Progress("run", 1), begun(), keep=1)
    with pytest.raises(UsageError, match="unfinished state of another run"):
        resume(tmp_path, "other", begun())


def test_without_a_state_a_run_begins_at_its_start(tmp_path):
    assert resume(tmp_path / "none", "run", begun()) == Progress("run")
