"""64-bit hashes of string columns, to find equal ids among millions without keeping them.

Strings with equal hashes must still be compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORD = 8
_TAILS = np.array([(1 << (8 * n)) - 1 for n in range(_WORD + 1)], dtype=np.uint64)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)


def string_hashes(array: Any) -> NDArray[np.uint64]:
    """One hash per string: the sum of its mixed 8-byte words; null hashes as `""`.

    Words are read in place, eight bytes at a time for all strings together, so the hash of a
    string does not depend on its neighbours.
    """
    starts, lengths = _extents(array)
    words = _words(array.buffers()[2])
    hashes = lengths.astype(np.uint64) * _ODD
    shortest, longest = (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)
    for place in range(0, longest, _WORD):
        seed = np.uint64((place + 1) * int(_MIX) & 0xFFFFFFFFFFFFFFFF)
        if place + _WORD <= shortest:
            hashes += _mixed(words[starts + place], seed)
            continue
        rest = np.minimum(np.maximum(lengths - place, 0), _WORD)
        near = np.minimum(starts + place, len(words) - 1)
        hashes += np.where(rest > 0, _mixed(words[near] & _TAILS[rest], seed), np.uint64(0))
    return hashes


def _mixed(words: NDArray[np.uint64], seed: np.uint64) -> NDArray[np.uint64]:
    """Mix the bits of each word over all 64, in place; different words stay different."""
    words ^= seed
    words *= _ODD
    words ^= words >> np.uint64(32)
    words *= _MIX
    return words


def _words(data: Any) -> NDArray[np.uint64]:
    """The eight bytes that start at each byte of a buffer, zeros after its end."""
    size = data.size if data is not None else 0
    padded = np.zeros(size + _WORD, dtype=np.uint8)
    if data is not None:
        padded[:size] = np.frombuffer(data, dtype=np.uint8)
    return np.ndarray((size + 1,), "<u8", padded, strides=(1,))


def _extents(array: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ends = np.frombuffer(array.buffers()[1], dtype=np.int32, count=array.offset + len(array) + 1)
    offsets = ends[array.offset :].astype(np.int64)
    lengths = offsets[1:] - offsets[:-1]
    if array.null_count:
        lengths[array.is_null().to_numpy(zero_copy_only=False)] = 0
    return offsets[:-1], lengths
