"""A folder that keeps decoded clips.

A kept file is named by the SHA-256 of the medium's bytes and the two sizes, so that it fits
whatever the medium is called. It holds three arrays in NumPy's own format, read without pickle.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError
from qbuild.core.scratch import whole_file
from qbuild.media.unreadable import reject_disk_errors
from qbuild_backends.models.inputs import Clip


@dataclass(frozen=True)
class ClipCache:
    """Clips at these sizes, kept below `folder`."""

    folder: Path
    key_size: int
    motion_size: int | None

    def place(self, file: Path) -> Path:
        """Where the medium's clip is kept, or would be; raises UnreadableMediaError."""
        with reject_disk_errors(file):
            digest = hash_file(file).removeprefix("sha256:")
        return self.folder / digest[:2] / f"{digest}-{self.key_size}-{self.motion_size or 0}.npy"


def keep(clip: Clip, place: Path) -> None:
    """Write a clip, whole or not at all; DiskError where it cannot be written."""
    motion = np.zeros((0,), np.uint8) if clip.motion is None else clip.motion
    with whole_file(place) as unfinished, unfinished.open("wb") as stream:
        np.save(stream, np.array([clip.num_frames, clip.duration_s]), allow_pickle=False)
        np.save(stream, clip.keys, allow_pickle=False)
        np.save(stream, motion, allow_pickle=False)


def kept(place: Path) -> Clip:
    """The clip that lies there; InputError where the file is damaged."""
    try:
        with disk_errors(place), place.open("rb") as stream:
            told, keys, motion = (np.load(stream, allow_pickle=False) for _ in range(3))
    except (ValueError, EOFError) as error:
        raise InputError(
            str(place),
            f"holds no whole clip ({error})",
            "expected the frames that were kept there",
            "Remove the file; its medium is decoded again.",
        ) from error
    return Clip(keys, motion if motion.ndim == 4 else None, int(told[0]), float(told[1]))
