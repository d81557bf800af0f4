"""The frost textures: found without an import, scaled to cover, cached if small."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from qbuild.core.errors import MissingPartError
from qbuild.media.distort.common import corrupt, textures

SIZES = [(32, 32), (480, 640), (640, 480), (1200, 300), (300, 1200)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("number", range(5))
def test_a_scaled_texture_is_larger_than_the_image(size, number):
    rows, columns = textures.texture_size(number, *size)
    assert rows > size[0]
    assert columns > size[1]
    assert textures.scaled_texture(number, rows, columns).shape == (rows, columns, 3)


def test_a_texture_is_cached_for_the_next_image_of_its_size():
    assert textures.scaled_texture(2, 400, 700) is textures.scaled_texture(2, 400, 700)


def test_a_texture_of_a_large_image_is_not_cached(monkeypatch):
    monkeypatch.setattr(textures, "CACHED_PIXELS", 1000)
    made = [textures.scaled_texture(2, 300, 500) for _ in range(2)]
    assert made[0] is not made[1]
    assert np.array_equal(*made)


def test_without_the_package_the_frost_error_names_how_to_install_it(monkeypatch):
    monkeypatch.setattr(textures, "find_spec", lambda _name: None)
    textures.texture.cache_clear()
    textures._cached_scale.cache_clear()
    with pytest.raises(MissingPartError, match="pip install imagecorruptions") as caught:
        corrupt(np.zeros((32, 32, 3), np.uint8), "frost", 1, seed=0)
    assert caught.value.exit_code == 5


def test_an_unreadable_texture_is_named(monkeypatch, tmp_path):
    (tmp_path / "__init__.py").touch()
    spec = importlib.util.spec_from_file_location("imagecorruptions", tmp_path / "__init__.py")
    monkeypatch.setattr(textures, "find_spec", lambda _name: spec)
    textures.texture.cache_clear()
    with pytest.raises(MissingPartError, match=r"frost1\.png cannot be read"):
        textures.texture(0)
