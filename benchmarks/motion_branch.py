"""The motion branch: our fast pathway alone against all of PyTorchVideo's SlowFast-R50.

    python benchmarks/motion_branch.py [--frames 32] [--size 224] [--threads N] [--repeat 7]
    python benchmarks/motion_branch.py --long [--frames 1024]

Both get the same frames and the same random weights; VQA² reads the fast output alone. They take
turns, a median each; the first turn counts for nothing. PyTorchVideo 0.1.5 is needed for the
comparison only (`pip install --no-deps pytorchvideo fvcore iopath parameterized`). `--long` reads
the peak memory of a long video in one piece and in chunks, each in a process of its own.
"""

from __future__ import annotations

import argparse
import copy
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch
from qbuild_backends.models.vqa2.fast_pathway import CHUNK, RADIUS, FastPathway
from qbuild_backends.models.vqa2.layouts import PARTS, PATHWAY
from torch import Tensor, nn


def full_network() -> nn.Module | None:
    """PyTorchVideo's SlowFast-R50, random weights and statistics, eval mode; None if not there."""
    if find_spec("pytorchvideo") is None:
        return None
    if find_spec("torchvision") is None:  # one name of it is imported, and not used here
        package, ops = ModuleType("torchvision"), ModuleType("torchvision.ops")
        ops.RoIAlign = nn.Identity  # type: ignore[attr-defined]
        sys.modules |= {"torchvision": package, "torchvision.ops": ops}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytorchvideo.models.slowfast import create_slowfast
    network: nn.Module = create_slowfast()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_mean"):
                tensor.normal_(0, 0.1)
            elif name.endswith("running_var"):
                tensor.uniform_(0.8, 1.2)
    return network.eval()


def fast_output(network: nn.Module, frames: Tensor) -> Tensor:
    """Tokens of the full network as VQA² takes them: every 4th frame slow, its fast output."""
    both = [frames[:, :, ::4], frames]
    for block in network.blocks[:5]:  # type: ignore[index, union-attr]
        both = block(both)
    return both[1].mean((3, 4)).transpose(1, 2)


def same_weights(network: nn.Module | None) -> FastPathway:
    pathway = FastPathway().eval()
    if network is not None:
        rules = PARTS["slowfast"]
        renamed = {rules.ours(name): tensor for name, tensor in network.state_dict().items()}
        own = {name.removeprefix(PATHWAY): t for name, t in renamed.items() if name is not None}
        pathway.load_state_dict(own)
    return pathway


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def compare(frames: Tensor, repeat: int) -> None:
    network = full_network()
    plain = same_weights(network)
    folded = plain.folded()
    half = copy.deepcopy(folded).to(torch.bfloat16)
    short = frames.to(torch.bfloat16)
    runs: dict[str, Callable[[], Tensor]] = {
        "fast pathway": lambda: plain(frames),
        "folded": lambda: folded(frames),
        "the same in bf16": lambda: half(short),
    }
    if network is None:
        print("PyTorchVideo is not installed: our own figures only")
    else:
        full, full_half = network, copy.deepcopy(network).to(torch.bfloat16)
        runs = {
            "SlowFast-R50": lambda: fast_output(full, frames),
            "SlowFast-R50 in bf16": lambda: fast_output(full_half, short),
        } | runs
    took, tokens = measured(runs, repeat)
    report(took, tokens, network)
    for title, module in (("SlowFast-R50", network), ("fast pathway", plain)):
        if module is not None:
            print(f"{title:24s}{sum(w.numel() for w in module.parameters()):>14,} parameters")


def measured(
    runs: dict[str, Callable[[], Tensor]], repeat: int
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Median milliseconds and tokens of each run, all of them in turns."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    tokens = {name: run() for name, run in runs.items()}
    for _ in range(repeat):
        for name, run in runs.items():
            took[name].append(milliseconds(run))
    return {name: statistics.median(times) for name, times in took.items()}, tokens


def report(took: dict[str, float], tokens: dict[str, Tensor], network: nn.Module | None) -> None:
    first = next(iter(took))
    exact = tokens[first].float()
    for name, time_taken in took.items():
        difference = (tokens[name].float() - exact).abs().max() / exact.abs().max()
        deviation = "same bits" if torch.equal(tokens[name].float(), exact) else f"{difference:.1e}"
        print(f"{name:24s}{time_taken:9.1f} ms{took[first] / time_taken:8.2f}x   {deviation}")
    if network is not None:
        ratio = took["SlowFast-R50 in bf16"] / took["the same in bf16"]
        print(f"bf16 against bf16       {ratio:20.2f}x")


def once(kind: str, count: int, size: int) -> None:
    """One pass over a long video, for its memory: full, whole or chunks."""
    frames = torch.randn(1, 3, count, size, size)
    if kind == "full":
        network = full_network()
        if network is not None:
            fast_output(network, frames)
        return
    pathway = FastPathway(chunk=count if kind == "whole" else CHUNK).eval()
    pathway.folded()(frames)


def compare_memory(count: int, size: int) -> None:
    """Peaks of a process each, less that of one that holds the frames alone."""
    kinds = [*(["full"] if find_spec("pytorchvideo") else []), "whole", "chunks"]
    base = peak("none", count, size)
    print(f"{count} frames of {size} px ({CHUNK} + 2 x {RADIUS} at once in chunks)")
    for kind in kinds:
        gib, milli = peak(kind, count, size)
        print(f"{kind:24s}{gib - base[0]:9.2f} GiB above the frames {milli:12,.0f} ms")


def peak(kind: str, count: int, size: int) -> tuple[float, float]:
    """GiB of resident memory at most, and milliseconds, of this script run for one pass."""
    command = [sys.executable, __file__, "--once", kind, "--frames", str(count)]
    done = subprocess.run(
        [*command, "--size", str(size)], check=True, capture_output=True, text=True
    )
    gib, milli = map(float, done.stdout.split())
    return gib, milli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--once", choices=("none", "full", "whole", "chunks"))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    with torch.inference_mode():
        if given.once:
            frames = given.frames or 1024
            took = milliseconds(
                lambda: (
                    torch.randn(1, 3, frames, given.size, given.size)
                    if given.once == "none"
                    else once(given.once, frames, given.size)
                )
            )
            status = Path("/proc/self/status").read_text(encoding="ascii")
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            print(int(found[1]) / 2**20 if found else 0, took)
        elif given.long:
            compare_memory(given.frames or 1024, given.size)
        else:
            frames = given.frames or 32
            print(f"{frames} frames of {given.size} px, {given.threads} threads")
            compare(torch.randn(1, 3, frames, given.size, given.size), given.repeat)


if __name__ == "__main__":
    main()
