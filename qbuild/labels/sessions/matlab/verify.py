"""MATLAB 5 to 7 files checked tag by tag, before scipy reads them.

scipy trusts the types and sizes in a file; a damaged one can make it read where nothing lies and
end the process. Here every element is walked by "MAT-File Format", level 5: a tag of type and
size, data padded to eight bytes, arrays within arrays.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_HEADER, _ORDER = 128, {b"IM": "<", b"MI": ">"}
_INT8, _UINT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 2, 5, 6, 14, 15
_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}  # bytes a number
_TEXT = (1, 2, 3, 4, 16, 17, 18)
_CELL, _STRUCT, _CHAR, _NUMBERS = 1, 2, 4, range(6, 16)  # classes of arrays
_COMPLEX = 0x800
_DEEPEST = 16
_LARGEST = 1 << 28  # bytes of one variable; logs hold thousands of numbers


class Unsound(Exception):  # noqa: N818 - becomes the refusal of the file
    """What in the file cannot be."""


@dataclass(frozen=True)
class _Element:
    type: int
    data: memoryview


def check(data: bytes, wanted: Collection[str] | None) -> None:
    """Raise Unsound unless the variables of those names (None: all) are whole arrays.

    Only cell arrays, structs, text and numbers are; objects, handles and sparse matrices are not.
    Files of MATLAB 4, which have no tags, pass.
    """
    if 0 in data[:4]:
        return
    order = _ORDER.get(data[126:_HEADER])
    if order is None:
        raise Unsound("it does not begin like a MATLAB file")
    walk = _Walk(order)
    for element in walk.elements(memoryview(data)[_HEADER:]):
        matrix = walk.unpacked(element)
        if matrix.type != _MATRIX:
            raise Unsound(f"an element of type {matrix.type} stands for a variable")
        if wanted is None or walk.name(matrix.data) in wanted:
            walk.matrix(matrix.data, 0)


class _Walk:
    """The elements of a file in its byte order, `<` or `>`."""

    def __init__(self, order: str) -> None:
        self.order = order

    def elements(self, data: memoryview) -> Iterator[_Element]:
        at = 0
        while at < len(data):
            if len(data) - at < 8:
                raise Unsound("it ends within a tag")
            first, size = struct.unpack_from(f"{self.order}II", data, at)
            kind, small = first & 0xFFFF, first >> 16
            if small:  # up to four bytes of data stand in the tag itself
                if small > 4:
                    raise Unsound(f"a short element of {small} bytes")
                yield _Element(kind, data[at + 4 : at + 4 + small])
                at += 8
                continue
            at += 8
            if size > len(data) - at:
                raise Unsound("it ends within an element")
            yield _Element(kind, data[at : at + size])
            at += size if kind == _COMPRESSED else -(-size // 8) * 8

    def unpacked(self, element: _Element) -> _Element:
        """The one element within a compressed one; any other as it is."""
        if element.type != _COMPRESSED:
            return element
        stream = zlib.decompressobj()
        try:
            plain = stream.decompress(element.data, _LARGEST)
        except zlib.error as error:
            raise Unsound("compressed data is damaged") from error
        if not stream.eof:
            raise Unsound("compressed data is cut, or too large")
        found = list(self.elements(memoryview(plain)))
        if len(found) != 1:
            raise Unsound(f"{len(found)} elements are compressed as one")
        return found[0]

    def name(self, data: memoryview) -> str:
        """The name of a variable."""
        _, _, name, *_ = self._parts(data)
        return bytes(name.data).decode("latin-1")

    def matrix(self, data: memoryview, depth: int) -> None:
        """Raise unless the array, and every one within it, is whole."""
        if depth > _DEEPEST:
            raise Unsound("arrays are nested too deep")
        flags, dims, _, *rest = self._parts(data)
        (word,) = struct.unpack_from(f"{self.order}I", flags.data)
        count, kind = self._count(dims), word & 0xFF
        if kind in _NUMBERS:
            self._numbers(rest, count, 2 if word & _COMPLEX else 1)
        elif kind == _CHAR:
            if len(rest) != 1 or rest[0].type not in _TEXT:
                raise Unsound("text of no known type")
        elif kind == _CELL:
            self._arrays(rest, count, depth)
        elif kind == _STRUCT:
            self._struct(rest, count, depth)
        else:
            raise Unsound(f"an array of class {kind}; expected numbers, text, cells or structs")

    def _parts(self, data: memoryview) -> list[_Element]:
        """Flags, dimensions, name and what follows."""
        parts = list(self.elements(data))
        if [part.type for part in parts[:2]] != [_UINT32, _INT32] or len(parts) < 3:
            raise Unsound("an array without flags, dimensions and name")
        if len(parts[0].data) != 8 or parts[2].type not in (_INT8, _UINT8):
            raise Unsound("an array with flags or a name of another form")
        return parts

    def _count(self, dims: _Element) -> int:
        if len(dims.data) % 4:
            raise Unsound("dimensions of another form")
        sizes = struct.unpack(f"{self.order}{len(dims.data) // 4}i", dims.data)
        if not 2 <= len(sizes) <= 32 or min(sizes) < 0:
            raise Unsound(f"an array of dimensions {sizes[:8]}")
        return math.prod(sizes)

    def _numbers(self, parts: list[_Element], count: int, wanted: int) -> None:
        if len(parts) != wanted:
            raise Unsound(f"{len(parts)} rows of numbers in an array that has {wanted}")
        for part in parts:
            size = _SIZES.get(part.type)
            if size is None or len(part.data) != size * count:
                raise Unsound(f"{len(part.data)} bytes of type {part.type} for {count} numbers")

    def _arrays(self, parts: list[_Element], count: int, depth: int) -> None:
        if len(parts) != count:
            raise Unsound(f"{len(parts)} arrays where {count} belong")
        for part in parts:
            if part.type != _MATRIX:
                raise Unsound(f"an element of type {part.type} stands for an array")
            if len(part.data):  # an empty cell may be written as nothing
                self.matrix(part.data, depth + 1)

    def _struct(self, parts: list[_Element], count: int, depth: int) -> None:
        if len(parts) < 2 or parts[0].type != _INT32 or len(parts[0].data) != 4:
            raise Unsound("a struct without the length of its names")
        (width,) = struct.unpack(f"{self.order}i", parts[0].data)
        if parts[1].type != _INT8 or width < 1 or len(parts[1].data) % width:
            raise Unsound("a struct with names of another form")
        self._arrays(parts[2:], count * (len(parts[1].data) // width), depth)
