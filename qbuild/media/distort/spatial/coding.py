"""What codecs leave: JPEG's quantisation, and blocks of which only the coarsest part arrived."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.media.distort.spatial.severities import REFERENCE_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_DOUBLINGS = 3  # of a block: beyond them `_whole` rounds too coarsely
_FIRST, _SECOND, _BETWEEN = 2.0**14, 2.0**10, 2.0**3  # steps a unit; see `_applied`


def compress(pixels: NDArray[np.uint8], figures: dict[str, float], _seed: int) -> NDArray[np.uint8]:
    """The picture after JPEG at `quality`, chroma at half the size (4:2:0): blocks and ringing."""
    settings = [
        *(cv2.IMWRITE_JPEG_QUALITY, int(figures["quality"])),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    ]
    done, coded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise ValueError(f"OpenCV wrote no JPEG of {pixels.shape[1]} x {pixels.shape[0]} pixels")
    read = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def coarsen(pixels: NDArray[np.uint8], figures: dict[str, float], _seed: int) -> NDArray[np.uint8]:
    """Square blocks of which little but the mean is left, and no filter over their edges.

    Of a block's DCT the lowest `frequencies_kept` along each side stay, all but the lowest times
    `gain`; no high frequency is left to ring. Blocks are `block_px_at_480` wide, and twice that
    for each doubling of the shorter side beyond 480, as in a picture enlarged after coding. The
    picture is continued at its right and lower edge to whole blocks.
    """
    height, width = pixels.shape[:2]
    side = block_side(int(figures["block_px_at_480"]), min(height, width))
    whole = cv2.copyMakeBorder(
        pixels, 0, -height % side, 0, -width % side, cv2.BORDER_REPLICATE
    )  # [h', w', 3], whole blocks
    kept = _kept(side, int(figures["frequencies_kept"]), figures["gain"])
    return np.ascontiguousarray(_applied(kept, np.asarray(whole))[:height, :width])


def block_side(at_reference: int, shorter: int) -> int:
    """The side of a block in a picture of that shorter side: 16, 32, 64 or 128."""
    doublings = (shorter // REFERENCE_SIDE).bit_length() - 1
    return at_reference << min(max(0, doublings), _MOST_DOUBLINGS)


def _applied(kept: NDArray[np.float64], pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each block with `kept` applied along both sides.

    Every factor is a whole number and every sum is below 2^24, which float32 holds exactly: the
    bits do not depend on the order in which a BLAS adds.
    """
    height, width, _ = pixels.shape
    side = len(kept)
    rows = pixels.reshape(height // side, side, width * 3).astype(np.float32)
    rows = _whole(kept, _FIRST) @ rows  # up and down
    rows = np.rint(rows * np.float32(_BETWEEN / _FIRST))
    columns = rows.reshape(height, width // side, side, 3)
    columns = np.moveaxis(columns, 3, 2) @ _whole(kept, _SECOND)  # [h, blocks, 3, side]
    columns *= np.float32(1 / (_BETWEEN * _SECOND))
    np.clip(np.rint(columns, out=columns), 0, 255, out=columns)
    made: NDArray[np.uint8] = columns.astype(np.uint8)
    return np.moveaxis(made, 2, 3).reshape(height, width, 3)


@cache
def _kept(side: int, frequencies: int, gain: float) -> NDArray[np.float64]:
    """The matrix, `[side, side]`, from a line of a block to what is left of it; symmetric."""
    at = (np.arange(side) + 0.5) * np.pi / side
    waves = np.cos(np.outer(np.arange(1, frequencies), at)) * np.sqrt(2 / side)  # of a DCT II
    kept: NDArray[np.float64] = 1 / side + gain * (waves.T @ waves)
    return kept


def _whole(kept: NDArray[np.float64], steps: float) -> NDArray[np.float32]:
    """`kept` in whole steps; every row still adds up to one, so that an even block stays.

    Symmetric, so that it may stand on either side.
    """
    rounded = np.rint(kept * steps)
    rounded[np.diag_indices_from(rounded)] += steps - rounded.sum(axis=1)
    return rounded.astype(np.float32)
