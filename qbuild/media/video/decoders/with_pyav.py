"""Frames by PyAV, which finds damage: every frame is decoded, and counted against the container.

Refused as damaged: a packet the decoder will not take, a frame it marks as corrupt. Refused as
truncated: more than one frame fewer than the container declares, not counting those that its edit
list discards, or, where it declares a length only, an end that no packet of any stream reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from qbuild.media.images.read_write import Pixels
from qbuild.media.unreadable import UnreadableMediaError, check_pixels
from qbuild.media.video.decoders.source import Source, opened
from qbuild.media.video.decoders.tally import Tally

SLACK_FRAMES = 1  # some muxers count a sample that never shows
SLACK_S = 1.0  # lengths in headers are rounded, or those of a longer, dropped stream
SLACK_SHARE = 0.05


def frames(
    source: Source, wanted: Callable[[int], bool], threads: int = 1
) -> Iterator[tuple[int, Pixels]]:
    """Index and frame [h, w, 3], RGB, upright, of each frame that is wanted, in order."""
    reformatter = VideoReformatter()
    for index, (frame, _) in enumerate(decoded(source, threads)):
        if wanted(index):
            rgb = reformatter.reformat(frame, format="rgb24")
            turns = frame.rotation // 90  # anticlockwise, as rot90 takes them
            yield index, np.ascontiguousarray(np.rot90(rgb.to_ndarray(), turns), dtype=np.uint8)


def decoded(source: Source, threads: int = 1) -> Iterator[tuple[VideoFrame, Tally]]:
    """Every frame, not yet converted, and the tally so far, whole when the frames are at an end.

    Raises UnreadableMediaError where damage is met; that a file is cut off shows at the end only.
    """
    _check_codec(source)
    with opened(source.path) as (container, stream):
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        tally = Tally(float(stream.time_base or 0))
        for packet in _packets(source, container, stream, tally):
            for frame in _frames_of(source, packet):
                _check(source, frame, tally)
                tally.decoded += 1
                yield frame, tally
        _check_length(source, container, tally)


def counted(source: Source) -> Tally:
    """The tally of all packets; the first frame is decoded, for its size and its rotation."""
    _check_codec(source)
    with opened(source.path) as (container, stream):
        tally = Tally(float(stream.time_base or 0))
        stream.codec_context.thread_count = 1
        for packet in _packets(source, container, stream, tally):
            for frame in [] if tally.decoded else _frames_of(source, packet):
                if not tally.decoded:
                    _check(source, frame, tally)
                    tally.decoded = 1
        tally.decoded = tally.packets - tally.discarded if tally.decoded else 0
        _check_length(source, container, tally)
        return tally


def _packets(
    source: Source, container: InputContainer, stream: VideoStream, tally: Tally
) -> Iterator[Packet[Stream]]:
    """The video's packets and the flush at the end; those of other streams are only counted."""
    demuxed = container.demux()
    while True:
        try:
            packet = next(demuxed, None)
        except av.FFmpegError as error:
            raise _damaged(source, error) from error
        if packet is None:
            return
        tally.meet(packet, stream)
        if packet.stream is stream:
            yield packet


def _frames_of(source: Source, packet: Packet[Stream]) -> list[VideoFrame]:
    try:
        return [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
    except av.FFmpegError as error:
        raise _damaged(source, error) from error


def _damaged(source: Source, error: Exception) -> UnreadableMediaError:
    text = f"{source.path.name} cannot be decoded to its end ({type(error).__name__})"
    return UnreadableMediaError("damaged", text)


def _check_codec(source: Source) -> None:
    if not source.decodable:
        text = f"PyAV has no decoder for the codec of {source.path.name}"
        raise UnreadableMediaError("unsupported-codec", text)


def _check(source: Source, frame: VideoFrame, tally: Tally) -> None:
    """Take the first frame's size; raise UnreadableMediaError for a frame that is not sound."""
    name = source.path.name
    if frame.is_corrupt:
        raise UnreadableMediaError("damaged", f"{name}: frame {tally.decoded} is damaged")
    if not tally.decoded:
        check_pixels(name, frame.width, frame.height, source.max_pixels)
        tally.see(frame)
    elif (frame.width, frame.height) != tally.coded_size:
        width, height = tally.coded_size
        raise UnreadableMediaError(
            "size-changes",
            f"{name}: frame {tally.decoded} is {frame.width}x{frame.height}, "
            f"the first {width}x{height}; expected one size",
        )


def _check_length(source: Source, container: InputContainer, tally: Tally) -> None:
    """Raise UnreadableMediaError where less was met than the container declares."""
    name, declared = source.path.name, source.declared_frames
    if declared - tally.discarded - tally.decoded > SLACK_FRAMES:
        raise UnreadableMediaError(
            "truncated", f"{name} holds {tally.decoded} frames; its header declares {declared}"
        )
    length_s = (container.duration or 0) / av.time_base
    reach_s = max(0.0, tally.reach_s - (container.start_time or 0) / av.time_base)
    if not declared and length_s - reach_s > max(SLACK_S, SLACK_SHARE * length_s):
        raise UnreadableMediaError(
            "truncated", f"{name} ends after {reach_s:.2f} s; its header declares {length_s:.2f} s"
        )
    if not tally.decoded:
        raise UnreadableMediaError("no-frames", f"{name}: no frame decodes")
