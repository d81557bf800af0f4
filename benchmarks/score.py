"""Media to scores: our `score` against one-by-one `generate` behind the published loader.

    python benchmarks/score.py [--preset tiny] [--images 24] [--videos 6] [--seconds 8]
                               [--repeat 3] [--device cpu] [--batch 8] [--threads 2] [--busy]

Published: an image by Pillow; a video by decord, all frames at full size as Pillow images; key
frames bicubic to the vision tower's size and all frames to the motion size; then `generate` of the
same weights, one token, its logits over the whole vocabulary, one medium at a time; key frames go
through the vision tower by transformers' own `get_video_features`. Its motion branch is the plain
fast pathway: the slow one, which the published code computes as well, is left out in its favour.
Ours: `FamilyBackend.score`. Weights are random and the same, images 1024 x 768 JPEG, videos
1280 x 720 H.264 at 30 frames/s.

With --busy another process keeps one core busy meanwhile.

Each contender runs in a process of its own, alternately, after a pass over the same media that
warms it up. Printed are media per second from file to score; media per second of processor time,
which is steadier on a machine with other work; both for only the model on frames read before, and
the peak of its tensors without weights; peak memory of the process and of those that decode for it
(VmHWM, less its value with the model loaded, before any medium) or of the GPU; the
largest difference between scores on the same frames; and with --device cuda the share of the
bfloat16 peak (--peak, in TFLOP/s) that the model without reading reaches.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from busy import busy_process
from made_media import (
    KINDS,
    children_watched,
    clip_of,
    make_media,
    make_model,
    peak,
    processor_time,
    published_clip,
)

WORDS = ("low", "poor", "fair", "good", "high")
FIGURES = ("whole", "cpu", "model", "model_cpu", "peak", "tensors")


# ------------------------------------------------------------------------------- contenders


class Ours:
    """The backend's scorer."""

    def __init__(self, options: argparse.Namespace) -> None:
        from qbuild_backends.inference.loading import load_model
        from qbuild_backends.inference.scoring import Scorer
        from qbuild_backends.models.vqa2.family import FAMILY

        from qbuild.backends.protocol import Computing, Scoring

        computing = Computing(options.device, batch=options.batch, readers=options.threads)
        loaded = load_model(FAMILY, str(options.model), computing)
        self.scorer = Scorer(loaded, Scoring(computing=computing))

    def scores(self, files: list[Path]) -> list[float]:
        """From file to score."""
        from qbuild.core.media_roots import Medium

        media = (Medium(file.name, file.name, file) for file in files)
        return [one.score for one in self.scorer.score(media)]

    def read(self, files: list[Path]) -> list[Any]:
        """What `compute` takes."""
        from qbuild.core.media_roots import Medium

        media = (Medium(file.name, file.name, file) for file in files)
        return list(self.scorer.encoded(media, []))

    def compute(self, read: list[Any]) -> None:
        """The model alone."""
        list(self.scorer.compute(read))


class Published:
    """`generate` on media read as the published loader reads them."""

    def __init__(self, options: argparse.Namespace) -> None:
        import torch
        from qbuild_backends.checkpoints.folder import from_folder
        from qbuild_backends.models.vqa2.family import FAMILY

        self.device = torch.device(options.device)
        dtype = torch.bfloat16 if options.device == "cuda" else torch.float32
        self.model, self.processor = from_folder(FAMILY, options.model, dtype=dtype)
        self.model.to(self.device)
        self.model.model.visual_tokens = partial(plain_visual_tokens, self.model.model)
        vocabulary = self.processor.tokenizer.get_vocab()
        self.ids = [vocabulary[f"Ġ{word}"] for word in WORDS]

    def scores(self, files: list[Path]) -> list[float]:
        """From file to score, one by one."""
        return [self._score(self._encoded(self.clip(file))) for file in files]

    def scores_on_our_frames(self, files: list[Path]) -> list[float]:
        """Scores by `generate` of what our reader reads."""
        clips = self.processor.clips
        return [self._score(self._encoded(clip_of(file, clips))) for file in files]

    def read(self, files: list[Path]) -> list[Any]:
        """What `compute` takes."""
        return [self._encoded(self.clip(file)) for file in files]

    def compute(self, read: list[Any]) -> None:
        """The model alone."""
        for encoded in read:
            self._score(encoded)

    def clip(self, file: Path) -> Any:
        """The frames of a file, read the published way."""
        sizes = self.processor.settings
        return published_clip(file, sizes.key_size, sizes.motion_size)

    def _encoded(self, clip: Any) -> Any:
        from qbuild_backends.models.inputs import Turn

        from qbuild.quality.published_text import VQA2_VIDEO_PROMPTS

        kind = "image" if clip.motion is None else "video"
        around = "<image>" if kind == "image" else VQA2_VIDEO_PROMPTS["scoring"]
        turns = [
            Turn("user", f"{around}\nHow would you rate the quality of this {kind}?"),
            Turn("assistant", f"The quality of the {kind} is"),
        ]
        return self.processor.encode(turns, clip, open_end=True)

    def _score(self, encoded: Any) -> float:
        import torch

        batch = self.processor.collate([encoded])
        del batch["labels"]
        with torch.inference_mode():
            generated = self.model.generate(
                **{name: value.to(self.device) for name, value in batch.items()},
                max_new_tokens=1,
                do_sample=False,
                output_logits=True,
                return_dict_in_generate=True,
            )
        shares = generated.logits[0][0, self.ids].double().softmax(-1).tolist()
        return float(np.dot(shares, [0, 0.25, 0.5, 0.75, 1]))


def plain_visual_tokens(model: Any, key_frames: Any, _key_counts: Any) -> Any:
    """Visual tokens of one medium by transformers: all frames at once, all layers' states kept."""
    weight = model.vision_tower.embeddings.patch_embedding.weight
    pixels = key_frames.to(weight).div(255).sub(model.config.vision_mean)
    pixels = pixels.div(model.config.vision_deviation).permute(0, 3, 1, 2)
    return model.get_video_features(pixels[None], return_dict=True).pooler_output.flatten(0, 1)


CONTENDERS = {"ours": Ours, "published": Published}


# ------------------------------------------------------------------------------- measuring


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """What one contender does with the media of one kind."""
    import torch

    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # or tiny would compute with one
    torch.set_num_threads(options.threads)
    files = sorted((options.media / options.kind).iterdir())
    made = CONTENDERS[options.contender](options)
    before = peak(options.device, reset=True)
    made.scores(files)
    begun, used = time.perf_counter(), processor_time()
    with children_watched() as children_mib:
        scores = made.scores(files)
    whole, used = time.perf_counter() - begun, processor_time() - used
    figures = {"scores": scores, "whole": whole, "cpu": used}
    figures["peak"] = (
        peak(options.device) - before + (children_mib[0] if options.device == "cpu" else 0)
    )
    read = made.read(files)
    begun, used = time.perf_counter(), processor_time()
    made.compute(read)
    figures["model"], figures["model_cpu"] = time.perf_counter() - begun, processor_time() - used
    figures["tensors"] = tensors_peak(made, read, options.device)
    if options.device == "cuda" and options.contender == "ours":
        figures["flops"] = flops(made, read)
    if options.contender == "published":
        figures["scores"] = made.scores_on_our_frames(files)
    return figures


def tensors_peak(made: Any, read: list[Any], device: str) -> float:
    """Peak memory of tensors while the model computes, without weights, in MiB."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    if device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        made.compute(read)
        return float(torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        made.compute(read)
    events = seen.profiler.kineto_results.events()
    steps = sorted((one.start_ns(), one.nbytes()) for one in events if one.name() == "[memory]")
    return float(np.cumsum([step for _, step in steps]).max()) / 2**20


def flops(made: Any, read: list[Any]) -> float:
    """Floating-point operations of a pass, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        made.compute(read)
    return float(counter.get_total_flops())


def run(contender: str, kind: str, place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One contender in a process of its own."""
    own = ["--contender", contender, "--kind", kind, "--media", place, "--model", place / "model"]
    same = ["--device", options.device, "--batch", options.batch, "--threads", options.threads]
    command = [sys.executable, __file__, *own, *same]
    with busy_process(options.busy):
        done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def compare(kind: str, count: int, place: Path, options: argparse.Namespace) -> None:
    """Both contenders, alternately; a line of figures each, and their ratio."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(options.repeat):
        for name, runs in found.items():
            runs.append(run(name, kind, place, options))
    middle = {
        name: {what: statistics.median(one[what] for one in runs) for what in FIGURES}
        for name, runs in found.items()
    }
    for name, one in middle.items():
        print(
            f"{kind:7} {name:10} {count / one['whole']:8.2f} media/s  {count / one['cpu']:8.2f} "
            f"media/core-s  model only {count / one['model']:8.2f} media/s  "
            f"{count / one['model_cpu']:8.2f} media/core-s {one['tensors']:6.0f} MiB  "
            f"peak {one['peak']:6.0f} MiB"
        )
    ratios = [middle["published"][what] / middle["ours"][what] for what in FIGURES]
    ours, theirs = (np.array(found[name][-1]["scores"]) for name in CONTENDERS)
    apart = np.abs(ours - theirs).max()
    print(
        f"{kind:7} ratio      {ratios[0]:8.2f} {ratios[1]:17.2f}               "
        f"model alone {ratios[2]:8.2f} {ratios[3]:17.2f} {ratios[5]:19.2f}      "
        f"peak {ratios[4]:6.2f}      same frames, scores differ by {apart:.1e}"
    )
    if "flops" in found["ours"][0]:
        speed = found["ours"][0]["flops"] / middle["ours"]["model"] / 1e12
        print(f"{kind:7} {speed:.0f} TFLOP/s, {speed / options.peak:.0%} of {options.peak:g}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="tiny", choices=["tiny", "0.5b", "7b"])
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--videos", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peak", type=float, default=989.0)  # H100, H200: dense bfloat16
    parser.add_argument("--busy", action="store_true", help="keep one core busy meanwhile")
    for name in ("contender", "kind"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    for name in ("media", "model"):
        parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.contender:
        print(json.dumps(measure(options)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        make_media(place, options.images, [options.seconds] * options.videos)
        make_model(place / "model", options.preset)
        for kind, count in zip(KINDS, (options.images, options.videos), strict=True):
            if count:
                compare(kind, count, place, options)


if __name__ == "__main__":
    main()
