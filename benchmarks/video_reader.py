"""Key frames and motion frames of a 720p clip: our reader against the published loader.

    python benchmarks/video_reader.py [--seconds 10] [--repeat 3]

Published: decord decodes all frames at full size, all are kept as PIL images, the key frames and
all frames (a multiple of four) are processed by the model's image processor: bicubic to 384 x 384
(a second line: motion frames to 224 x 224), rescaled and normalised to float32. If transformers is
installed, its SiglipImageProcessor is used, otherwise the same steps with Pillow and numpy; the one
used is printed. Ours: `read_frames` to uint8 motion frames and key frames, and the same with
float32 arrays made per chunk, the key frames by the published steps.

Each contender runs in a separate process, alternately; its peak memory is that of the process
(VmHWM) minus its memory after the imports. Seconds exclude imports.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIDE, SMALL = 384, 224
RATE = 30


def make_clip(path: Path, seconds: int) -> None:
    """A moving texture, 1280 x 720, H.264, 30 frames per second."""
    import av
    import cv2

    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    texture = cv2.normalize(soft, None, 0, 255, cv2.NORM_MINMAX)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.codec_context.thread_count = 1
        for index in range(seconds * RATE):
            at = index % 320
            pixels = np.ascontiguousarray(texture[at : at + 720, 2 * at : 2 * at + 1280])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def processor(side: int) -> tuple[str, Callable[[list[Any]], np.ndarray]]:
    """The published preprocessing: PIL images to float32 [n, 3, side, side] in -1..1."""
    try:
        from transformers import SiglipImageProcessor
    except ImportError:
        return "Pillow and numpy", lambda images: np.stack([by_hand(i, side) for i in images])
    size = {"height": side, "width": side}
    half = [0.5, 0.5, 0.5]
    model = SiglipImageProcessor(size=size, image_mean=half, image_std=half, resample=3)
    return "transformers", lambda images: np.stack(model(images)["pixel_values"])


def by_hand(image: Any, side: int) -> np.ndarray:
    from PIL import Image

    pixels = np.asarray(image.resize((side, side), Image.Resampling.BICUBIC))
    scaled = pixels.astype(np.float32) * np.float32(1 / 255)
    return ((scaled - np.float32(0.5)) / np.float32(0.5)).transpose(2, 0, 1)


def normalise(frames: np.ndarray, out: np.ndarray) -> None:
    """Convert uint8 [n, s, s, 3] to float32 [n, 3, s, s] in -1..1 without intermediate copies."""
    np.multiply(frames.transpose(0, 3, 1, 2), np.float32(1 / 127.5), out=out)
    out -= 1


def published(path: str, motion_side: int) -> tuple[np.ndarray, np.ndarray]:
    """Key frames and motion frames, float32, as in the released loaders."""
    from decord import VideoReader, cpu
    from PIL import Image

    reader = VideoReader(path, ctx=cpu(0))
    step = max(1, round(reader.get_avg_fps()))
    frames = reader.get_batch(list(range(len(reader)))).asnumpy()
    images = [Image.fromarray(frame) for frame in frames]
    _, key_processor = processor(SIDE)
    _, motion_processor = processor(motion_side)
    keys = key_processor(images[::step])
    return keys, motion_processor(images[: len(images) // 4 * 4])


def ours(path: str, motion_side: int, as_float: bool) -> tuple[np.ndarray, np.ndarray]:
    """Key frames and motion frames of our reader; with as_float normalised for the model."""
    from PIL import Image

    from qbuild.media.video.read import read_frames, video_info

    count = video_info(Path(path)).num_frames
    shape = (3, motion_side, motion_side) if as_float else (motion_side, motion_side, 3)
    motion = np.empty((count, *shape), np.float32 if as_float else np.uint8)
    keys = []
    _, key_processor = processor(SIDE)
    for part in read_frames(Path(path), motion_size=motion_side):
        place = motion[part.first : part.first + len(part.motion)]
        if as_float:
            normalise(part.motion, place)
        else:
            place[:] = part.motion
        for frame in part.keys.values():
            keys += [key_processor([Image.fromarray(frame)])[0] if as_float else frame]
    return np.stack(keys), motion[: count // 4 * 4]


CONTENDERS: dict[str, Callable[[str], tuple[np.ndarray, np.ndarray]]] = {
    "published, motion 384": lambda path: published(path, SIDE),
    "published, motion 224": lambda path: published(path, SMALL),
    "qbuild, motion 224, uint8": lambda path: ours(path, SMALL, as_float=False),
    "qbuild, motion 224, float32": lambda path: ours(path, SMALL, as_float=True),
    "qbuild, motion 384, float32": lambda path: ours(path, SIDE, as_float=True),
}


def memory_mib(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def run_one(name: str, path: str) -> None:
    """In a separate process: print seconds, MiB above the imports, shapes and means."""
    import av  # noqa: F401 - both sides start with every library loaded
    import cv2  # noqa: F401
    import decord  # noqa: F401
    import PIL.Image  # noqa: F401

    import qbuild.media.video.decoders.with_pyav  # noqa: F401

    using, _ = processor(SIDE)
    before = memory_mib("VmRSS")
    began = time.perf_counter()
    keys, motion = CONTENDERS[name](path)
    took = time.perf_counter() - began
    peak = memory_mib("VmHWM") - before
    small = motion[:: max(1, len(motion) // 8)].astype(np.float32)
    if motion.dtype == np.uint8:
        small = small.transpose(0, 3, 1, 2) / 127.5 - 1
    result = {"seconds": took, "mib": peak, "using": using, "keys": list(keys.shape)}
    result |= {"motion": list(motion.shape), "arrays_mib": (keys.nbytes + motion.nbytes) / 2**20}
    print(json.dumps({**result, "means": small.mean((2, 3)).ravel().tolist()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "CLIP"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run_one(*given.one)
        return
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory() as place:
        clip = Path(place) / "clip.mp4"
        make_clip(clip, given.seconds)
        for _ in range(given.repeat):
            for name, runs in results.items():
                command = [sys.executable, __file__, "--one", name, str(clip)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                runs.append(json.loads(done.stdout))
    report(results, given.seconds)


def report(results: dict[str, list[dict[str, Any]]], seconds: int) -> None:
    """Print a table and ratios after comparing the contenders' frames."""
    first = {name: runs[0] for name, runs in results.items()}
    wanted = np.array(first["published, motion 224"]["means"])
    for name, run in first.items():
        difference = np.abs(np.array(run["means"]) - wanted).max() * 127.5
        if difference > 1:
            raise SystemExit(f"{name}: mean colours differ by {difference:.2f} grey levels")
    using = first["published, motion 384"]["using"]
    print(f"{seconds} s of 1280 x 720, {RATE} frames/s; image processor: {using}")
    print(f"{'':30s}{'seconds':>9s}{'peak MiB':>10s}{'arrays':>8s}  shapes")
    middle = {}
    for name, runs in results.items():
        middle[name] = [statistics.median(run[what] for run in runs) for what in ("seconds", "mib")]
        took, peak = middle[name]
        shapes = f"keys {first[name]['keys']} motion {first[name]['motion']}"
        print(f"{name:30s}{took:9.2f}{peak:10.0f}{first[name]['arrays_mib']:8.0f}  {shapes}")
    pairs = [
        ("published, motion 384", "qbuild, motion 224, uint8"),
        ("published, motion 224", "qbuild, motion 224, uint8"),
        ("published, motion 384", "qbuild, motion 224, float32"),
        ("published, motion 224", "qbuild, motion 224, float32"),
        ("published, motion 384", "qbuild, motion 384, float32"),
    ]
    for theirs, mine in pairs:
        faster, leaner = (middle[theirs][i] / middle[mine][i] for i in (0, 1))
        print(f"({theirs}) / ({mine}): time {faster:.2f}, memory {leaner:.2f}")


if __name__ == "__main__":
    main()
