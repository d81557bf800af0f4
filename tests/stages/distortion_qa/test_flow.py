"""qbuild/stages/distortion_qa/flow.py: groups shared out among names."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qbuild.stages.distortion_qa.flow import shared_out


def brute(sizes, allowed, wanted):
    """The most rows that can go where they are wanted, by trying every way to share them out."""
    if not len(sizes):
        return 0
    best = 0

    def ways(left, names):
        if not names:
            yield []
            return
        for count in range(left + 1):
            for rest in ways(left - count, names[1:]):
                yield [count, *rest]

    names = np.flatnonzero(allowed[0]).tolist()
    for counts in ways(int(sizes[0]), names):
        left = wanted.copy()
        left[names] -= counts
        if (left >= 0).all():
            best = max(best, sum(counts) + brute(sizes[1:], allowed[1:], left))
    return best


@st.composite
def problems(draw):
    groups, names = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    sizes = draw(st.lists(st.integers(1, 4), min_size=groups, max_size=groups))
    wanted = draw(st.lists(st.integers(0, 4), min_size=names, max_size=names))
    one = st.lists(st.booleans(), min_size=names, max_size=names).filter(any)
    allowed = draw(st.lists(one, min_size=groups, max_size=groups))
    return np.array(sizes), np.array(allowed), np.array(wanted)


@given(problems())
def test_all_rows_are_shared_out_and_as_many_as_can_be_where_they_are_wanted(problem):
    sizes, allowed, wanted = problem
    shares = shared_out(sizes, allowed, wanted)
    assert (shares >= 0).all()
    assert (shares[~allowed] == 0).all()
    assert shares.sum(axis=1).tolist() == sizes.tolist()
    assert np.minimum(shares.sum(axis=0), wanted).sum() == brute(sizes, allowed, wanted)


def test_groups_spread_over_their_names_in_proportion():
    sizes, wanted = np.array([60, 60, 60]), np.array([60, 60, 60])
    shares = shared_out(sizes, ~np.eye(3, dtype=bool), wanted)
    assert shares.tolist() == [[0, 30, 30], [30, 0, 30], [30, 30, 0]]


def test_spreading_gives_way_where_it_would_cost_a_row():
    shares = shared_out(np.array([5, 5]), np.array([[True, True], [True, False]]), np.array([5, 5]))
    assert shares.tolist() == [[0, 5], [5, 0]]
