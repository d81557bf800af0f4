"""Bands of rows and lookup tables."""

from __future__ import annotations

import numpy as np
import pytest

from qbuild.media.distort.common import CORRUPTIONS, corrupt, tables
from qbuild.media.distort.common.glass import bands_upwards
from qbuild.media.distort.common.tables import lookup_pairs, row_bands, write_floor
from qbuild.media.distort.parameters import parameters

NOISE = ("gaussian_noise", "shot_noise", "impulse_noise")  # drawn band by band


def test_bands_cover_every_row_once():
    for height, width in ((32, 32), (480, 640), (4000, 6000), (32, 32_766)):
        rows = [row for band in row_bands(height, width) for row in range(band.start, band.stop)]
        assert rows == list(range(height))


def test_bands_upwards_cover_every_shuffled_row_once():
    for height, width, reach in ((32, 32, 4), (480, 640, 1), (4000, 6000, 3)):
        bands = [set(range(b.start, b.stop)) for b in bands_upwards(height, width, reach)]
        assert bands == sorted(bands, key=min, reverse=True)
        assert set().union(*bands) == set(range(reach + 1, height - reach + 1))
        assert sum(map(len, bands)) == height - 2 * reach


@pytest.mark.parametrize("name", [n for n in CORRUPTIONS if n not in NOISE])
def test_the_result_does_not_depend_on_the_height_of_a_band(photo, name, monkeypatch):
    source = photo("coffee", 120, 151)
    whole = corrupt(source, name, 3, 4)
    monkeypatch.setattr(tables, "BAND_PIXELS", 151 * 7)
    assert np.array_equal(corrupt(source, name, 3, 4), whole)


@pytest.mark.parametrize("name", NOISE)
def test_noise_continues_from_band_to_band(name):
    source = np.full((900, 900, 3), 128, np.uint8)
    made = corrupt(source, name, 1, 4).astype(float)
    first, *_, last = row_bands(900, 900)
    assert not np.array_equal(made[first][:100], made[last][:100])
    assert made[first].std() == pytest.approx(made[last].std(), rel=0.02)


def test_gaussian_noise_has_its_standard_deviation():
    made = corrupt(np.full((300, 300, 3), 128, np.uint8), "gaussian_noise", 1, 4)
    sigma = parameters("common", "gaussian_noise", 1)["sigma"]
    assert made.std() == pytest.approx(255 * sigma, rel=0.01)


def test_a_table_of_pairs_is_indexed_by_row_and_column():
    table = (np.arange(65536) * 31 % 251).astype(np.uint8).reshape(256, 256)
    rows = np.arange(240, dtype=np.uint8).reshape(8, 10, 3)
    columns = rows[::-1].copy()
    assert np.array_equal(lookup_pairs(table, rows, columns), table[rows, columns])


def test_floor_keeps_whole_numbers_and_clips_to_a_byte():
    values = np.array([-3, 0, 0.99, 1, 2, 3, 3.5, 254.9, 255, 300], np.float32).reshape(1, 10)
    into = np.empty((1, 10), np.uint8)
    write_floor(values, into)
    assert into.tolist() == [[0, 0, 0, 1, 2, 3, 3, 254, 255, 255]]
