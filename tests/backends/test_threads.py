"""Threads of OpenMP: how they wait, and how many a model computes with."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.threads import SMALL_MODEL, limit_threads  # noqa: E402
from torch import nn  # noqa: E402

SMALL = nn.Linear(2, 2)
LARGE = nn.Linear(SMALL_MODEL, 1, device="meta")


@pytest.fixture
def four_threads(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def threads_of(model):
    with limit_threads(model):
        return torch.get_num_threads()


@pytest.mark.usefixtures("four_threads")
def test_a_small_model_computes_with_one_thread_and_the_caller_keeps_its_own():
    assert threads_of(SMALL) == 1
    assert threads_of(LARGE) == 4
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_the_user_s_number_of_threads_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert threads_of(SMALL) == 4


@pytest.mark.parametrize(("given", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_passively_before_torch_is_loaded_unless_the_user_chose(given, expected):
    code = (
        "import os, sys, qbuild_backends.backend\n"
        "assert 'torch' not in sys.modules\n"
        "print(os.environ['OMP_WAIT_POLICY'])"
    )
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    if given is not None:
        environment["OMP_WAIT_POLICY"] = given
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected
