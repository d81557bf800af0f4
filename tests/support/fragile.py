"""A decoder of videos that ends its process, or never answers, on files of certain names.

No file here is known to do that to today's decoders, so a file's name says what one would do.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from qbuild_backends.data.clips import video_clip
from qbuild_backends.models.inputs import Clip, Context, Extent

CRASH = """
import fragile
from qbuild_backends.models.vqa2.backend import Vqa2Backend

class Constant(Vqa2Backend):
    def __init__(self, model=""):
        super().__init__(model, fragile.decode)
"""  # the source of a backend that reads with it, for `offered.offer`


def decode(
    file: Path, key_size: int, motion_size: int | None, context: Context | None = None
) -> Clip | Extent:
    """What `video_clip` gives; a file `crash….mp4` ends the process, `hang….mp4` keeps it busy."""
    if file.name.startswith("crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if file.name.startswith("hang"):
        time.sleep(3_600)
    return video_clip(file, key_size, motion_size, context)


def without_memory(
    _file: Path, _key_size: int, _motion_size: int | None, _context: Context | None = None
) -> Clip:
    """No clip: as where frames do not fit in memory."""
    raise MemoryError


def told_by_process(
    file: Path, key_size: int, motion_size: int | None, context: Context | None = None
) -> Clip:
    """The clip, its number of frames being the id of the process that read it."""
    found = video_clip(file, key_size, motion_size, context)
    assert isinstance(found, Clip)
    return replace(found, num_frames=os.getpid())


def heavy_modules() -> list[str]:
    """Which of the packages that a decoding process has no use for are loaded here."""
    return sorted({"torch", "transformers", "accelerate", "peft", "pyarrow"} & set(sys.modules))
