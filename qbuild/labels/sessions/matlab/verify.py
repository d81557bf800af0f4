"""MATLAB 5 to 7 files checked tag by tag before scipy reads them.

scipy trusts the types and sizes in a file: a damaged one can crash the process, or be read as other
numbers without an error. Here every element is checked by "MAT-File Format", level 5: a tag of type
and size, data padded to eight bytes, arrays within arrays.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from qbuild.core.rows.rejections import RejectedError

_HEADER, _ORDER = 128, {b"IM": "<", b"MI": ">"}
_INT8, _UINT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 2, 5, 6, 14, 15
_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}  # bytes per number
_TEXT = (1, 2, 3, 4, 16, 17, 18)
_CELL, _STRUCT, _CHAR, _NUMBERS = 1, 2, 4, range(6, 16)  # classes of arrays
_COMPLEX = 0x800
_MAX_DEPTH = 16
_MAX_BYTES = 1 << 28  # of one variable; logs hold thousands of numbers


@dataclass(frozen=True)
class _Element:
    type: int
    data: memoryview


def check(data: bytes, wanted: Collection[str] | None) -> None:
    """Raise RejectedError unless the variables of those names (None: all) are complete arrays.

    Cell arrays, structs, text and numbers are accepted; objects, handles and sparse matrices are
    not. Files of MATLAB 4, which have no tags, pass.
    """
    if 0 in data[:4]:
        return
    order = _ORDER.get(data[126:_HEADER])
    if order is None:
        raise _invalid("it does not begin like a MATLAB file")
    walk = _Walk(order)
    for element in walk.elements(memoryview(data)[_HEADER:]):
        matrix = walk.unpacked(element)
        if matrix.type != _MATRIX:
            raise _invalid(f"an element of type {matrix.type} in place of a variable")
        if wanted is None or walk.name(matrix.data) in wanted:
            walk.matrix(matrix.data, 0)


def _invalid(what: str) -> RejectedError:
    return RejectedError("unreadable", f"not a valid MATLAB file: {what}")


class _Walk:
    """The elements of a file in its byte order, `<` or `>`."""

    def __init__(self, order: str) -> None:
        self.order = order

    def elements(self, data: memoryview) -> Iterator[_Element]:
        at = 0
        while at < len(data):
            if len(data) - at < 8:
                raise _invalid("it ends within a tag")
            first, size = struct.unpack_from(f"{self.order}II", data, at)
            kind, small = first & 0xFFFF, first >> 16
            if small:  # the tag itself holds up to four bytes of data
                if small > 4:
                    raise _invalid(f"a short element of {small} bytes")
                yield _Element(kind, data[at + 4 : at + 4 + small])
                at += 8
                continue
            at += 8
            if size > len(data) - at:
                raise _invalid("it ends within an element")
            yield _Element(kind, data[at : at + size])
            at += size if kind == _COMPRESSED else -(-size // 8) * 8

    def unpacked(self, element: _Element) -> _Element:
        """The one element within a compressed one; any other as it is."""
        if element.type != _COMPRESSED:
            return element
        stream = zlib.decompressobj()
        try:
            plain = stream.decompress(element.data, _MAX_BYTES)
        except zlib.error as error:
            raise _invalid("compressed data is damaged") from error
        if not stream.eof:
            raise _invalid("compressed data is truncated, or too large")
        elements = list(self.elements(memoryview(plain)))
        if len(elements) != 1:
            raise _invalid(f"{len(elements)} elements are compressed as one")
        return elements[0]

    def name(self, data: memoryview) -> str:
        """The name of a variable."""
        _, _, name, *_ = self._parts(data)
        return bytes(name.data).decode("latin-1")

    def matrix(self, data: memoryview, depth: int) -> None:
        """Raise unless the array, and every array within it, is complete."""
        if depth > _MAX_DEPTH:
            raise _invalid("arrays are nested too deep")
        flags, dims, _, *rest = self._parts(data)
        (word,) = struct.unpack_from(f"{self.order}I", flags.data)
        count, kind = self._count(dims), word & 0xFF
        if kind in _NUMBERS:
            self._numbers(rest, count, 2 if word & _COMPLEX else 1)
        elif kind == _CHAR:
            if len(rest) != 1 or rest[0].type not in _TEXT:
                raise _invalid("text of an unknown type")
        elif kind == _CELL:
            self._arrays(rest, count, depth)
        elif kind == _STRUCT:
            self._struct(rest, count, depth)
        else:
            raise _invalid(f"an array of class {kind}; expected numbers, text, cells or structs")

    def _parts(self, data: memoryview) -> list[_Element]:
        """Flags, dimensions, name and what follows."""
        parts = list(self.elements(data))
        if [part.type for part in parts[:2]] != [_UINT32, _INT32] or len(parts) < 3:
            raise _invalid("an array without flags, dimensions and name")
        if len(parts[0].data) != 8 or parts[2].type not in (_INT8, _UINT8):
            raise _invalid("an array with invalid flags or an invalid name")
        return parts

    def _count(self, dims: _Element) -> int:
        if len(dims.data) % 4:
            raise _invalid("invalid dimensions")
        sizes = struct.unpack(f"{self.order}{len(dims.data) // 4}i", dims.data)
        if not 2 <= len(sizes) <= 32 or min(sizes) < 0:
            raise _invalid(f"an array of dimensions {sizes[:8]}")
        return math.prod(sizes)

    def _numbers(self, parts: list[_Element], count: int, wanted: int) -> None:
        if len(parts) != wanted:
            raise _invalid(f"{len(parts)} parts of numbers in an array; expected {wanted}")
        for part in parts:
            size = _SIZES.get(part.type)
            if size is None or len(part.data) != size * count:
                raise _invalid(f"{len(part.data)} bytes of type {part.type} for {count} numbers")

    def _arrays(self, parts: list[_Element], count: int, depth: int) -> None:
        if len(parts) != count:
            raise _invalid(f"{len(parts)} arrays; expected {count}")
        for part in parts:
            if part.type != _MATRIX:
                raise _invalid(f"an element of type {part.type} in place of an array")
            if len(part.data):  # an empty cell may be stored as no bytes
                self.matrix(part.data, depth + 1)

    def _struct(self, parts: list[_Element], count: int, depth: int) -> None:
        if len(parts) < 2 or parts[0].type != _INT32 or len(parts[0].data) != 4:
            raise _invalid("a struct without the length of its names")
        (width,) = struct.unpack(f"{self.order}i", parts[0].data)
        if parts[1].type != _INT8 or width < 1 or len(parts[1].data) % width:
            raise _invalid("a struct with invalid names")
        self._arrays(parts[2:], count * (len(parts[1].data) // width), depth)
