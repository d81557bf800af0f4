"""A key in the environment, depictions, and the artifact of an undisturbed run."""

from __future__ import annotations

import pytest
from buying import KEY, KEY_ENV
from extending import extend, of_kind, serve_mock, write_depictions


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(KEY_ENV, KEY)
    return KEY


@pytest.fixture
def source(request, tmp_path):
    """An artifact of `COUNT` overall depictions, as many as the test module states."""
    rows = of_kind("overall", request.module.COUNT, seed=1)
    return write_depictions(tmp_path / "depictions.parquet", rows)


@pytest.fixture
def whole(source, tmp_path_factory):
    """The artifact of an undisturbed run, its answers paid one by one."""
    place = tmp_path_factory.mktemp("whole") / "out.parquet"
    with serve_mock() as server:
        assert extend(source, place, server.base_url).complete
    return place
