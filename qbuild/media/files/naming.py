"""What a made medium is called: after its source and all that decides its bytes."""

from __future__ import annotations

from urllib.parse import quote

from qbuild.core.canonical import hash_bytes

LONGEST = 240  # bytes of a name: file systems take 255, and a temporary name has a few more


def made_name(dataset: str, path: str, done: str) -> str:
    """`<dataset>/<path>.<done>`, a relative path.

    Where the dataset or the file would have a name of more than 240 bytes, its end is left out and
    a hash of it whole takes its place.
    """
    folder = quote(dataset, safe=" ")
    if not folder.strip("."):  # it would be no folder of its own
        folder = folder.replace(".", "%2E")
    above, slash, last = path.rpartition("/")
    file = _shortened(last, LONGEST - len(f".{done}".encode()))
    return f"{_shortened(folder, LONGEST)}/{above}{slash}{file}.{done}"


def _shortened(name: str, most: int) -> str:
    """The name, in `most` bytes of UTF-8."""
    whole = name.encode()
    if len(whole) <= most:
        return name
    mark = f"~{hash_bytes(whole)[7:23]}"
    return whole[: most - len(mark)].decode(errors="ignore") + mark
