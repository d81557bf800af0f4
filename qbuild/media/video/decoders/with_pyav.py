"""Decode frames with PyAV, which detects damage, and compare their number with the header.

Rejected as damaged: a packet that the decoder does not accept, a frame that it marks as corrupt.
Rejected as truncated: more than one frame fewer than the container declares, except those that its
edit list discards, or, if it declares only a duration, an end that no packet of any stream reaches.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from qbuild.media.video.decoders.header import VideoHeader, open_video
from qbuild.media.video.decoders.stream_stats import StreamStats

SLACK_FRAMES = 1  # some muxers count a sample that is never shown
SLACK_S = 1.0  # durations in headers are rounded, or those of a longer, dropped stream
SLACK_SHARE = 0.05


def frames(header: VideoHeader, step: int = 1, threads: int = 1) -> Iterator[tuple[int, Pixels]]:
    """Yield index and frame [h, w, 3], RGB, upright, of every `step`-th frame, in order."""
    reformatter = VideoReformatter()
    for index, (frame, _) in enumerate(decode(header, threads)):
        if index % step == 0:
            rgb = reformatter.reformat(frame, format="rgb24")
            turns = frame.rotation // 90  # anticlockwise, as in rot90
            yield index, np.ascontiguousarray(np.rot90(rgb.to_ndarray(), turns), dtype=np.uint8)


def decode(header: VideoHeader, threads: int = 1) -> Iterator[tuple[VideoFrame, StreamStats]]:
    """Yield every frame, unconverted, and the statistics so far, complete after the last frame.

    Raises UnreadableMediaError at the damage; that a file is truncated is found only at the end.
    """
    _check_codec(header)
    with open_video(header.path) as (container, stream):
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        stats = StreamStats(float(stream.time_base or 0))
        for packet in _packets(header, container, stream, stats):
            for frame in _frames_of(header, packet):
                _check_frame(header, frame, stats)
                stats.decoded += 1
                yield frame, stats
        _check_length(header, container, stats)


def count_packets(header: VideoHeader) -> StreamStats:
    """The statistics of all packets; only the first frame is decoded, for size and rotation."""
    _check_codec(header)
    with open_video(header.path) as (container, stream):
        stats = StreamStats(float(stream.time_base or 0))
        stream.codec_context.thread_count = 1
        for packet in _packets(header, container, stream, stats):
            for frame in [] if stats.decoded else _frames_of(header, packet):
                if not stats.decoded:
                    _check_frame(header, frame, stats)
                    stats.decoded = 1
        stats.decoded = stats.packets - stats.discarded if stats.decoded else 0
        _check_length(header, container, stats)
        return stats


def _packets(
    header: VideoHeader, container: InputContainer, stream: VideoStream, stats: StreamStats
) -> Iterator[Packet[Stream]]:
    """The video's packets and the final flush; packets of other streams are only counted."""
    demuxed = container.demux()
    while True:
        try:
            packet = next(demuxed, None)
        except av.FFmpegError as error:
            raise _damage_error(header, error) from error
        if packet is None:
            return
        stats.count_packet(packet, stream)
        if packet.stream is stream:
            yield packet


def _frames_of(header: VideoHeader, packet: Packet[Stream]) -> list[VideoFrame]:
    try:
        return [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
    except av.FFmpegError as error:
        raise _damage_error(header, error) from error


def _damage_error(header: VideoHeader, error: Exception) -> UnreadableMediaError:
    text = f"{header.path.name} cannot be decoded to its end ({type(error).__name__})"
    return UnreadableMediaError("damaged", text)


def _check_codec(header: VideoHeader) -> None:
    if not header.decodable:
        text = f"PyAV has no decoder for the codec of {header.path.name}"
        raise UnreadableMediaError("unsupported-codec", text)


def _check_frame(header: VideoHeader, frame: VideoFrame, stats: StreamStats) -> None:
    """Record the first frame's size; raise UnreadableMediaError for a damaged frame."""
    name = header.path.name
    if frame.is_corrupt:
        raise UnreadableMediaError("damaged", f"{name}: frame {stats.decoded} is damaged")
    if not stats.decoded:
        check_pixels(name, frame.width, frame.height, header.max_pixels)
        stats.coded_size = (frame.width, frame.height)
        stats.rotation = -frame.rotation % 360
    elif (frame.width, frame.height) != stats.coded_size:
        width, height = stats.coded_size
        raise UnreadableMediaError(
            "size-changes",
            f"{name}: frame {stats.decoded} is {frame.width}x{frame.height}, "
            f"the first {width}x{height}; expected one size",
        )


def _check_length(header: VideoHeader, container: InputContainer, stats: StreamStats) -> None:
    """Raise UnreadableMediaError if the file holds less than the container declares."""
    name, declared = header.path.name, header.declared_frames
    if declared - stats.discarded - stats.decoded > SLACK_FRAMES:
        raise UnreadableMediaError(
            "truncated", f"{name} holds {stats.decoded} frames; its header declares {declared}"
        )
    length_s = (container.duration or 0) / av.time_base
    end_s = max(0.0, stats.end_s - (container.start_time or 0) / av.time_base)
    if not declared and length_s - end_s > max(SLACK_S, SLACK_SHARE * length_s):
        raise UnreadableMediaError(
            "truncated", f"{name} ends after {end_s:.2f} s; its header declares {length_s:.2f} s"
        )
    if not stats.decoded:
        raise UnreadableMediaError("no-frames", f"{name}: no frame decodes")
