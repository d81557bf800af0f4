"""Decoded media, from the file or from a folder that keeps key frames and motion frames.

A kept file is named by the SHA-256 of the medium's bytes and the two sizes, so that it fits
whatever the medium is called. It holds three arrays in NumPy's own format, read without pickle.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qbuild.core.canonical import hash_file
from qbuild.core.disk import disk_errors, temporary_name
from qbuild.media.unreadable import file_size
from qbuild_backends.vqa2.frames import Clip, read_clip


@dataclass(frozen=True)
class FrameReader:
    """Reads clips at these sizes; keeps them below `folder`, where there is one."""

    key_size: int
    motion_size: int | None  # None: key frames alone
    folder: Path | None = None

    def read(self, file: Path) -> Clip:
        """The medium's frames; raises UnreadableMediaError, DiskError where keeping them fails."""
        if self.folder is None:
            return self._decoded(file)
        place = self._place(file, self.folder)
        if place.is_file():
            return _kept(place)
        clip = self._decoded(file)
        _keep(clip, place)
        return clip

    def _decoded(self, file: Path) -> Clip:
        return read_clip(file, key_size=self.key_size, motion_size=self.motion_size)

    def _place(self, file: Path, folder: Path) -> Path:
        file_size(file)  # its refusals of files that cannot be opened
        digest = hash_file(file).removeprefix("sha256:")
        return folder / digest[:2] / f"{digest}-{self.key_size}-{self.motion_size or 0}.npy"


def _keep(clip: Clip, place: Path) -> None:
    temporary = temporary_name(place)
    motion = np.zeros((0,), np.uint8) if clip.motion is None else clip.motion
    with disk_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                np.save(stream, np.array([clip.num_frames, clip.duration_s]), allow_pickle=False)
                np.save(stream, clip.keys, allow_pickle=False)
                np.save(stream, motion, allow_pickle=False)
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)


def _kept(place: Path) -> Clip:
    with disk_errors(place), place.open("rb") as stream:
        told, keys, motion = (np.load(stream, allow_pickle=False) for _ in range(3))
    return Clip(keys, motion if motion.ndim == 4 else None, int(told[0]), float(told[1]))
