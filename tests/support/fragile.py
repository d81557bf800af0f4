"""Clip readers that end their process, or never answer, on files of certain names.

No file here is known to do that to today's decoders, so a file's name says what one would do.
`fragile_family` has the models that read with them: this module is imported by decoding processes.
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
    """A file `crash….mp4` ends the process, `hang….mp4` keeps it busy."""

    def read_video(self, file: Path) -> Clip | Extent:
        if file.name.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if file.name.startswith("hang"):
            time.sleep(3_600)
        return super().read_video(file)


@dataclass(frozen=True)
class ClipsWithoutMemory(Vqa2Clips):
    """As where frames do not fit in memory."""

    def read_video(self, file: Path) -> Clip | Extent:
        raise MemoryError


@dataclass(frozen=True)
class ClipsByProcess(Vqa2Clips):
    """The number of frames of a clip is the id of the process that read it."""

    def read_video(self, file: Path) -> Clip | Extent:
        clip = super().read_video(file)
        assert isinstance(clip, Clip)
        return replace(clip, num_frames=os.getpid())


def heavy_modules() -> list[str]:
    """Which of the packages that a decoding process has no use for are loaded here."""
    return sorted({"torch", "transformers", "accelerate", "peft", "pyarrow"} & set(sys.modules))
