"""A folder that keeps decoded clips.

A file is named by the SHA-256 of the medium's bytes and the sizes of its frames, so that it
fits whatever the name of the medium. It holds three arrays in NumPy's own format, without pickle.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError
from qbuild.core.scratch import atomic_file
from qbuild.media.unreadable import reject_disk_errors
from qbuild_backends.models.inputs import Clip


def cached_clip_path(folder: Path, medium: Path, cache_key: str) -> Path:
    """Where the medium's clip is cached, or would be; raises UnreadableMediaError."""
    with reject_disk_errors(medium):
        digest = hash_file(medium).removeprefix("sha256:")
    return folder / digest[:2] / f"{digest}-{cache_key}.npy"


def write_clip(clip: Clip, place: Path) -> None:
    """Write a clip atomically; DiskError where it cannot be written."""
    motion = np.zeros((0,), np.uint8) if clip.motion is None else clip.motion
    with atomic_file(place) as unfinished, unfinished.open("wb") as stream:
        np.save(stream, np.array([clip.num_frames, clip.duration_s]), allow_pickle=False)
        np.save(stream, clip.keys, allow_pickle=False)
        np.save(stream, motion, allow_pickle=False)


def read_clip(place: Path) -> Clip:
    """The clip in a file; InputError where the file is damaged."""
    try:
        with disk_errors(place), place.open("rb") as stream:
            extent, keys, motion = (np.load(stream, allow_pickle=False) for _ in range(3))
    except (ValueError, EOFError) as error:
        raise InputError(
            str(place),
            f"does not hold a complete clip ({error})",
            "expected the frames that were written there",
            "Remove the file; its medium is decoded again.",
        ) from error
    return Clip(keys, motion if motion.ndim == 4 else None, int(extent[0]), float(extent[1]))
