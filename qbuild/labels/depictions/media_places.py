"""Relative paths of annotated media: from media ids, paths, or the URLs of an annotation tool."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa

from qbuild.core.canonical import dataset_of
from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.depictions.entries import FileAnnotations, is_empty
from qbuild.labels.depictions.options import DepictionOptions
from qbuild.labels.tables.media_paths import UNSAFE, is_unsafe, normalise_paths, tidy
from qbuild.labels.tables.rejections import MISSING_PATH, UNSAFE_PATH, cell_text

LOCAL_FILES = "/data/local-files/"
_UPLOAD = re.compile(r"^/data/upload/(?:\d+/)?(?:[0-9a-f]{8}-)?(?P<name>.+)$", re.DOTALL)


@dataclass(frozen=True)
class MediaPlace:
    """The dataset of a medium, where the row names it, and its path; or the row's rejection."""

    dataset: str | None
    path: str
    error: RejectedError | None


def find_places(file: FileAnnotations, options: DepictionOptions) -> tuple[list[MediaPlace], int]:
    """The place of each annotation's medium, and how many paths lack `--strip-prefix`."""
    about = [one.about for one in file.annotations]
    named = [_split_id(cells.get("media_id")) for cells in about]
    row_paths = [
        None if name or is_empty(cells.get("path")) else url_path(str(cells["path"]).strip())
        for name, cells in zip(named, about, strict=True)
    ]
    text, unprefixed = normalise_paths(pa.array(row_paths, pa.large_string()), options)
    paths = tidy(
        pa.array(
            [
                name[1] if name else (path or "")
                for name, path in zip(named, text.to_pylist(), strict=True)
            ],
            pa.large_string(),
        )
    )
    return [
        MediaPlace(
            name[0] if name else None,
            str(path),
            _check_path(str(path), unsafe, cells["media_id" if name else "path"] if path else None),
        )
        for name, path, unsafe, cells in zip(
            named, paths.to_pylist(), is_unsafe(paths).tolist(), about, strict=True
        )
    ], unprefixed


def url_path(url: str) -> str:
    """The media path in a Label Studio URL; any other text as it is.

    `/data/local-files/?d=a/b.mp4` is `a/b.mp4`. `/data/upload/3/1a2b3c4d-b.mp4` is `b.mp4`: the
    upload added the project's number and the eight digits.
    """
    if "/data/" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:  # not a URL: the check of paths decides
        return url
    if parts.path in (LOCAL_FILES, LOCAL_FILES.rstrip("/")):
        return parse_qs(parts.query, keep_blank_values=True).get("d", [""])[0]
    uploaded = _UPLOAD.match(parts.path)
    return unquote(uploaded["name"]) if uploaded is not None else url


def _split_id(cell: Any) -> tuple[str, str] | None:
    """Dataset and path of a media id; None where the row has none."""
    if not isinstance(cell, str) or ":" not in cell:
        return None
    return dataset_of(cell.strip()), cell.strip().partition(":")[2]


def _check_path(path: str, unsafe: bool, cell: Any) -> RejectedError | None:
    value = cell_text(cell)
    if not path:
        return RejectedError(MISSING_PATH, "the row names no media file", "path", value)
    if unsafe:
        return RejectedError(UNSAFE_PATH, UNSAFE.format(value=repr(value)), "path", value)
    return None
