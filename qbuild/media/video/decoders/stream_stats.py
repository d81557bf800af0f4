"""Counts and timestamps collected while a video is demuxed and decoded."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from statistics import median

from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

IRREGULAR_SHARE = 0.02


@dataclass
class StreamStats:
    """Counts, frame size and timestamps of one video stream; ticks are `tick_s` seconds."""

    tick_s: float
    packets: int = 0
    discarded: int = 0  # outside the container's edit list: never shown
    decoded: int = 0
    end_s: float = 0.0  # the end of the last packet, of any stream
    coded_size: tuple[int, int] = (0, 0)  # of the first frame
    rotation: int = 0  # clockwise degrees
    without_time: int = 0
    times: list[tuple[int, int]] = field(default_factory=list)  # (start, length or 0), in ticks

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as displayed."""
        width, height = self.coded_size
        return (height, width) if self.rotation in {90, 270} else (width, height)

    def count_packet(self, packet: Packet[Stream], video: VideoStream) -> None:
        """Count a packet of any stream."""
        if packet.pts is not None and packet.time_base is not None:
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
            self.end_s = max(self.end_s, float(end))
        if packet.stream is not video or not packet.size:
            return
        self.packets += 1
        if packet.is_discard:
            self.discarded += 1
        elif packet.pts is None:
            self.without_time += 1
        else:
            self.times.append((packet.pts, packet.duration or 0))

    def _steps(self) -> list[int]:
        starts = sorted(start for start, _ in self.times)
        return [b - a for a, b in itertools.pairwise(starts)]

    @property
    def variable_rate(self) -> bool:
        """Whether over 2 % of the steps differ from the median by over a tenth and over 2 ticks.

        A few dropped frames do not make a rate variable. A stream without a timestamp for every
        packet, as in AVI, has a constant rate by construction.
        """
        steps = self._steps()
        if self.without_time or not steps:
            return False
        middle = median(steps)
        irregular = sum(abs(step - middle) > max(2, middle / 10) for step in steps)
        return irregular > IRREGULAR_SHARE * len(steps)

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the end of the last, from the timestamps."""
        start, (last, length) = min(self.times)[0], max(self.times)
        steps = self._steps()
        mean = sum(steps) / len(steps) if steps else 0
        return (last - start + (length or mean)) * self.tick_s
