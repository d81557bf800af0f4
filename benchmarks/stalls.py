"""Stalls from events against a Python loop over frames, and from vectors against numpy.diff.

    python benchmarks/stalls.py [--sessions 100000] [--peer-sessions 200] [--repeat 3]

Sessions of ten minutes at 30 frames per second with up to eight stalls, one in three begins with
buffering. The loop is timed on a few sessions and scaled to all, as it prints; both give the
same sequences and summaries before a ratio is printed. Peak memory is this process's own.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from pathlib import Path

import numpy as np

from qbuild.quality.stalls import (
    Events,
    Rates,
    covered_frames,
    expand_runs,
    run_lengths,
    summarise,
    vector_run_lengths,
)

MEDIA_S, FPS = 600.0, 30


def made(sessions: int, seed: int) -> Events:
    """Stalls at whole hundredths of a second, in order."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 9, sessions)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    owner = np.repeat(np.arange(sessions), counts)
    starts = rng.integers(1, int(MEDIA_S * 100), offsets[-1]) / 100
    first = offsets[:-1][counts > 0]
    starts[first[rng.random(len(first)) < 1 / 3]] = 0.0
    starts = starts[np.lexsort((starts, owner))]
    return Events(offsets, starts, rng.integers(1, 500, offsets[-1]) / 100)


def ours(events: Events, rates: Rates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    summary = summarise(events, np.full(len(rates.num), MEDIA_S))
    first, covered = covered_frames(events, rates)
    runs, ends = run_lengths(events.offsets, first, covered, rates.frames(summary.duration))
    return runs, ends, np.stack([summary.duration, summary.total, summary.share, summary.tail])


def loop(starts: list[float], lengths: list[float]) -> tuple[list[int], list[float]]:
    """One session as scripts of the field do it: a digit for every frame, then the sums."""
    stalls, wall = [], 0.0
    for start, length in zip(starts, lengths, strict=True):
        stalls.append((start + wall, start + wall + length))
        wall += length
    duration = MEDIA_S + wall
    digits = []
    for frame in range(int(-(-(duration * FPS - 1e-6) // 1))):
        moment = frame / FPS + 1e-6 / FPS
        digits.append(1 if any(begin <= moment < end for begin, end in stalls) else 0)
    playback = sum(b for a, b in zip(starts, lengths, strict=True) if a > 0)
    tail = duration - (stalls[-1][1] if stalls else 0.0)
    return digits, [duration, playback, playback / duration, tail]


def peak_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def from_events(sessions: int, peers: int, repeat: int) -> None:
    events = made(sessions, seed=1)
    rates = Rates(np.full(sessions, FPS), np.ones(sessions, dtype=np.int64))
    took = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        runs, ends, sums = ours(events, rates)
        took.append(time.perf_counter() - began)
    began = time.perf_counter()
    slow = [
        loop(events.media_start[a:b].tolist(), events.duration[a:b].tolist())
        for a, b in zip(events.offsets[:peers], events.offsets[1 : peers + 1], strict=True)
    ]
    scaled = (time.perf_counter() - began) * sessions / peers
    for at, (digits, found) in enumerate(slow):
        same = expand_runs(runs[ends[at] : ends[at + 1]]).tolist() == digits
        if not same or not np.allclose(sums[:, at], found):
            raise SystemExit(f"session {at} differs from the loop's")
    middle = statistics.median(took[1:])
    print(f"{sessions:,} sessions of 10 minutes from events; {peers} compared equal")
    print(f"  qbuild            {middle:8.3f} s  peak {peak_mib():,.0f} MiB   (below 1,024)")
    print(f"  loop over frames  {scaled:8.1f} s  scaled from {peers} sessions")
    print(f"loop / qbuild  {scaled / middle:,.0f}   (at least 500)")


def from_vectors(repeat: int) -> None:
    rng = np.random.default_rng(2)
    vectors = []
    for _ in range(2_000):
        vector = np.zeros(int(MEDIA_S * FPS), dtype=np.int8)
        for start in rng.integers(0, len(vector) - 100, 4):
            vector[start : start + 100] = 1
        vectors.append(vector)
    took: dict[str, list[float]] = {"ours": [], "diff": []}
    for turn in range(repeat + 1):
        for name, work in (("ours", vector_run_lengths), ("diff", np.diff)):
            began = time.perf_counter()
            for vector in vectors:
                work(vector)
            took[name] += [time.perf_counter() - began] if turn else []
    ours_s, diff_s = (statistics.median(took[name]) for name in ("ours", "diff"))
    print(f"\n{len(vectors):,} vectors of {len(vectors[0]):,} frames")
    print(f"qbuild / numpy.diff  {ours_s / diff_s:.2f}   (at most 2)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--peer-sessions", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    from_events(given.sessions, given.peer_sessions, given.repeat)
    from_vectors(given.repeat)


if __name__ == "__main__":
    main()
