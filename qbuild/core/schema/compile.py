"""Compiles a row schema, in a closed subset of JSON Schema 2020-12, to a tree of nodes.

An unsupported keyword is an error, never ignored. Every object is closed and every property
required: in Arrow a missing value is a null, so a property that may be missing has a type with
"null". Branches of `oneOf` and `anyOf` only constrain the node that they belong to.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import pyarrow as pa

from qbuild.core.errors import SchemaError, suggest
from qbuild.core.resources import data_file
from qbuild.core.schema.patterns import check_pattern

ValueKind = Literal["object", "array", "string", "integer", "number", "boolean"]
Spec = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DOCUMENT_WORDS = {"$schema", "$id", "$defs", "qbuild:version"}
ANNOTATIONS = {"$comment", "title", "description", "qbuild:unit"}
COMMON = {"type", "enum", "const", "oneOf", "anyOf"} | ANNOTATIONS
RANGE = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "format"}
BY_KIND: dict[str, set[str]] = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"minLength", "maxLength", "pattern", "qbuild:encoding"},
    "integer": RANGE,
    "number": RANGE,
    "boolean": set(),
}
SUPPORTED = DOCUMENT_WORDS | COMMON | {"$ref"} | set[str]().union(*BY_KIND.values())
# keywords that define the Arrow type; a branch only constrains, so they are not allowed there
SHAPING = {"required", "additionalProperties", "format", "qbuild:encoding"}

_WIDTHS: dict[str, dict[str, pa.DataType]] = {
    "integer": {"int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64()},
    "number": {"float64": pa.float64()},
}
_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@dataclass(frozen=True, eq=False)
class Node:
    """One place in a row: its Arrow type and the constraints on its values."""

    kind: ValueKind
    arrow: pa.DataType
    nulls: bool  # whether `type` allows null
    values: bool = True  # whether `type` allows more than null; False for a branch of type "null"
    fields: tuple[tuple[str, Node], ...] = ()
    items: Node | None = None
    low: float | None = None
    high: float | None = None
    low_open: bool = False  # the bound itself is outside
    high_open: bool = False
    min_size: int = 0  # code points of a string, items of an array
    max_size: int | None = None
    pattern: str | None = None
    allowed: tuple[pa.Array[Any], ...] = ()  # one for `enum`, one for `const`
    any_of: tuple[Node, ...] = ()
    one_of: tuple[Node, ...] = ()


def resolve(name: str, document: Spec) -> Spec:
    """The document with every `$ref` replaced by its target, without `$defs`."""
    documents = {f"{name}.json": document}

    def inline(spec: Any, home: str, trail: tuple[str, ...]) -> Spec:
        if not isinstance(spec, dict):
            raise SchemaError(home, f"{spec!r} instead of a schema", "an object")
        if "$ref" not in spec:
            return _map_parts(spec, lambda part: inline(part, home, trail))
        file, _, pointer = str(spec["$ref"]).partition("#")
        file = file or home
        target = f"{file}#{pointer}"
        if target in trail:
            raise SchemaError(home, f"$ref {target} refers to itself", "no cycle")
        if unsupported := spec.keys() - ANNOTATIONS - {"$ref"}:
            what = f"{', '.join(sorted(unsupported))} next to $ref {target}"
            raise SchemaError(home, what, "annotations only")
        if file not in documents:
            documents[file] = json.loads(data_file("schemas", file).read_text(encoding="utf-8"))
        part = _follow_pointer(documents[file], pointer, target)
        annotations = {key: value for key, value in spec.items() if key != "$ref"}
        return {**inline(part, file, (*trail, target)), **annotations}

    resolved = inline(document, f"{name}.json", ())
    _check_keywords(resolved, f"{name}#")
    return {key: value for key, value in resolved.items() if key != "$defs"}


def compile_node(spec: Spec, where: str, base: Node | None = None) -> Node:
    """The node of a resolved schema; with `base`, of a branch that constrains that node."""
    kind, nulls, values = _type(spec, where, base)
    _check_placement(spec, where, kind, branch=base is not None)
    fields = _fields(spec, where, base) if kind == "object" else ()
    items = _items(spec, where, base) if kind == "array" else None
    node = Node(
        kind,
        base.arrow if base else _arrow(spec, where, kind, fields, items),
        nulls,
        values,
        fields,
        items,
        pattern=_pattern(spec, where),
        **_bounds(spec, where),
        **_sizes(spec, where),
    )
    if base is None:
        _check_null_listed(spec, where, node)
    return replace(
        node,
        allowed=_allowed(spec, where, node),
        any_of=_branches(spec, where, node, "anyOf"),
        one_of=_branches(spec, where, node, "oneOf"),
    )


def _map_parts(spec: Spec, change: Callable[[Any], Any]) -> Spec:
    """A copy with `change` applied to each direct subschema; property names are not keywords."""
    copy = dict(spec)
    for key in {"properties", "$defs"} & spec.keys():
        copy[key] = {name: change(part) for name, part in spec[key].items()}
    for key in {"oneOf", "anyOf"} & spec.keys():
        copy[key] = [change(part) for part in spec[key]]
    if "items" in spec:
        copy["items"] = change(spec["items"])
    return copy


def _follow_pointer(document: Any, pointer: str, target: str) -> Any:
    part = document
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(part, dict) or key not in part:
            known = part if isinstance(part, dict) else ()
            raise SchemaError(target, f"$ref: there is no {key!r}", todo=suggest(key, known))
        part = part[key]
    return part


def _check_keywords(spec: Spec, where: str) -> None:
    for key in spec:
        if key not in SUPPORTED:
            expected = "one of the supported keywords"
            raise SchemaError(where, f"unknown keyword {key!r}", expected, suggest(key, SUPPORTED))
    for key in sorted({"properties", "$defs"} & spec.keys()):
        for name, part in spec[key].items():
            _check_keywords(part, f"{where}/{key}/{name}")
    for key in sorted({"oneOf", "anyOf"} & spec.keys()):
        for i, part in enumerate(spec[key]):
            _check_keywords(part, f"{where}/{key}/{i}")
    if "items" in spec:
        _check_keywords(spec["items"], f"{where}/items")


def _type(spec: Spec, where: str, base: Node | None) -> tuple[ValueKind, bool, bool]:
    """The kind, whether null is allowed, whether anything else is."""
    if base is not None and "type" not in spec:
        return base.kind, True, True
    given = spec.get("type")
    names = given if isinstance(given, list) else [given]
    kinds = [name for name in names if name != "null"]
    nulls = "null" in names
    if not kinds and base is not None:
        return base.kind, nulls, False
    if len(kinds) != 1 or kinds[0] not in BY_KIND or len(names) != 1 + nulls:
        expected = f'one of {", ".join(BY_KIND)}, optionally with "null"'
        raise SchemaError(where, f"type is {given!r}", expected)
    if base is not None and kinds[0] != base.kind:
        raise SchemaError(
            where, f"type {kinds[0]!r} in a branch", f"{base.kind!r}, as outside the branch"
        )
    return cast("ValueKind", kinds[0]), nulls, True


def _check_placement(spec: Spec, where: str, kind: ValueKind, *, branch: bool) -> None:
    fits = COMMON | BY_KIND[kind] | (DOCUMENT_WORDS if where.endswith("#") else set())
    for key in spec:
        if key not in fits:
            raise SchemaError(where, f"{key} on a value of type {kind}", "another type")
        if branch and key in SHAPING:
            what = f"{key} in a branch: every field exists, null or not"
            raise SchemaError(where, what, "keywords that only constrain; use type")
    if spec.get("$schema", DIALECT) != DIALECT:
        raise SchemaError(where, f"$schema is {spec['$schema']!r}", DIALECT)
    is_column = where.partition("#")[2].count("/") == 2  # `name#/properties/column`
    if "qbuild:encoding" in spec and (spec["qbuild:encoding"] != "dictionary" or not is_column):
        what = f"qbuild:encoding is {spec['qbuild:encoding']!r} here"
        raise SchemaError(where, what, '"dictionary", on a column')


def _fields(spec: Spec, where: str, base: Node | None) -> tuple[tuple[str, Node], ...]:
    properties = spec.get("properties", {})
    known = dict(base.fields) if base else {}
    if base is None:
        _check_closed(spec, where)
    for name in sorted(properties.keys() - known.keys()) if base else ():
        raise SchemaError(where, f"a branch names {name!r}", "a property", suggest(name, known))
    return tuple(
        (name, compile_node(part, f"{where}/properties/{name}", known.get(name)))
        for name, part in properties.items()
    )


def _check_closed(spec: Spec, where: str) -> None:
    if not spec.get("properties"):
        raise SchemaError(where, "an object without properties", "at least one")
    if spec.get("additionalProperties") is not False:
        raise SchemaError(where, "an open object", '"additionalProperties": false')
    if sorted(spec.get("required", [])) != sorted(spec["properties"]):
        odd = ", ".join(sorted(set(spec.get("required", [])) ^ spec["properties"].keys()))
        expected = 'every property, once; one that may be missing has a type with "null"'
        raise SchemaError(where, f"required and properties differ in: {odd}", expected)


def _items(spec: Spec, where: str, base: Node | None) -> Node | None:
    if "items" in spec:
        return compile_node(spec["items"], f"{where}/items", base.items if base else None)
    if base is None:
        raise SchemaError(where, "an array without items", "the schema of its items")
    return None


def _arrow(
    spec: Spec,
    where: str,
    kind: ValueKind,
    fields: tuple[tuple[str, Node], ...],
    items: Node | None,
) -> pa.DataType:
    """The Arrow type; all fields are nullable, since other tools drop the flag."""
    if kind in _WIDTHS:
        width = spec.get("format", "int64" if kind == "integer" else "float64")
        if width not in _WIDTHS[kind]:
            raise SchemaError(where, f"format {width!r} of an {kind}", ", ".join(_WIDTHS[kind]))
        return _WIDTHS[kind][width]
    if kind == "object":
        return pa.struct([(name, node.arrow) for name, node in fields])
    if items is not None:
        return pa.list_(items.arrow)
    return pa.string() if kind == "string" else pa.bool_()


def _bounds(spec: Spec, where: str) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    for side, closed, opened in (
        ("low", "minimum", "exclusiveMinimum"),
        ("high", "maximum", "exclusiveMaximum"),
    ):
        if closed in spec and opened in spec:
            raise SchemaError(where, f"{closed} and {opened}", "one of the two")
        if closed in spec or opened in spec:
            bound = _checked(spec, closed if closed in spec else opened, "number", where)
            bounds |= {side: bound, f"{side}_open": opened in spec}
    return bounds


def _sizes(spec: Spec, where: str) -> dict[str, Any]:
    sizes = {}
    for side, keys in (
        ("min_size", ("minLength", "minItems")),
        ("max_size", ("maxLength", "maxItems")),
    ):
        for key in keys:
            if key in spec:
                sizes[side] = _checked(spec, key, "integer", where)
                if sizes[side] < 0:
                    raise SchemaError(where, f"{key} is {sizes[side]}", "0 or more")
    return sizes


def _checked(spec: Spec, key: str, kind: str, where: str) -> Any:
    if not _is_of_kind(spec[key], kind):
        raise SchemaError(where, f"{key} is {spec[key]!r}", f"a finite {kind}")
    return spec[key]


def _is_of_kind(value: Any, kind: str) -> bool:
    """Whether a JSON value is of that kind; true and false are not numbers."""
    if isinstance(value, bool) and kind != "boolean":
        return False
    if not isinstance(value, _PYTHON[kind]):
        return False
    return not isinstance(value, float) or math.isfinite(value)


def _pattern(spec: Spec, where: str) -> str | None:
    pattern = spec.get("pattern")
    if pattern is not None:
        check_pattern(pattern, where)
    return pattern


def _allowed(spec: Spec, where: str, node: Node) -> tuple[pa.Array[Any], ...]:
    listed = [[spec["const"]]] if "const" in spec else []
    listed += [spec["enum"]] if "enum" in spec else []
    return tuple(_value_set(values, where, node) for values in listed)


def _value_set(values: Any, where: str, node: Node) -> pa.Array[Any]:
    if node.kind in ("object", "array"):
        raise SchemaError(where, f"enum or const on an {node.kind}", "a scalar")
    if not isinstance(values, list) or not values:
        raise SchemaError(where, f"enum is {values!r}", "a list with a value")
    for value in values:
        if value is not None and not _is_of_kind(value, node.kind):
            raise SchemaError(where, f"{value!r} among values of type {node.kind}", node.kind)
    try:
        return pa.array(values, type=node.arrow)
    except (pa.ArrowInvalid, OverflowError) as error:
        raise SchemaError(where, f"{values!r} in enum or const: {error}", str(node.arrow)) from None


def _check_null_listed(spec: Spec, where: str, node: Node) -> None:
    """A type that allows null and an enum that does not would contradict each other."""
    listed = spec.get("enum", [spec["const"]] if "const" in spec else None)
    if node.nulls and isinstance(listed, list) and None not in listed:
        raise SchemaError(where, "type allows null, enum or const does not", "null in both or none")


def _branches(spec: Spec, where: str, node: Node, key: str) -> tuple[Node, ...]:
    branches = spec.get(key)
    if branches is None:
        return ()
    if not isinstance(branches, list) or not branches:
        raise SchemaError(where, f"{key} is {branches!r}", "a list of branches")
    return tuple(compile_node(b, f"{where}/{key}/{i}", node) for i, b in enumerate(branches))
