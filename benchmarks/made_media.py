"""What benchmarks of the model share: made media, random weights, published reading, peak memory.

Images are 1024 x 768 JPEG, videos 1280 x 720 H.264 at 30 frames/s. The published loader opens an
image by Pillow and decodes all frames of a video by decord at full size into Pillow images, then
makes them small: key frames bicubic to the vision tower's size, all frames to the motion size.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from qbuild_backends.models.inputs import Clip, ClipReader, Extent

RATE = 30
KINDS = ("images", "videos")


def make_media(folder: Path, images: int, seconds: Sequence[int]) -> None:
    """Crops of blurred noise: images, and a video of each length in which it moves."""
    import cv2

    noise = np.random.default_rng(0).integers(0, 256, (1100, 1700, 3), dtype=np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    texture = np.empty_like(soft)
    cv2.normalize(soft, texture, 0, 255, cv2.NORM_MINMAX)
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
    for number in range(images):
        _write_picture(folder / f"images/{number:03}.jpg", texture, number)
    for number, length in enumerate(seconds):
        _write_video(folder / f"videos/{number:03}.mp4", texture, number, length * RATE)


def _write_picture(file: Path, texture: Any, number: int) -> None:
    import cv2
    from PIL import Image

    at = 7 * number % 300
    image = cv2.GaussianBlur(texture[at : at + 768, at : at + 1024], (0, 0), 1 + number % 5)
    Image.fromarray(image).save(file, quality=90)


def _write_video(file: Path, texture: Any, number: int, frames: int) -> None:
    import av

    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.codec_context.thread_count = 1
        for index in range(frames):
            at = (index + 11 * number) % 360
            pixels = np.ascontiguousarray(texture[at : at + 720, at : at + 1280])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def make_model(folder: Path, preset: str) -> None:
    """A preset's shapes with random weights and the tiny tokenizer."""
    import torch
    from qbuild_backends.checkpoints.saving import save
    from qbuild_backends.models.vqa2 import presets
    from qbuild_backends.models.vqa2.family import FAMILY
    from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration
    from qbuild_backends.models.vqa2.tokenizer import tiny_tokenizer
    from transformers import set_seed

    set_seed(0)
    config = presets.preset(preset)
    torch.set_default_dtype(torch.float32 if preset == "tiny" else torch.bfloat16)
    model = Vqa2ForConditionalGeneration(config)
    save(folder, model, FAMILY.processor(config, tiny_tokenizer()))


def clip_of(file: Path, clips: ClipReader) -> Clip | Extent:
    """The frames of a file, read in this process."""
    from qbuild.media.images.read_write import image_format, read_image

    if image_format(file) is not None:
        return clips.read_image(read_image(file).buffer)
    return clips.read_video(file)


def published_clip(file: Path, key_size: int, motion_size: int) -> Clip:
    """The frames of a file, read the published way."""
    from PIL import Image
    from qbuild_backends.models.inputs import Clip

    if file.suffix == ".jpg":
        with Image.open(file) as image:
            return Clip(_squashed([image.convert("RGB")], key_size))
    from decord import VideoReader, cpu

    reader = VideoReader(str(file), ctx=cpu(0))
    step = round(reader.get_avg_fps())
    frames = [Image.fromarray(f) for f in reader.get_batch(range(len(reader))).asnumpy()]
    motion = _squashed(frames[: len(frames) // 4 * 4], motion_size)
    return Clip(_squashed(frames[::step], key_size), motion, len(frames), len(frames) / step)


def _squashed(frames: Sequence[Any], side: int) -> np.ndarray:
    from PIL import Image

    return np.stack([np.asarray(f.resize((side, side), Image.Resampling.BICUBIC)) for f in frames])


def peak(device: str, reset: bool = False) -> float:
    """Peak memory so far, in MiB; on a CPU with reset, its current memory."""
    if device == "cuda":
        import torch

        if reset:
            torch.cuda.reset_peak_memory_stats()
            return 0.0
        return torch.cuda.max_memory_allocated() / 2**20
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak_of("self")


def children_peak() -> float:
    """Peak memory of the child processes there are now, in MiB; what they share counts in each."""
    listed = []
    for file in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            listed += file.read_text("ascii").split()
    return sum(map(_peak_of, listed))


@contextmanager
def children_watched() -> Iterator[list[float]]:
    """A list whose one figure becomes the highest `children_peak` of the block, in MiB."""
    found, ended = [0.0], Event()

    def look() -> None:
        while not ended.wait(0.05):
            found[0] = max(found[0], children_peak())

    watch = Thread(target=look)
    watch.start()
    try:
        yield found
    finally:
        ended.set()
        watch.join()


def processor_time() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _peak_of(process: str) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
