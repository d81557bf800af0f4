"""Relative paths out of the addresses that an annotation tool shows media by."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

LOCAL_FILES = "/data/local-files/"
_UPLOAD = re.compile(r"^/data/upload/(?:\d+/)?(?:[0-9a-f]{8}-)?(?P<name>.+)$", re.DOTALL)


def path_of(address: str) -> str:
    """The path that a Label Studio address stands for; any other text as it is.

    `/data/local-files/?d=a/b.mp4` is `a/b.mp4`. `/data/upload/3/1a2b3c4d-b.mp4` is `b.mp4`: the
    project's number and the eight digits were put there by the upload.
    """
    if "/data/" not in address:
        return address
    try:
        parts = urlsplit(address)
    except ValueError:  # no address after all: whoever checks paths will say so
        return address
    if parts.path in (LOCAL_FILES, LOCAL_FILES.rstrip("/")):
        named = parse_qs(parts.query, keep_blank_values=True).get("d", [""])
        return named[0]
    uploaded = _UPLOAD.match(parts.path)
    return unquote(uploaded["name"]) if uploaded is not None else address
