import json
import math
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.expressions.casing import find_key, fold_case
from skep.pipeline.expressions.json_values import JsonError, read_json
from skep.pipeline.expressions.numbers import number_text, parse_number
from skep.pipeline.expressions.values import (
    CaseSensitive,
    Value,
    is_less,
    is_truthy,
    kind_of,
    loosely_equal,
    to_json_text,
    to_number,
    to_text,
)

SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0.0),
        (" \t\u00a0\u2003", 0.0),
        (" 12 ", 12.0),
        ("+1.5e+3", 1500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("0x1F", 31.0),
        ("0xffffffff", -1.0),  # 32 bits with a sign, as in .NET
        ("0x00000000ff", 255.0),
        ("0o17", 15.0),
        ("1e999", math.inf),
        ("Infinity", math.inf),
        ("-infinity", -math.inf),
    ],
)
def test_a_string_becomes_the_number_github_sees(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    "text",
    [".", "1e", "abc", "1 2", "0x", "0xg", "0X1", "-0x1", "0x1ffffffff", "0o8", "1_000", "NaN", "\u0663"],
)
def test_a_string_that_is_no_number_is_nan(text: str) -> None:
    assert math.isnan(parse_number(text))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1e15, "1E+15"),
        (123456789012345.0, "123456789012345"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (1e100, "1E+100"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_a_number_is_written_with_fifteen_digits(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("value", "kind", "text", "truthy"),
    [
        (None, "Null", "", False),
        (True, "Boolean", "true", True),
        (False, "Boolean", "false", False),
        (7, "Number", "7", True),
        (0.0, "Number", "0", False),
        (math.nan, "Number", "NaN", False),
        (10**400, "Number", "Infinity", True),
        ("", "String", "", False),
        ("false", "String", "false", True),
        ([], "Array", "Array", True),
        ((1,), "Array", "Array", True),
        ({}, "Object", "Object", True),
        (MappingProxyType({}), "Object", "Object", True),
    ],
)
def test_kind_text_and_truth_of_a_value(value: Value, kind: str, text: str, truthy: bool) -> None:
    assert (kind_of(value), to_text(value), is_truthy(value)) == (kind, text, truthy)


@given(SCALARS)
def test_a_scalar_equals_itself_unless_it_is_nan(value: Value) -> None:
    assert loosely_equal(value, value) is not (isinstance(value, float) and math.isnan(value))


@given(VALUES, VALUES)
def test_equality_is_symmetric_and_excludes_order(left: Value, right: Value) -> None:
    assert loosely_equal(left, right) == loosely_equal(right, left)
    assert not (is_less(left, right) and is_less(right, left))
    assert not (loosely_equal(left, right) and is_less(left, right))


@given(VALUES)
def test_arrays_and_objects_are_no_numbers_and_equal_only_themselves(value: Value) -> None:
    if kind_of(value) in ("Array", "Object"):
        copy: Value = json.loads(json.dumps(value))
        assert math.isnan(to_number(value))
        assert loosely_equal(value, value)
        assert not loosely_equal(value, copy)


@given(st.floats(min_value=-1e300, max_value=1e300))
def test_a_number_survives_its_text_to_fifteen_digits(number: float) -> None:
    assert math.isclose(parse_number(number_text(number)), number, rel_tol=1e-14)


@given(st.text())
def test_folding_case_keeps_the_length_and_is_done_once(text: str) -> None:
    assert len(fold_case(text)) == len(text)
    assert fold_case(fold_case(text)) == fold_case(text)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("straße", "STRASSE", False),
        ("ß", "ß", True),
        ("ᾳ", "ᾼ", True),
        ("ı", "I", False),
        ("ſ", "S", False),
        ("µ", "Μ", True),
        ("ÿ", "Ÿ", True),
    ],
)
def test_strings_are_compared_by_single_upper_cased_characters(left: str, right: str, same: bool) -> None:
    assert loosely_equal(left, right) is same


def test_strings_are_ordered_by_utf_16_units() -> None:
    assert is_less("\U0001f600", "\uff5a")  # a surrogate pair stands before U+FF5A
    assert is_less("_", "a") is False  # `a` is compared as `A`


def test_own_kinds_of_text_and_number_are_text_and_number() -> None:
    class Text(str):
        __slots__ = ()

    class Number(float):
        __slots__ = ()

    assert kind_of(Text("a")) == "String"
    assert kind_of(Number(1)) == "Number"
    assert loosely_equal(Text("a"), "A")
    assert loosely_equal(Number(1), True)


def test_the_exact_spelling_of_a_key_wins() -> None:
    assert find_key({"Key": 1, "KEY": 2}, "KEY", 0) == 2
    assert find_key({"Key": 1, "KEY": 2}, "key", 0) == 1
    assert find_key(CaseSensitive({"Key": 1}), "other", 0) == 0


JSON_SCALARS = (
    st.none() | st.booleans() | st.floats(-1e300, 1e300) | st.integers(-(10**20), 10**20) | st.text()
)


@given(
    st.recursive(
        JSON_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
    )
)
def test_json_text_is_read_back_as_the_same_json(value: Value) -> None:
    text = to_json_text(value)
    assert to_json_text(json.loads(text)) == text


def test_json_is_written_for_any_depth() -> None:
    value: Value = 1
    for _ in range(5000):
        value = [value]
    assert to_json_text(value).count("[") == 5000


def test_json_text_escapes_what_newtonsoft_escapes() -> None:
    assert to_json_text('a"\\\n\x01\x85\u2028é') == '"a\\"\\\\\\n\\u0001\\u0085\\u2028é"'
    assert to_json_text({"a": [], "b": {}, "c": [1.0, None, True]}) == (
        '{\n  "a": [],\n  "b": {},\n  "c": [\n    1,\n    null,\n    true\n  ]\n}'
    )


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "[1,]", "{'a':1}", "NaN", "-Infinity", "// x\n1", "1 2", "[" * 101 + "]" * 101, '"\x01"'],
)
def test_only_strict_json_is_read(text: str) -> None:
    with pytest.raises(JsonError):
        read_json(text)


def test_keys_that_differ_only_by_case_are_one_key() -> None:
    assert read_json('{"a": 1, "A": 2, "b": 3, "b": 4}') == {"a": 1, "b": 4}


def test_depth_is_counted_outside_strings() -> None:
    assert read_json("[" * 100 + "]" * 100) is not None
    assert read_json('"' + "[" * 200 + '"') == "[" * 200
