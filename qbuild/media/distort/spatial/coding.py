"""Coding distortions: JPEG quantisation, and blocks reduced to their lowest frequencies."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from qbuild.media.distort.parameters import REFERENCE_SIDE
from qbuild.media.images.read_write import Floats, Pixels

_MAX_DOUBLINGS = 3  # of the block side: beyond them `_quantise` rounds too coarsely
_FIRST, _SECOND, _BETWEEN = 2.0**14, 2.0**10, 2.0**3  # steps per unit; see `_filter_blocks`


def compress(pixels: Pixels, values: dict[str, float], _seed: int) -> Pixels:
    """Encode and decode as JPEG at `quality`, chroma 4:2:0: blocks and ringing."""
    settings = [
        *(cv2.IMWRITE_JPEG_QUALITY, int(values["quality"])),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    ]
    succeeded, coded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)
    if not succeeded:
        size = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
        raise ValueError(f"OpenCV cannot encode {size} as JPEG")
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def reduce_to_blocks(pixels: Pixels, values: dict[str, float], _seed: int) -> Pixels:
    """Reduce square blocks to their lowest frequencies, without a deblocking filter.

    Of a block's DCT the lowest `frequencies_kept` along each side are kept and, except for the
    lowest, multiplied by `gain`; no high frequency is left to ring. Blocks are `block_px_at_480`
    wide, and twice that for each doubling of the shorter side beyond 480, as in an image enlarged
    after coding. The image is padded at its right and lower edge to whole blocks.
    """
    height, width = pixels.shape[:2]
    side = block_side(int(values["block_px_at_480"]), min(height, width))
    padded = cv2.copyMakeBorder(
        pixels, 0, -height % side, 0, -width % side, cv2.BORDER_REPLICATE
    )  # [h', w', 3], whole blocks
    matrix = _low_pass(side, int(values["frequencies_kept"]), values["gain"])
    return np.ascontiguousarray(_filter_blocks(matrix, np.asarray(padded))[:height, :width])


def block_side(at_reference: int, shorter: int) -> int:
    """The side of a block for an image of that shorter side: 16, 32, 64 or 128."""
    doublings = (shorter // REFERENCE_SIDE).bit_length() - 1
    return at_reference << min(max(0, doublings), _MAX_DOUBLINGS)


def _filter_blocks(matrix: NDArray[np.float64], pixels: Pixels) -> Pixels:
    """Apply `matrix` to each block along both sides.

    Every factor is a whole number and every sum is below 2^24, which float32 represents exactly:
    the result does not depend on the order of additions in a BLAS.
    """
    height, width, _ = pixels.shape
    side = len(matrix)
    rows = pixels.reshape(height // side, side, width * 3).astype(np.float32)
    rows = _quantise(matrix, _FIRST) @ rows  # vertically
    rows = np.rint(rows * np.float32(_BETWEEN / _FIRST))
    columns = rows.reshape(height, width // side, side, 3)
    columns = np.moveaxis(columns, 3, 2) @ _quantise(matrix, _SECOND)  # [h, blocks, 3, side]
    columns *= np.float32(1 / (_BETWEEN * _SECOND))
    np.clip(np.rint(columns, out=columns), 0, 255, out=columns)
    filtered: Pixels = columns.astype(np.uint8)
    return np.moveaxis(filtered, 2, 3).reshape(height, width, 3)


@cache
def _low_pass(side: int, frequencies: int, gain: float) -> NDArray[np.float64]:
    """The matrix `[side, side]` that filters a line of a block; symmetric."""
    at = (np.arange(side) + 0.5) * np.pi / side
    waves = np.cos(np.outer(np.arange(1, frequencies), at)) * np.sqrt(2 / side)  # of a DCT II
    matrix: NDArray[np.float64] = 1 / side + gain * (waves.T @ waves)
    return matrix


def _quantise(matrix: NDArray[np.float64], steps: float) -> Floats:
    """`matrix` in whole steps; each row still sums to one, so that an even block does not change.

    Symmetric, so that it applies from either side.
    """
    rounded = np.rint(matrix * steps)
    rounded[np.diag_indices_from(rounded)] += steps - rounded.sum(axis=1)
    return rounded.astype(np.float32)
