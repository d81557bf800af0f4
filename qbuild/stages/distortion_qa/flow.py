"""Sharing groups of rows out among names, each name as often as wanted where that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_ROUNDS = 100


def shared_out(sizes: Ints, allowed: Flags, wanted: Ints) -> Ints:
    """How many rows of each group go to each name, `[groups, names]`; all rows of a group do.

    `allowed` `[groups, names]` says which names a group may go to, at least one each. As many
    rows as can be go where they are wanted; the others to the name that is least ahead. Groups
    spread over their names in proportion, as far as that costs nothing.
    """
    start = np.floor(_proportional(sizes, allowed, wanted) + 1e-9).astype(np.int64)
    shares = start + _largest_flow(sizes, allowed, wanted, start)
    ahead = shares.sum(axis=0) - wanted
    for group in np.flatnonzero(shares.sum(axis=1) < sizes):
        names = np.flatnonzero(allowed[group])
        for _ in range(int(sizes[group] - shares[group].sum())):
            name = names[ahead[names].argmin()]
            shares[group, name] += 1
            ahead[name] += 1
    return shares


def _proportional(sizes: Ints, allowed: Flags, wanted: Ints) -> NDArray[np.float64]:
    """Shares of greatest entropy with these sums, or less where they cannot be reached."""
    shares = allowed.astype(np.float64) * wanted
    for _ in range(_ROUNDS):
        shares *= _ratio(sizes, shares.sum(axis=1))[:, None]
        shares *= _ratio(wanted, shares.sum(axis=0))
    shares *= np.minimum(_ratio(sizes, shares.sum(axis=1)), 1)[:, None]
    return shares


def _ratio(to: Ints, have: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(to, have, out=np.zeros(len(have)), where=have > 0)


def _largest_flow(sizes: Ints, allowed: Flags, wanted: Ints, start: Ints) -> Ints:
    """What a largest flow from groups to names adds to `start`, which it may also take back."""
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
