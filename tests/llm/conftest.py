"""A key in the environment, so that a test can look for it where it must not be."""

from __future__ import annotations

import pytest
from buying import KEY, KEY_ENV


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(KEY_ENV, KEY)
    return KEY
