"""`value.key`, `value[index]` and `value.*`: GitHub's rules for arrays, objects and filtered arrays.

What is not there is null. Source: actions/runner `src/Sdk/Expressions/Sdk/Operators/Index.cs`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from .casing import find_key
from .values import CaseSensitive, FilteredArray, Value, is_primitive, to_number, to_text

_MISSING: Final = FilteredArray()  # a marker of its own, told by identity; never leaves this module
_MAX_INDEX = 2**31 - 1


def access_name(target: Value, name: str) -> Value:
    """What `target.name` is: a member; from a filtered array, the members of its items."""
    if isinstance(target, FilteredArray):
        return _each(target, name, _index_of(name))
    found = _look_up(target, name, _index_of(name) if isinstance(target, Sequence) else None)
    return None if found is _MISSING else found


def access_key(target: Value, key: Value) -> Value:
    """What `target[key]` is: an object's member by the key as text, an array's item by the key as number, rounded down."""
    name = to_text(key) if is_primitive(key) else None
    index = _index_of(key)
    if isinstance(target, FilteredArray):
        return _each(target, name, index)
    found = _look_up(target, name, index)
    return None if found is _MISSING else found


def access_all(target: Value) -> FilteredArray:
    """What `target.*` is: all items or members; from a filtered array, those of its items."""
    if isinstance(target, FilteredArray):
        return FilteredArray(member for item in target for member in _members(item))
    return FilteredArray(_members(target))


def is_collection(value: Value) -> bool:
    """Whether the value has members: an index on anything else is not even evaluated."""
    return not is_primitive(value)


def _each(items: FilteredArray, name: str | None, index: int | None) -> FilteredArray:
    found = (_look_up(item, name, index) for item in items)
    return FilteredArray(member for member in found if member is not _MISSING)


def _look_up(target: Value, name: str | None, index: int | None) -> Value:
    if isinstance(target, Mapping):
        if name is None:
            return _MISSING
        if isinstance(target, CaseSensitive):
            return target.get(name, _MISSING)
        return find_key(target, name, _MISSING)
    if (
        isinstance(target, Sequence)
        and not isinstance(target, str)
        and index is not None
        and index < len(target)
    ):
        return target[index]
    return _MISSING


def _members(value: Value) -> Sequence[Value]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _index_of(key: Value) -> int | None:
    number = to_number(key)
    if not 0 <= number < _MAX_INDEX + 1:  # NaN fails both
        return None
    return math.floor(number)
