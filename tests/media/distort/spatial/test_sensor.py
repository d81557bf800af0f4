from __future__ import annotations

import numpy as np
import pytest

from qbuild.media.distort.spatial import distort, parameters
from qbuild.media.distort.spatial.light import decoded


def noisy(code: int, severity: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The light of an even grey picture before and after, `[200, 200, 3]`."""
    even = np.full((200, 200, 3), code, dtype=np.uint8)
    return decoded(even).astype(float), decoded(distort(even, "noise", severity, seed)).astype(
        float
    )


@pytest.mark.parametrize("severity", [1, 2, 3, 4])
@pytest.mark.parametrize("code", [110, 170])
def test_the_deviation_is_that_of_counting_electrons(severity, code):
    before, after = noisy(code, severity)
    figures = parameters("noise", severity)
    white, read = figures["electrons_at_white"], figures["read_noise_electrons"]
    expected = np.sqrt(before[0, 0, 0] * white + read**2) / white
    assert (after - before).std() == pytest.approx(expected, rel=0.06)
    assert (after - before).mean() == pytest.approx(0, abs=expected / 20)


def test_light_deviates_more_where_there_is_more_of_it():
    deviations = [noisy(code, 2)[1].std() for code in (0, 60, 120, 180)]
    assert deviations == sorted(deviations)
    assert deviations[0] > 0  # reading out deviates in the dark too


def test_channels_and_pixels_are_independent():
    before, after = noisy(128, 2)
    noise = (after - before).reshape(-1, 3)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.03
    assert abs(np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1]) < 0.03


def test_a_severity_scales_the_same_field():
    weak, strong = (noisy(128, severity)[1].ravel() for severity in (1, 3))
    assert np.corrcoef(weak, strong)[0, 1] > 0.98
