import copy
import json
import math
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from qbuild.core import resources
from qbuild.core.errors import CombinedError, InputError, SchemaError
from qbuild.core.schema import compile_schema, load_schema, violations

NAMES = ["rating", "level", "instruction", "rejected"]
NO_TIME_LIMIT = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # shrinking a nested row takes minutes and explains little more
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def row_schema(**properties):
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def table_of(schema, rows):
    return pa.Table.from_pylist(rows, schema=schema.arrow)


def oracle(schema, table):
    validator = violations.strict_validator(schema.document)
    return [validator.is_valid(row) for row in table.to_pylist()]


def agreed(part, values, **more):
    """The verdicts on a column `x` of these values, the oracle's and ours being the same."""
    schema = compile_schema(row_schema(x=part) | more)
    table = table_of(schema, [{"x": value} for value in values])
    verdicts = schema.mask(table).tolist()
    assert verdicts == oracle(schema, table)
    assert schema.check(table).total == verdicts.count(False)
    return verdicts


def of(kind, **more):
    return {"type": kind, **more}


OPTIONAL = ["string", "null"]
NULL_OR_TWO = [{"type": "null"}, {"minLength": 2}]
KEYWORDS = [
    (of("string"), ["", None], [True, False]),
    (of(OPTIONAL), ["", None], [True, True]),
    (of(["null", "integer"]), [1, None], [True, True]),
    (of("boolean"), [True, None], [True, False]),
    (of("boolean", const=True), [True, False], [True, False]),
    (of("integer", format="int8"), [-128, 127], [True, True]),
    (of("string", enum=["a", "é"]), ["a", "é", "b", None], [True, True, False, False]),
    (of(OPTIONAL, enum=["a", None]), ["a", "b", None], [True, False, True]),
    (of("integer", enum=[1, 3]), [1, 2, 3], [True, False, True]),
    (of("number", enum=[0.5, 1]), [0.5, 1.0, 2.0], [True, True, False]),
    (of("string", const="a"), ["a", "b"], [True, False]),
    (of("string", const="a", enum=["a", "b"]), ["a", "b"], [True, False]),
    (of("integer", minimum=1, maximum=5), [0, 1, 5, 6], [False, True, True, False]),
    (of("integer", minimum=1.5), [1, 2], [False, True]),
    (of("integer", format="int8", maximum=1000), [127], [True]),
    (of("number", minimum=0), [-0.1, -0.0, 0.0, 1e300], [False, True, True, True]),
    (of("number", exclusiveMinimum=0), [0.0, 5e-324], [False, True]),
    (of("number", exclusiveMaximum=1), [1.0, 0.999], [False, True]),
    (of(["number", "null"], minimum=1), [None, 0.5, 1.0], [True, False, True]),
    (of("string", minLength=2), ["é", "ab", "éé", "🎞", "🎞🎞"], [False, True, True, False, True]),
    (of("string", maxLength=2), ["éé", "abc", "🎞🎞", ""], [True, False, True, True]),
    (of(OPTIONAL, minLength=1, maxLength=3), [None, "", "éàü"], [True, False, True]),
    (of("string", pattern="^[a-z]+$"), ["ab", "ab\n", "", "a b"], [True, False, False, False]),
    (of("string", pattern="^[^/]*$"), ["é", "a\nb", "a/b"], [True, True, False]),
    (of("array", items=of("integer")), [[1], [], None, [None]], [True, True, False, False]),
    (of("array", items=of("integer"), minItems=1), [[1], []], [True, False]),
    (of("array", items=of("integer"), maxItems=1), [[1], [1, 2]], [True, False]),
    (
        of(["array", "null"], items=of("number", maximum=1), minItems=1),
        [[1.0], [0.0, 2.0], None, [], [1.0, 1.0]],
        [True, False, True, False, True],
    ),
    (
        of("integer", oneOf=[{"minimum": 2}, {"maximum": 4}]),
        [1, 3, 5],
        [True, False, True],
    ),
    (of("integer", anyOf=[{"const": 2}, {"minimum": 4}]), [2, 3, 4], [True, False, True]),
    (of(OPTIONAL, anyOf=NULL_OR_TWO), [None, "a", "ab"], [True, False, True]),
    (of(OPTIONAL, oneOf=NULL_OR_TWO), [None, "a", "ab"], [False, False, True]),
    (of(OPTIONAL, oneOf=NULL_OR_TWO), [None, None], [False, False]),
]  # fmt: skip


@pytest.mark.parametrize(("part", "values", "verdicts"), KEYWORDS, ids=lambda v: str(v)[:60])
def test_a_keyword_means_what_it_means_to_the_oracle(part, values, verdicts):
    assert agreed(part, values) == verdicts


def test_branches_distinguish_the_fields_of_a_struct():
    part = row_schema(text=of(OPTIONAL), media=of(["integer", "null"]))
    part["type"] = ["object", "null"]
    part["oneOf"] = [
        {"properties": {"text": {"type": "string"}, "media": {"type": "null"}}},
        {"properties": {"text": {"type": "null"}, "media": {"type": "integer", "minimum": 0}}},
    ]
    parts = [
        {"text": "a", "media": None},
        {"text": None, "media": 0},
        {"text": None, "media": None},
        {"text": "a", "media": 0},
        {"text": None, "media": -1},
        None,
    ]
    # A null is not an object, so it passes both branches, and so not exactly one.
    assert agreed(part, parts) == [True, True, False, False, False, False]
    lists = {"type": "array", "items": part}
    assert agreed(lists, [parts[:2], parts[1:3], []]) == [True, False, True]


def test_a_whole_row_can_be_constrained_by_branches():
    branches = [{"properties": {"x": {"const": 1}}}, {"properties": {"x": {"minimum": 5}}}]
    assert agreed(of("integer"), [1, 2, 5], anyOf=branches) == [True, False, True]


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_rejected_at_any_depth(odd):
    assert agreed(of("number"), [1.0, odd]) == [True, False]
    assert agreed(of(["number", "null"], minimum=0), [None, odd, 2.0]) == [True, False, True]
    inner = row_schema(v={"type": "array", "items": of("number")})
    deep = {"type": "array", "items": inner}
    assert agreed(deep, [[{"v": [0.0, odd]}], [{"v": [0.0]}]]) == [False, True]


# --- what cannot be compiled -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (of("string", minLenght=1), "unknown keyword 'minLenght'.* Did you mean minLength"),
        (of("array", items=of("integer", multipleOf=2)), "x/items: unknown keyword 'multipleOf'"),
        (of("string", oneOf=[{"not": {}}]), "x/oneOf/0: unknown keyword 'not'"),
        (of("string", **{"qbuild:colour": 1}), "unknown keyword 'qbuild:colour'"),
        (of("integer", minLength=1), "minLength on a value of type integer"),
        (of("integer", format="int128"), "format 'int128' of an integer; int8, int16"),
        (of("string", format="int8"), "format on a value of type string"),
        (of(["string", "integer"]), "type is"),
        ({}, "type is None"),
        ({"type": "object", "properties": {}}, "an object without properties"),
        ({**row_schema(a=of("string")), "additionalProperties": True}, "an open object"),
        ({**row_schema(a=of("string")), "required": []}, "required and properties differ in: a"),
        (of("array"), "an array without items"),
        (of("array", items=True), "True instead of a schema"),
        (of("number", minimum="0"), "minimum is '0'; a finite number"),
        (of("number", minimum=math.nan), "minimum is nan"),
        (of("number", minimum=0, exclusiveMinimum=0), "minimum and exclusiveMinimum"),
        (of("string", minLength=-1), "minLength is -1"),
        (of("string", enum=[]), r"enum is \[\]"),
        (of("integer", enum=[True]), "True among values of type integer"),
        (of("integer", format="int8", enum=[1000]), "1000"),
        (of(OPTIONAL, enum=["a"]), "type allows null, enum or const does not"),
        (of("string", anyOf=[]), "anyOf is"),
        (of("string", oneOf=[{"type": "integer"}]), "type 'integer' in a branch"),
        ({**row_schema(a=of("string")), "oneOf": [{"required": ["a"]}]}, "required in a branch"),
        (
            {**row_schema(text=of("string")), "oneOf": [{"properties": {"txet": {}}}]},
            "a branch names 'txet'.* Did you mean text",
        ),
        (of("array", items=of("string", **{"qbuild:encoding": "dictionary"})), "qbuild:encoding"),
        (of("string", **{"qbuild:encoding": "plain"}), "qbuild:encoding is 'plain'"),
    ],
)
def test_a_keyword_outside_the_closed_list_is_rejected_with_its_path(part, message):
    with pytest.raises(SchemaError, match=message) as caught:
        compile_schema(row_schema(x=part), "t")
    assert "t#/properties/x" in str(caught.value) or "t.json" in str(caught.value)


@pytest.mark.parametrize(
    "pattern",
    [
        "abc", "^abc", "abc$", r"^abc\$", "^a|b$", "^(a|b)|c$", "^é$", r"^\d$", r"^\w+$", r"^\s$",
        r"^[\d]$", "^a$b$", "^(?=a)a$", "^(?i:a)$", "^a++$", "^(?P<n>a)$", "^[[:alpha:]]$", "^(a$",
        r"^(a)\1$", "^a{2000}$", r"^a\Z$", 3, "",
    ],
)  # fmt: skip
def test_a_pattern_two_engines_could_read_apart_is_rejected(pattern):
    with pytest.raises(SchemaError, match="pattern"):
        compile_schema(row_schema(x=of("string", pattern=pattern)))


@pytest.mark.parametrize(
    "pattern",
    ["^(?:a|b)$", r"^a\.b\\$", "^[$^|(a]$", "^[]a]$", "^[^]a]*$", r"^[\]a]$"],
)
def test_an_anchored_pattern_is_taken(pattern):
    agreed(of("string", pattern=pattern), ["a", "b", "|", "]", "a.b\\", "é", "a\n", ""])


def test_a_row_must_be_an_object_and_the_dialect_2020_12():
    with pytest.raises(SchemaError, match="a row is of type 'string'"):
        compile_schema({"type": "string"})
    with pytest.raises(SchemaError, match="2020-12"):
        compile_schema(row_schema(x=of("string")) | {"$schema": "http://json-schema.org/draft-07"})
    with pytest.raises(SchemaError, match="qbuild:version is 0"):
        compile_schema(row_schema(x=of("string")) | {"qbuild:version": 0})


# --- references, names, hashes -----------------------------------------------------------------


def test_a_reference_is_replaced_by_its_target():
    defs = {
        "share": of("number", minimum=0),
        "shares": of("array", items={"$ref": "#/$defs/share"}),
    }
    document = row_schema(x={"$ref": "#/$defs/shares", "description": "kept"}) | {"$defs": defs}
    schema = compile_schema(document)
    inlined = of("array", items=of("number", minimum=0), description="kept")
    assert schema.document == row_schema(x=inlined)
    assert schema.hash == compile_schema(row_schema(x=inlined)).hash
    assert schema.mask(table_of(schema, [{"x": [1.0]}, {"x": [-1.0]}])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("#/$defs/loop", "refers to itself"),
        ("#/$defs/lop", "there is no 'lop'.* Did you mean loop"),
        ("rating.json#/properties/mso", "there is no 'mso'.* Did you mean mos"),
    ],
)
def test_a_reference_to_itself_or_to_nothing_is_rejected(ref, message):
    document = row_schema(x={"$ref": ref}) | {"$defs": {"loop": {"$ref": "#/$defs/loop"}}}
    if "loop" not in ref:
        document["$defs"]["loop"] = of("string")
    with pytest.raises(SchemaError, match=message):
        compile_schema(document)


def test_a_reference_takes_no_further_constraint():
    with pytest.raises(SchemaError, match="minimum next to"):
        compile_schema(row_schema(x={"$ref": "rating.json#/properties/mos", "minimum": 0}))


def test_an_unknown_schema_is_reported_with_similar_names():
    with pytest.raises(InputError, match=r"Did you mean .*rating\.json"):
        load_schema("ratings")


@pytest.mark.parametrize("name", NAMES)
def test_every_published_column_has_a_description(name):
    def silent(part, place):
        if "description" not in part:
            yield place
        for key, below in part.get("properties", {}).items():
            yield from silent(below, f"{place}.{key}")
        if part.get("items", {}).get("type") == "object":
            yield from silent(part["items"], f"{place}[]")

    schema = load_schema(name)
    assert load_schema(name) is schema
    assert schema.version == 1
    assert re.fullmatch("sha256:[0-9a-f]{64}", schema.hash)
    assert list(silent({**schema.document, "description": ""}, name)) == []
    assert {*schema.required, *schema.nullable} == set(schema.arrow.names)
    assert "$ref" not in json.dumps(schema.document)
    violations.strict_validator({}).check_schema(
        json.loads(resources.data_file("schemas", f"{name}.json").read_text())
    )


def test_a_level_begins_with_the_columns_of_its_rating():
    rating, level = load_schema("rating"), load_schema("level")
    assert level.arrow.names[: len(rating.arrow)] == rating.arrow.names
    assert all(level.arrow.field(f.name) == f for f in rating.arrow)


# --- rows of the schemas that ship, good and mutated -------------------------------------------

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)
LOOSE = {
    "string": st.sampled_from(["", "a", "a\n", "/a", "../a", "é🎞", "Low", "user", "x" * 40]),
    "integer": st.integers(-2, 7),
    "number": st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1.5, 101.0, math.nan, math.inf]),
    "boolean": st.booleans(),
}


def kind_of(part):
    names = part["type"] if isinstance(part["type"], list) else [part["type"]]
    return next((name for name in names if name != "null"), "null"), "null" in names


def loose(part):
    """Any value of the part's Arrow type, most of them wrong."""
    kind, _ = kind_of(part)
    if kind == "object":
        flat = st.fixed_dictionaries({k: loose(v) for k, v in part["properties"].items()})
    elif kind == "array":
        flat = st.lists(loose(part["items"]), max_size=3)
    else:
        flat = LOOSE[kind]
    return st.none() | flat


def good(part):
    """Values that keep the part."""
    if "oneOf" in part:
        branches = [narrowed(part, branch) for branch in part["oneOf"]]
        return st.one_of([good(branch) for branch in branches])
    kind, nulls = kind_of(part)
    if "enum" in part:
        return st.sampled_from(part["enum"])
    flat = {
        "object": good_object,
        "array": good_array,
        "string": good_string,
        "integer": lambda p: st.integers(p.get("minimum", -9), p.get("maximum", 99)),
        "number": good_number,
        "null": lambda p: st.none(),
    }[kind](part)
    return st.none() | flat if nulls else flat


def narrowed(part, branch):
    properties = {k: v | branch["properties"].get(k, {}) for k, v in part["properties"].items()}
    return {k: v for k, v in part.items() if k != "oneOf"} | {"properties": properties}


def good_object(part):
    return st.fixed_dictionaries({k: good(v) for k, v in part["properties"].items()})


def good_array(part):
    least = part.get("minItems", 0)
    return st.lists(good(part["items"]), min_size=least, max_size=max(least, 2))


def good_string(part):
    if "pattern" in part:
        return st.from_regex(re.compile(part["pattern"], re.ASCII), fullmatch=True)
    return st.text("aé🎞", min_size=part.get("minLength", 0), max_size=5)


def good_number(part):
    low, high = part.get("minimum"), part.get("maximum")
    if "exclusiveMinimum" in part:
        low = 0.5
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


@st.composite
def mixed(draw, part):
    """A good row, or one in which a value at some depth was replaced."""
    row = copy.deepcopy(draw(good(part)))
    while draw(st.integers(0, 2)):
        holder, here = row, part
        while True:
            inner = here.get("items") if isinstance(holder, list) else None
            keys = list(range(len(holder))) if inner else list(here["properties"])
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            below = inner or here["properties"][key]
            if isinstance(holder[key], dict | list) and holder[key] and draw(st.booleans()):
                holder, here = holder[key], below
                continue
            holder[key] = draw(loose(below))
            break
    return row


@pytest.mark.parametrize("name", NAMES)
def test_good_and_mutated_rows_are_judged_as_by_the_oracle(name):
    schema = load_schema(name)

    @NO_TIME_LIMIT
    @given(st.lists(mixed(schema.document), max_size=6), st.integers(0, 3))
    def judged_alike(rows, start):
        table = table_of(schema, rows)
        expected = oracle(schema, table)
        assert schema.mask(table).tolist() == expected
        assert schema.mask(table.slice(start)).tolist() == expected[start:]
        faults = schema.check(table)
        assert faults.total == expected.count(False)
        assert all(fault.message != "violates its schema" for fault in faults.first)
        for column in schema.dictionary_columns:
            at = table.column_names.index(column)
            table = table.set_column(at, column, table.column(column).dictionary_encode())
        assert schema.mask(table).tolist() == expected

    judged_alike()


@pytest.mark.parametrize("name", NAMES)
def test_rows_made_to_be_good_are_found_good(name):
    schema = load_schema(name)

    @NO_TIME_LIMIT
    @given(st.lists(good(schema.document), min_size=1, max_size=4))
    def found_good(rows):
        assert schema.mask(table_of(schema, rows)).all()

    found_good()


PATHS = {
    "a.mp4": True, "a/b.mp4": True, "a..b/c.mp4": True, "..a": True, "x..": True, ".a": True,
    "...": True, "a/.b/..c": True, "é/ü.jpg": True, "a b/c:d.jpg": True, "a/....": True,
    "": False, "/a": False, "../a": False, "a/../b": False, "a//b": False, "a/.": False,
    "a/": False, ".": False, "..": False, "a/..": False, "./a": False, "a\\b": False,
    "a\0b": False, "a\n": False, "/": False,
}  # fmt: skip


def test_a_path_stays_below_its_root_and_two_dots_in_a_name_are_fine():
    part = load_schema("rating").document["properties"]["path"]
    assert dict(zip(PATHS, agreed(part, list(PATHS)), strict=True)) == PATHS


# --- messages of violations --------------------------------------------------------------------


def example(name):
    return {
        "instruction": {
            "sample_id": "0" * 32,
            "media": [{"media_id": "d:a.mp4", "kind": "video", "path": "a.mp4", "fps": 25.0}],
            "turns": [
                {"role": "user", "parts": [{"media": 0}, {"text": "How good is it?"}]},
                {"role": "assistant", "parts": [{"text": "Good."}]},
            ],
            "task": "scoring",
            "labels": {"mos": 3.0},
            "provenance": {"stage": "scoring-qa", "parents": []},
        },
        "rejected": {
            "source": "a.csv", "row": 1, "reason": "no-score", "message": "none", "record": "{}",
        },
    }[name]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        (
            lambda r: r["turns"][1]["parts"][0].update(text=""),
            "turns[1].parts[0].text",
            "should be non-empty",
        ),
        (lambda r: r["turns"][0]["parts"][0].update(text="a"), "turns[0].parts[0]", "not valid"),
        (lambda r: r["turns"][0].update(role="judge"), "turns[0].role", "'judge' is not one of"),
        (
            lambda r: r["media"][0].update(fps=math.nan),
            "media[0].fps",
            "nan is not a finite number",
        ),
        (lambda r: r["media"][0].update(sha256="F" * 64), "media[0].sha256", "does not match"),
        (lambda r: r["labels"].update(level=6), "labels.level", "greater than the maximum"),
        (lambda r: r.update(sample_id=None), "sample_id", "None is not of type 'string'"),
    ],
)
def test_a_violation_names_row_place_and_value_at_any_depth(change, place, message):
    schema = load_schema("instruction")
    rows = [copy.deepcopy(example("instruction")) for _ in range(3)]
    change(rows[1])
    faults = schema.check(table_of(schema, rows))
    assert faults
    assert faults.total == 1
    assert [(f.row, f.column) for f in faults.first] == [(1, place)]
    assert message in faults.first[0].message


def test_twenty_violations_are_worded_and_all_rows_counted():
    schema = compile_schema(row_schema(x=of("integer", maximum=4), y=of("string", minLength=1)))
    faults = schema.check(table_of(schema, [{"x": i, "y": ""} for i in range(100)]))
    assert faults.total == 100
    assert len(faults.first) == 20
    assert [(f.row, f.column) for f in faults.first[-3:]] == [(11, "x"), (11, "y"), (12, "x")]


def test_a_table_without_faults_is_falsy_and_columns_can_be_skipped():
    schema = load_schema("rejected")
    good, bad = example("rejected"), example("rejected") | {"reason": "No", "row": 0}
    assert not schema.check(table_of(schema, [good, good]))
    table = table_of(schema, [good, bad])
    assert [f.column for f in schema.check(table, skip=["reason"]).first] == ["row"]
    assert not schema.check(table, skip=["reason", "row"])
    with pytest.raises(SchemaError, match=r"cannot skip column 'rows'.* Did you mean row"):
        schema.check(table, skip=["rows"])


def test_text_that_is_not_utf_8_is_rejected_and_reported():
    schema = compile_schema(row_schema(x=of(OPTIONAL, minLength=1), y=of("string")))
    raw = pa.array([b"ok", b"caf\xe9", None]).view(pa.string())
    table = pa.table({"x": raw, "y": ["a", "b", "c"]})
    assert schema.mask(table).tolist() == [True, False, True]
    fault = schema.check(table).first[0]
    assert (fault.row, fault.column, fault.message) == (1, "x", "holds text that is not UTF-8")


# --- layouts an Arrow table may have -----------------------------------------------------------

NUMBERS = row_schema(x=of(["array", "null"], items=of(["number", "null"], minimum=0), maxItems=3))


def test_an_empty_table_has_no_faults():
    for name in NAMES:
        schema = load_schema(name)
        table = schema.arrow.empty_table()
        assert schema.mask(table).tolist() == []
        assert not schema.check(table)
        assert schema.check(schema.cast(table.slice(0, 0), "t")).total == 0
        assert schema.mask(pa.Table.from_batches([], schema.arrow)).tolist() == []


def test_slices_and_chunks_are_judged_as_their_rows_are():
    schema = compile_schema(NUMBERS)
    rows = [{"x": x} for x in ([-1.0], [], None, [1.0, None], [0.0, -2.0], [1.0] * 4, [], [3.0])]
    table = table_of(schema, rows)
    verdicts = [False, True, True, True, False, False, True, True]
    for start in range(len(rows)):
        for stop in range(start, len(rows) + 1):
            assert schema.mask(table.slice(start, stop - start)).tolist() == verdicts[start:stop]
    chunked = pa.concat_tables([table.slice(i, 2) for i in (0, 2, 4, 6)] * 3)
    assert chunked.column(0).num_chunks == 12
    assert schema.mask(chunked).tolist() == verdicts * 3


def test_more_than_one_block_of_rows_is_judged_in_order():
    schema = compile_schema(row_schema(x=of("integer", maximum=199_998)))
    assert schema.check(pa.table({"x": np.arange(200_000)})).first[0].row == 199_999


def test_values_under_a_null_are_not_checked():
    schema = compile_schema(NUMBERS)
    hidden = pa.ListArray.from_arrays(
        pa.array([1, 3, 4, 5]), pa.array([-9.0, -1.0, math.nan, 1.0, 2.0]),
        mask=pa.array([True, False, False]),
    )  # fmt: skip
    assert hidden.offsets[0].as_py() == 1  # a first offset that is not 0, and a full null
    assert schema.mask(pa.table({"x": hidden})).tolist() == [True, True, True]
    inner = row_schema(a=of("string", minLength=1), b=of("number")) | {"type": ["object", "null"]}
    fields = [pa.array(["", None, "a"]), pa.array([math.inf, None, 1.0])]
    struct = pa.StructArray.from_arrays(
        fields, names=["a", "b"], mask=pa.array([True, True, False])
    )
    schema = compile_schema(row_schema(x=inner))
    assert schema.mask(pa.table({"x": struct})).tolist() == [True, True, True]
    assert schema.mask(pa.table({"x": struct.slice(1)})).tolist() == [True, True]
    number = pa.Array.from_buffers(
        pa.float64(), 2, [pa.py_buffer(b"\x02"), pa.array([math.nan, 1.0]).buffers()[1]]
    )
    schema = compile_schema(row_schema(x=of(["number", "null"], minimum=0)))
    assert schema.mask(pa.table({"x": number})).tolist() == [True, True]


ENCODED = of(OPTIONAL, minLength=1, **{"qbuild:encoding": "dictionary"})


@pytest.mark.parametrize("rows", [3, 300])
def test_of_a_dictionary_only_values_in_use_are_judged(rows):
    schema = compile_schema(row_schema(x=ENCODED))
    assert schema.dictionary_columns == ("x",)
    indices = pa.array([0, None, 2] * (rows // 3), pa.int32())
    unused = pa.DictionaryArray.from_arrays(indices, ["a", "", "b"])
    assert schema.mask(pa.table({"x": unused})).all()
    used = pa.DictionaryArray.from_arrays(indices, ["a", "b", ""])
    assert schema.mask(pa.table({"x": used})).tolist() == [True, True, False] * (rows // 3)
    nulls = pa.DictionaryArray.from_arrays(indices, ["a", "b", None])
    assert schema.mask(pa.table({"x": nulls})).all()
    strict = compile_schema(row_schema(x=ENCODED | {"type": "string"}))
    assert strict.mask(pa.table({"x": nulls})).tolist() == [True, False, False] * (rows // 3)
    assert strict.mask(pa.table({"x": unused})).tolist() == [True, False, True] * (rows // 3)


# --- cast --------------------------------------------------------------------------------------


def test_cast_gives_the_schema_s_order_and_types():
    inner = row_schema(n=of("integer", format="int8"), t=of(OPTIONAL), e=of(["number", "null"]))
    document = row_schema(
        a=of("integer", format="int32"), b=of("number"), c=of(OPTIONAL), d=of(["string", "null"]),
        e={"type": "array", "items": inner},
    )  # fmt: skip
    schema = compile_schema(document)
    given = pa.table(
        {
            "e": pa.array(
                [[{"t": "x", "n": 1}], []],
                pa.large_list(pa.struct([("t", pa.string_view()), ("n", pa.int64())])),
            ),
            "d": pa.array(["y", "y"]).dictionary_encode(),
            "c": pa.nulls(2),
            "b": pa.array([1, 2], pa.uint8()),
            "a": pa.array([1.0, 2.0]),
        }
    ).replace_schema_metadata({"pandas": "{}"})
    table = schema.cast(given, "t")
    assert table.schema.equals(schema.arrow, check_metadata=True)
    assert table.to_pylist()[0] == {
        "a": 1, "b": 1.0, "c": None, "d": "y", "e": [{"n": 1, "t": "x", "e": None}],
    }  # fmt: skip
    assert schema.mask(given).all()


def test_absent_nullable_columns_are_filled_with_nulls():
    table = load_schema("rejected").cast(pa.Table.from_pylist([example("rejected")]), "t")
    assert table.column("value").null_count == 1
    assert table.schema.names == load_schema("rejected").arrow.names


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([300]), "column 'level' does not fit int8: .*300"),
        (pa.array([1.5]), "column 'level' does not fit int8: .*1.5"),
        (pa.array(["3"]), "column 'level' is of type string; int8, as 't' declares"),
        (pa.array([True]), "column 'level' is of type bool"),
        (pa.array([[3]]), "column 'level' is of type list"),
    ],
)
def test_a_wrong_type_is_reported_with_its_column(column, message):
    schema = compile_schema(row_schema(level=of("integer", format="int8")), "t")
    with pytest.raises(SchemaError, match=message):
        schema.cast(pa.table({"level": column}), "a.parquet")


def test_cast_gathers_all_problems_with_near_names():
    part = row_schema(start_s=of("number"), note=of(OPTIONAL))
    schema = compile_schema(row_schema(mos=of("number"), path=of("string"), x=part), "t")
    table = pa.table({"mso": [1.0], "path": [1], "x": [{"start": 1.0, "note": "a"}], "zzz": [1]})
    with pytest.raises(CombinedError) as caught:
        schema.cast(table, "a.parquet")
    assert caught.value.exit_code == 3
    messages = sorted(map(str, caught.value.problems))
    assert messages == sorted(
        [
            "a.parquet: extra column 'mso'; those of 't'. Did you mean mos?",
            "a.parquet: extra column 'zzz'; those of 't'. Known: mos.",
            "a.parquet: no column 'mos'; 't' requires it. Did you mean mso?",
            "a.parquet: column 'path' is of type int64; string, as 't' declares",
            "a.parquet: extra column 'x.start'; those of 't'. Did you mean start_s?",
            "a.parquet: no column 'x.start_s'; 't' requires it. Did you mean start?",
        ]
    )
    with pytest.raises(SchemaError, match="column 'x' appears 2 times"):
        compile_schema(row_schema(x=of("integer"))).cast(
            pa.table([[1], [2]], names=["x", "x"]), "a.parquet"
        )


def test_an_encoded_dictionary_column_stays_encoded():
    schema = compile_schema(row_schema(x=ENCODED, y=of("string")))
    chunks = [pa.array(["a", None, "a"]), pa.array(["b"])]
    encoded = pa.chunked_array(chunks).cast(pa.dictionary(pa.int8(), pa.large_string()))
    table = schema.cast(pa.table({"x": encoded, "y": encoded}), "t")
    assert table.column("x").type == pa.dictionary(pa.int32(), pa.string())
    assert table.column("y").type == pa.string()
    assert table.column("x").to_pylist() == ["a", None, "a", "b"]
    assert schema.mask(table).tolist() == [True, False, True, True]


def test_strings_far_inside_a_buffer_of_more_than_2_gib_are_cast():
    ends = np.arange(0, 2_400_000_001, 100_000_000)  # zeros that are read nowhere but at the end
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(np.zeros(ends[-1], np.uint8))]
    large = pa.Array.from_buffers(pa.large_string(), len(ends) - 1, buffers).slice(23)
    small = pa.concat_arrays([pa.array(["a"], pa.large_string())])
    schema = compile_schema(row_schema(x=of("string", minLength=2)))
    table = schema.cast(pa.table({"x": pa.chunked_array([small, large])}), "t")
    assert table.column("x").type == pa.string()
    assert schema.mask(table).tolist() == [False, True]


def test_minus_zero_becomes_zero_at_any_depth_and_the_rest_is_not_copied():
    inner = row_schema(v=of(["array", "null"], items=of("number"))) | {"type": ["object", "null"]}
    schema = compile_schema(row_schema(x=of(["number", "null"]), y=of("array", items=inner)))
    rows = [
        {"x": -0.0, "y": [{"v": [1.0]}]},
        {"x": None, "y": [{"v": [2.0, -0.0]}, None, {"v": None}]},
        {"x": 1.0, "y": []},
        {"x": -0.0, "y": [{"v": [-0.0, 3.0]}]},
    ]
    given = table_of(schema, rows)
    for part in (given, given.slice(1), given.slice(1, 2), given.slice(2)):
        table = schema.cast(part, "t")
        assert table.to_pylist() == part.to_pylist()
        table.validate(full=True)
        assert "-0.0" not in str(table.to_pylist())
    assert "-0.0" in str(given.to_pylist())
    clean = given.slice(2, 1)
    assert schema.cast(clean, "t").column("x").chunk(0).buffers()[1].address == (
        given.column("x").chunk(0).buffers()[1].address
    )
