"""Values of the expression language, and GitHub's coercions between them.

A value is None, bool, float (int is accepted as a number), str, list or dict with str keys. Lists and dicts are shared, never
changed, by evaluation; they are equal only when identical. Object keys are found case-insensitively, except in `CaseSensitive`.

Source: actions/runner `src/Sdk/Expressions/EvaluationResult.cs`.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from .casing import order_of, same_text
from .numbers import number_text, parse_number

Value: TypeAlias = "bool | float | int | str | Sequence[Value] | Mapping[str, Value] | None"
Kind = Literal["Null", "Boolean", "Number", "String", "Array", "Object"]

_KINDS: dict[type, Kind] = {
    type(None): "Null",
    bool: "Boolean",
    float: "Number",
    int: "Number",
    str: "String",
    list: "Array",
    tuple: "Array",
    dict: "Object",
}
# Newtonsoft escapes these besides JSON's own
_JSON_EXTRA = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class CaseSensitive(dict[str, Value]):
    """An object whose keys keep their case in lookups: `env` on Linux."""

    __slots__ = ()


class FilteredArray(list[Value]):
    """What `*` gives: an array whose further accesses apply to each item, and drop the misses."""

    __slots__ = ()


def kind_of(value: Value) -> Kind:
    """The name of the value's kind, as GitHub writes it."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, str):
        return "String"
    if isinstance(value, (int, float)):
        return "Number"
    return "Object" if isinstance(value, Mapping) else "Array"


def is_primitive(value: Value) -> bool:
    """Whether the value is neither an array nor an object."""
    return kind_of(value) not in ("Array", "Object")


def is_truthy(value: Value) -> bool:
    """False for null, false, 0, NaN and the empty string; true for all else, empty arrays and objects included."""
    if value is True or value is False:
        return value
    if isinstance(value, (str, int, float)):
        return bool(value) and value == value  # noqa: PLR0124 (NaN is the number that differs from itself)
    return value is not None


def to_text(value: Value) -> str:
    """The value as a string: null is empty, numbers have 15 digits, an array is `Array` and an object `Object`."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(_as_float(value))
    return kind_of(value)


def to_number(value: Value) -> float:
    """The value as a number: null 0, booleans 0 and 1, strings by `parse_number`, arrays and objects NaN."""
    if isinstance(value, str):
        return parse_number(value)
    if value is None:
        return 0.0
    if isinstance(value, (int, float)):
        return _as_float(value)
    return math.nan


def loosely_equal(left: Value, right: Value) -> bool:
    """GitHub's `==`: strings without case; different kinds as numbers; arrays and objects by identity; NaN never."""
    if isinstance(left, str) and isinstance(right, str):
        return same_text(left, right)
    left_kind, right_kind = kind_of(left), kind_of(right)
    if left_kind == right_kind:
        return left is right if left_kind in ("Array", "Object") else left == right
    return to_number(left) == to_number(right)


def is_less(left: Value, right: Value) -> bool:
    """GitHub's `<`: strings by upper-cased UTF-16 units, all else as numbers; false with arrays, objects and NaN.

    `a > b` is `is_less(b, a)`.
    """
    if isinstance(left, str) and isinstance(right, str):
        return order_of(left) < order_of(right)
    return to_number(left) < to_number(right)


def to_json_text(value: Value) -> str:
    """The text of `toJSON`: two blanks per level, numbers as `to_text` writes them. No depth limit."""
    return "".join(_json_pieces(value))


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _json_pieces(value: Value) -> Iterator[str]:
    """Walks with its own stack: an event payload may be nested deeper than Python recurses."""
    stack: list[tuple[Iterator[tuple[int, tuple[str, Value]]], str]] = []
    current = value
    while True:
        opened = _open_collection(current)
        if opened is None:
            yield _json_scalar(current)
        else:
            bracket, members, closing = opened
            yield bracket
            stack.append((enumerate(members), closing))
        step = None
        while stack and step is None:
            members_left, closing = stack[-1]
            step = next(members_left, None)
            if step is None:
                stack.pop()
                yield "\n" + "  " * len(stack) + closing
        if step is None:
            return
        index, (label, current) = step
        yield (",\n" if index else "\n") + "  " * len(stack) + label


def _open_collection(value: Value) -> tuple[str, Iterator[tuple[str, Value]], str] | None:
    """Bracket, members with what stands before each, closing bracket; None for what has no members."""
    if isinstance(value, Mapping):
        return (
            ("{", ((_json_string(key) + ": ", item) for key, item in value.items()), "}") if value else None
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ("[", (("", item) for item in value), "]") if value else None
    return None


def _json_scalar(value: Value) -> str:
    if isinstance(value, str):
        return _json_string(value)
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, Sequence):
        return "[]"
    return to_text(value)


def _json_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_JSON_EXTRA)
