"""Distribute groups of rows over names, each name as often as wanted if possible."""

from __future__ import annotations

import numpy as np

from qbuild.quality.arrays import Floats, Ints, Mask

_ROUNDS = 100


def distribute(sizes: Ints, allowed: Mask, wanted: Ints) -> Ints:
    """Rows of each group that get each name, `[groups, names]`; every row gets one.

    `allowed` `[groups, names]` are the names that a group may get, at least one each. As many rows
    as possible get names that are wanted; the others get the name with the smallest surplus. Groups
    are distributed over their names in proportion unless that leaves a wanted name short.
    """
    start = np.floor(_proportional(sizes, allowed, wanted) + 1e-9).astype(np.int64)
    shares = start + _largest_flow(sizes, allowed, wanted, start)
    surplus = shares.sum(axis=0) - wanted
    for group in np.flatnonzero(shares.sum(axis=1) < sizes):
        names = np.flatnonzero(allowed[group])
        for _ in range(int(sizes[group] - shares[group].sum())):
            name = names[surplus[names].argmin()]
            shares[group, name] += 1
            surplus[name] += 1
    return shares


def _proportional(sizes: Ints, allowed: Mask, wanted: Ints) -> Floats:
    """Shares of maximum entropy with these sums, or less where they cannot be reached."""
    shares = allowed.astype(np.float64) * wanted
    for _ in range(_ROUNDS):
        shares *= _ratio(sizes, shares.sum(axis=1))[:, None]
        shares *= _ratio(wanted, shares.sum(axis=0))
    shares *= np.minimum(_ratio(sizes, shares.sum(axis=1)), 1)[:, None]
    return shares


def _ratio(to: Ints, have: Floats) -> Floats:
    return np.divide(to, have, out=np.zeros(len(have)), where=have > 0)


def _largest_flow(sizes: Ints, allowed: Mask, wanted: Ints, start: Ints) -> Ints:
    """The change of `start` by a maximum flow from groups to names."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import maximum_flow

    count, source, sink = len(sizes), sum(allowed.shape), sum(allowed.shape) + 1
    groups, names = np.nonzero(allowed)
    edges = (
        (np.full(count, source), np.arange(count), sizes - start.sum(axis=1)),
        (np.arange(count, source), np.full(len(wanted), sink), wanted - start.sum(axis=0)),
        (groups, names + count, sizes[groups]),
        (names + count, groups, start[groups, names]),
    )
    tails, heads, capacity = (np.concatenate(parts) for parts in zip(*edges, strict=True))
    network = coo_array((capacity.astype(np.int32), (tails, heads)), shape=(sink + 1, sink + 1))
    flow = maximum_flow(network.tocsr(), source, sink).flow
    added: Ints = flow.tocsr()[:count, count:source].toarray().astype(np.int64)
    return added
