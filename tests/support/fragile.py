"""Clip readers that crash or hang on files with certain names.

No known file makes current decoders do so; the name of a file decides what the reader does.
`fragile_family` holds the models that use them: this module is imported by decoding processes.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from qbuild_backends.models.inputs import Clip, Extent
from qbuild_backends.models.vqa2.clips import Vqa2Clips


@dataclass(frozen=True)
class FragileClips(Vqa2Clips):
    """Crashes on a file `crash….mp4`, hangs on `hang….mp4`."""

    def read_video(self, file: Path) -> Clip | Extent:
        if file.name.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if file.name.startswith("hang"):
            time.sleep(3_600)
        return super().read_video(file)


@dataclass(frozen=True)
class ClipsWithoutMemory(Vqa2Clips):
    """Fails as if frames did not fit in memory."""

    def read_video(self, file: Path) -> Clip | Extent:
        raise MemoryError


@dataclass(frozen=True)
class ClipsByProcess(Vqa2Clips):
    """Sets the number of frames of a clip to the id of the process that read it."""

    def read_video(self, file: Path) -> Clip | Extent:
        clip = super().read_video(file)
        assert isinstance(clip, Clip)
        return replace(clip, num_frames=os.getpid())


def heavy_modules() -> list[str]:
    """Loaded packages that a decoding process does not need."""
    return sorted({"torch", "transformers", "accelerate", "peft", "pyarrow"} & set(sys.modules))
