"""Which media of a run are the same file under two names."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from qbuild.core.engine.stage import Inputs
    from qbuild.core.media_roots import MediaRoots


def duplicates(inputs: Inputs, roots: MediaRoots) -> dict[int, str]:
    """For each row whose file has the bytes of an earlier row's, the path of that one.

    Only files of equal length are read. A file that cannot be read is nobody's duplicate: whoever
    reads it says why. Rows that name one medium twice are none either.
    """
    by_size: dict[int, list[tuple[int, Path, str]]] = defaultdict(list)
    for batch in inputs.scan(["dataset", "path"]):
        for at, row in enumerate(batch.rows.to_pylist(), batch.start):
            try:
                place = roots.find(row["dataset"], row["path"])
                by_size[place.stat().st_size].append((at, place, row["path"]))
            except (InputError, OSError):
                continue
    found: dict[int, str] = {}
    for size, members in by_size.items():
        if size and len(members) > 1:
            found |= _repeated(members)
    return found


def _repeated(members: list[tuple[int, Path, str]]) -> dict[int, str]:
    first: dict[str, tuple[Path, str]] = {}
    found = {}
    for at, place, path in members:
        try:
            known = first.setdefault(hash_file(place), (place, path))
        except OSError:
            continue
        if known[0] != place:
            found[at] = known[1]
    return found
