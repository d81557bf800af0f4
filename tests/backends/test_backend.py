"""A backend of a model family: what is checked before torch is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

_TRAIN = """
import sys
from pathlib import Path
from qbuild.backends.protocol import TrainSpec
from qbuild.core.errors import QbuildError
from qbuild_backends.backend import vqa2
given = {"base": "tiny", "plan": "ugc-scorer", "learning_rat": 1}
try:
    vqa2().train(TrainSpec((), Path("out"), (), 0, given))
except QbuildError as error:
    print(error)
print("torch" in sys.modules or "transformers" in sys.modules)
"""


def test_a_misspelt_setting_is_reported_with_near_names_before_torch_is_loaded():
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN], capture_output=True, text=True, check=True
    )
    error, loaded = done.stdout.splitlines()
    assert error.startswith("setting learning_rat: is not known. Did you mean learning_rate")
    assert loaded == "False"
