"""Training and importing from Python, with the backend for tests."""

from __future__ import annotations

import json

import pytest

import qbuild
from qbuild.core.errors import MissingPartError, UsageError


def test_train_returns_the_folder_of_the_checkpoint(tmp_path):
    pytest.importorskip("qbuild_backends")
    made = qbuild.train("pairs.parquet", tmp_path / "model", backend="fake", seed=7)
    assert made == tmp_path / "model"
    assert json.loads((made / "fake.json").read_text())["seed"] == 7


def test_an_unknown_backend_is_named_with_the_near_ones(tmp_path):
    with pytest.raises(MissingPartError, match="backend fakes: is not installed"):
        qbuild.train("pairs.parquet", tmp_path / "model", backend="fakes")


def test_a_backend_that_imports_nothing_is_an_error(tmp_path):
    pytest.importorskip("qbuild_backends")
    with pytest.raises(UsageError, match="cannot import checkpoints"):
        qbuild.import_checkpoint(tmp_path, tmp_path / "model", backend="fake")
