"""qbuild/stages/distortion_qa/flow.py: groups distributed over names."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qbuild.stages.distortion_qa.flow import distribute


def brute(sizes, allowed, wanted):
    """The most rows that can get wanted names, by trying every distribution."""
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
def test_all_rows_are_distributed_and_as_many_as_possible_as_wanted(problem):
    sizes, allowed, wanted = problem
    shares = distribute(sizes, allowed, wanted)
    assert (shares >= 0).all()
    assert (shares[~allowed] == 0).all()
    assert shares.sum(axis=1).tolist() == sizes.tolist()
    assert np.minimum(shares.sum(axis=0), wanted).sum() == brute(sizes, allowed, wanted)


def test_groups_are_distributed_over_their_names_in_proportion():
    sizes, wanted = np.array([60, 60, 60]), np.array([60, 60, 60])
    shares = distribute(sizes, ~np.eye(3, dtype=bool), wanted)
    assert shares.tolist() == [[0, 30, 30], [30, 0, 30], [30, 30, 0]]


def test_proportion_is_given_up_if_it_would_cost_a_row():
    shares = distribute(np.array([5, 5]), np.array([[True, True], [True, False]]), np.array([5, 5]))
    assert shares.tolist() == [[0, 5], [5, 0]]
