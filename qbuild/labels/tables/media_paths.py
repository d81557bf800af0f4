"""Safe relative paths of media: the prefix options, one spelling, and rejected paths."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.errors import UsageError
from qbuild.labels.tables.cells import match, to_text
from qbuild.labels.tables.options import LabelFileOptions
from qbuild.labels.tables.rejections import MISSING_PATH, UNSAFE_PATH, RowRejections
from qbuild.quality.arrays import Mask
from qbuild.quality.media_types import IMAGES, VIDEOS

UNSAFE = "{value} is not safely below a root; expected a relative path with / and no .. component"
_UNTIDY = r"//|(^|/)\.(/|$)|/$"
# absolute, drive letter, URL, backslash, control character, component `..`
_UNSAFE = r"^/|^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.-]*:/|\\|[\x00-\x1f\x7f]|(^|/)\.\.(/|$)"
_IMAGE, _VIDEO = (
    re.compile(rf".*\.(?:{suffixes})", re.IGNORECASE | re.ASCII | re.DOTALL)
    for suffixes in (IMAGES, VIDEOS)
)


def read_paths(
    cells: pd.Series[Any], options: LabelFileOptions, rejections: RowRejections
) -> tuple[pa.Array[Any], int]:
    """The media paths of a column, missing and unsafe ones rejected; how many lack the prefix."""
    paths, unprefixed = normalise_paths(to_text(cells), options)
    empty: Any = pc.equal(paths, "").fill_null(True)
    message = "the row names no media file"
    rejections.reject(empty.to_numpy(zero_copy_only=False), MISSING_PATH, "path", cells, message)
    rejections.reject(is_unsafe(paths), UNSAFE_PATH, "path", cells, UNSAFE)
    return paths, unprefixed


def normalise_paths(paths: pa.Array[Any], options: LabelFileOptions) -> tuple[pa.Array[Any], int]:
    """The paths by the prefix options in one spelling; how many lack `--strip-prefix`."""
    unprefixed = 0
    result: Any = paths
    if prefix := options.strip_prefix:
        begins: Any = pc.starts_with(paths, prefix)
        unprefixed = len(begins) - begins.true_count - begins.null_count
        result = pc.if_else(begins, pc.utf8_slice_codeunits(paths, len(prefix)), paths)
    if options.add_prefix:
        null, blank = pa.scalar(None, paths.type), pa.scalar("", paths.type)
        named: Any = pc.if_else(pc.equal(result, blank), null, result)  # no path: no prefix either
        result = pc.binary_join_element_wise(
            pa.scalar(options.add_prefix, paths.type), named, blank
        )
    return tidy(result), unprefixed


def tidy(paths: pa.Array[Any]) -> pa.Array[Any]:
    """One spelling per path: `./a` becomes `a`, `a//b` `a/b`, `a/` `a`, and `.` empty."""
    if not match(paths, _UNTIDY).any():
        return paths
    rules = ((r"/{2,}", "/"), (r"(^|/)(?:\./)+", r"\1"), (r"(^|/)\.$", r"\1"), (r"([^/])/$", r"\1"))
    for pattern, plain in rules:
        paths = pc.replace_substring_regex(paths, pattern, plain)
    return paths


def is_unsafe(paths: pa.Array[Any]) -> Mask:
    """Which paths leave their root; two dots inside a name are fine."""
    return match(paths, _UNSAFE)


def media_kind(path: str, default: str = "auto") -> str | None:
    """`image` or `video` by the suffix of a path, else the default; None for `auto`."""
    if _IMAGE.fullmatch(path):
        return "image"
    if _VIDEO.fullmatch(path):
        return "video"
    return None if default == "auto" else default


def check_strip_prefix(options: LabelFileOptions, unprefixed: int, rows: int) -> None:
    """Raise a UsageError where `--strip-prefix` matches no path: it may be misspelled."""
    if options.strip_prefix and unprefixed >= rows:
        raise UsageError(
            "--strip-prefix",
            f"no path begins with {options.strip_prefix!r}",
            "expected the beginning of the paths as the file has them",
        )
