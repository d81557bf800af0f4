import numpy as np
import pytest

from qbuild.labels.sessions.matlab.read import stalls_of_seconds


@pytest.mark.parametrize(
    ("flags", "stalls"),
    [
        ([0, 0], ()),
        ([1, 1], ((0.0, 2.0),)),
        ([1, 0, 1, 1], ((0.0, 1.0), (2.0, 2.0))),
        ([0, 1, 0], ((1.0, 1.0),)),
    ],
)
def test_every_run_of_ones_is_a_stall_on_the_wall_clock(flags, stalls):
    assert stalls_of_seconds(np.array(flags, np.int8)) == stalls
