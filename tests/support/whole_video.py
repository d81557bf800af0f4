"""A video collected into memory, to compare chunked reads with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qbuild.media.video.read import read_frames


@dataclass(frozen=True)
class Video:
    """All key frames, uint8 [h, w, 3] by index, and motion frames, uint8 [t, size, size, 3]."""

    keys: dict[int, np.ndarray]
    motion: np.ndarray | None


def read_video(path: Path, **options: Any) -> Video:
    """Everything that `read_frames` yields, with its options."""
    chunks = list(read_frames(path, **options))
    keys = {index: frame for chunk in chunks for index, frame in chunk.keys.items()}
    motion = [chunk.motion for chunk in chunks if chunk.motion is not None]
    return Video(keys, np.concatenate(motion) if motion else None)
