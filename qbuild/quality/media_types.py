"""Suffixes of media files, and the kind of media of a file name."""

from __future__ import annotations

IMAGES = "avif|bmp|gif|ico|jfif|jp2|jpe|jpeg|jpg|png|ppm|tif|tiff|webp"
VIDEOS = "3gp|avi|flv|m4v|mkv|mov|mp4|mpeg|mpg|ogv|ts|webm|wmv|y4m|yuv"
SUFFIXES = {"image": frozenset(IMAGES.split("|")), "video": frozenset(VIDEOS.split("|"))}


def media_kind(path: str) -> str | None:
    """`image` or `video` by the suffix of a file name; None for any other suffix."""
    _, dot, suffix = path.rpartition(".")
    return next((kind for kind in SUFFIXES if dot and suffix.lower() in SUFFIXES[kind]), None)
