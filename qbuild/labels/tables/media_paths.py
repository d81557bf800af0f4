"""Safe relative paths of media: the prefix rules, one spelling, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.labels.tables.cells import matching

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from qbuild.labels.tables.layout import ReadOptions

_UNTIDY = r"//|(^|/)\.(/|$)|/$"
# absolute, drive letter, address, backslash, control sign, component `..`
_UNSAFE = r"^/|^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.-]*:/|\\|[\x00-\x1f\x7f]|(^|/)\.\.(/|$)"


def prefixed(path: pa.Array[Any], options: ReadOptions) -> tuple[pa.Array[Any], int]:
    """The paths by the prefix rules, and how many did not begin with `strip_prefix`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    foreign = 0
    paths: Any = path
    if strip := options.strip_prefix:
        begins: Any = pc.starts_with(path, strip)
        foreign = len(begins) - begins.true_count - begins.null_count
        paths = pc.if_else(begins, pc.utf8_slice_codeunits(path, len(strip)), path)
    if options.add_prefix:
        nothing, blank = pa.scalar(None, path.type), pa.scalar("", path.type)
        named: Any = pc.if_else(pc.equal(paths, blank), nothing, paths)  # a prefix alone is no path
        paths = pc.binary_join_element_wise(pa.scalar(options.add_prefix, path.type), named, blank)
    return paths, foreign


def tidy(path: pa.Array[Any]) -> pa.Array[Any]:
    """One spelling a path: `./a` is `a`, `a//b` is `a/b`, `a/` is `a`, `.` is empty."""
    import pyarrow.compute as pc

    if not matching(path, _UNTIDY).any():
        return path
    rules = ((r"/{2,}", "/"), (r"(^|/)(?:\./)+", r"\1"), (r"(^|/)\.$", r"\1"), (r"([^/])/$", r"\1"))
    for pattern, plain in rules:
        path = pc.replace_substring_regex(path, pattern, plain)
    return path


def unsafe(path: pa.Array[Any]) -> NDArray[np.bool_]:
    """Which paths are no plain way down from a root; two dots inside a name are fine."""
    return matching(path, _UNSAFE)
