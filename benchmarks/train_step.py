"""The training step: the backend's own loop against the naive form of the same model.

    python benchmarks/train_step.py [--preset tiny] [--device cpu] [--samples 8] [--seconds 8]
                                    [--steps 2] [--batch 8] [--per-device-batch 4] [--repeat 3]
                                    [--threads 2] [--lora-rank 0] [--busy]

Naive, as published: one sample per pass, gradients accumulated to the same batch; all frames of a
video decoded in the step, by decord at full size, into Pillow images; both pathways of
PyTorchVideo's SlowFast-R50 computed for the output of the fast one; logits of the whole sequence
over the whole vocabulary. Ours: passes of --per-device-batch, prefetched by two threads, without
and with (`cached`) frames kept on the disk from an earlier epoch.

Counted in the naive form's favour: its loop, AdamW, precision, gradient checkpointing and batches
are ours; motion frames are of the paper's size, not of the release's; SlowFast's head is left out;
decord takes as many threads as it likes. PyTorchVideo 0.1.5 is needed for the comparison only
(`pip install --no-deps pytorchvideo fvcore iopath parameterized`); without it the naive form has
only the fast pathway, and the output states it.

With --busy another process keeps one core busy meanwhile. `default_settings.py` measures training
as users run it, against another checkout.

Half of the samples are images of 1024 x 768 in JPEG, half videos of 1280 x 720 in H.264 at 30
frames/s, of half of --seconds to all of it; the plan is ugc-scorer, weights are random. Each
contender runs in a process of its own, alternately: the losses of an image and a video on our
frames, which must agree; a step to warm up; a step until samples are prefetched; then --steps
steps (0: an epoch) that are timed. Printed are medians: samples and unpadded tokens per second;
seconds per step; the peak memory of the process and of those that decode for it (VmHWM), or of the
GPU, less its value with model and optimiser loaded; the share of the time spent waiting for
data. With --device cuda also the share of the bfloat16 peak (--peak, in TFLOP/s) that ours reaches,
by the operations that torch counts, recomputed ones among them. 7b needs --lora-rank.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from busy import busy_process
from made_media import RATE, make_media, make_model

from qbuild.quality.published_text import ANSWER, LEVEL_WORDS, LLAVA_PLACEHOLDER, VQA2_QUESTION

CONTENDERS = ("ours", "cached", "naive")
FIGURES = ("seconds", "waited", "peak")


def write_pairs(place: Path, lengths: list[int], images: int) -> None:
    """Scoring pairs on the made media in LLaVA's form, with video lengths as export writes them."""
    words = [word.lower() for word in LEVEL_WORDS["vqa2"]]
    image_records = [_record("image", f"images/{n:03}.jpg", words[n % 5]) for n in range(images)]
    videos = [
        _record("video", f"videos/{n:03}.mp4", words[n % 5])
        | {"qbuild": {"media": [{"num_frames": seconds * RATE, "fps": float(RATE)}]}}
        for n, seconds in enumerate(lengths)
    ]
    records = image_records + videos
    (place / "pairs.json").write_text(json.dumps(records), encoding="utf-8")


def _record(kind: str, path: str, word: str) -> dict[str, Any]:
    question = f"{LLAVA_PLACEHOLDER}\n{VQA2_QUESTION.format(kind=kind)}"
    answer = ANSWER.format(aspect="quality", kind=kind, word=word)
    talk = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"id": path, kind: path, "conversations": talk}


def run(contender: str, place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One contender in a process of its own."""
    names = ("steps", "batch", "per_device_batch", "device", "threads", "lora_rank")
    same = [part for name in names for part in (f"--{name}".replace("_", "-"), vars(options)[name])]
    command = [sys.executable, __file__, "--contender", contender, "--place", place, *same]
    with busy_process(options.busy):
        done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE)
    return cast("dict[str, Any]", json.loads(done.stdout))


def compare(place: Path, options: argparse.Namespace) -> None:
    """The contenders, alternately; a line of figures each, and their ratios."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(options.repeat):
        for name in CONTENDERS:
            found[name].append(run(name, place, options))
    middle = {
        name: {what: statistics.median(one[what] for one in figures) for what in FIGURES}
        for name, figures in found.items()
    }
    for name, one in middle.items():
        seconds, tokens = one["seconds"], found[name][0]["tokens"]
        print(
            f"{name:7} {options.batch / seconds:8.2f} samples/s {tokens / seconds:9.0f} tokens/s "
            f"{seconds:8.2f} s per step peak {one['peak']:8.0f} MiB   waited {one['waited']:4.0%}"
        )
    for name in CONTENDERS[:-1]:
        time, memory = (middle["naive"][what] / middle[name][what] for what in ("seconds", "peak"))
        print(f"naive / {name:7} {time:6.2f} in time {memory:6.2f} in peak memory")
    report_agreement(found, options)


def report_agreement(found: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> None:
    """Whether the forms compute the same, and what the naive one lacks."""
    ours, naive = found["ours"][0], found["naive"][0]
    losses = [sum(one["losses"]) for one in (ours, naive)]
    print(f"losses on the same frames differ by {abs(losses[0] - losses[1]) / losses[1]:.1e}")
    if ours["tokens"] != naive["tokens"]:
        print(f"TOKENS DIFFER: {ours['tokens']:.1f} a step, naive {naive['tokens']:.1f}")
    if not naive["whole_slowfast"]:
        print("no PyTorchVideo: the naive form has the fast pathway alone, in its favour")
    if "flops" in ours:
        speed = ours["flops"] / statistics.median(one["seconds"] for one in found["ours"]) / 1e12
        print(f"ours {speed:.0f} TFLOP/s, {speed / options.peak:.0%} of {options.peak:g}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="tiny", choices=["tiny", "0.5b", "7b"])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--per-device-batch", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lora-rank", type=int, default=0)
    parser.add_argument("--peak", type=float, default=989.0)  # H100, H200: dense bfloat16
    parser.add_argument("--busy", action="store_true", help="keep one core busy meanwhile")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.contender:
        from train_forms import measure  # here: the children that decode import this script too

        print(json.dumps(measure(options)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        place, images = Path(temporary), options.samples - options.samples // 2
        shortest = max(1, options.seconds // 2)
        lengths = [
            shortest + number % (options.seconds - shortest + 1)
            for number in range(options.samples // 2)
        ]
        make_media(place, images, lengths)
        make_model(place / "model", options.preset)
        write_pairs(place, lengths, images)
        compare(place, options)


if __name__ == "__main__":
    main()
