"""Strings without case, as .NET's OrdinalIgnoreCase sees them: every character upper-cased alone, then compared by UTF-16 units.

Python's `str.upper` differs: it may grow a string (`ß` -> `SS`). The invariant culture also leaves `ı` and `ſ` alone.
Source: .NET `OrdinalCasing`, the rule behind GitHub's string comparison.
"""

from collections.abc import Mapping
from typing import TypeVar

_T = TypeVar("_T")
_KEPT = frozenset("ıſ")


def fold_case(text: str) -> str:
    """The text with every character upper-cased; same length, so offsets stay true."""
    if text.isascii():
        return text.upper()
    return "".join(map(_upper, text))


def same_text(left: str, right: str) -> bool:
    """Whether two strings are equal without regard to case."""
    return left == right or (len(left) == len(right) and fold_case(left) == fold_case(right))


def order_of(text: str) -> bytes:
    """A key that orders strings as GitHub does: by upper-cased UTF-16 units."""
    return fold_case(text).encode("utf-16-be", "surrogatepass")


def find_key(mapping: Mapping[str, _T], key: str, missing: _T) -> _T:
    """The value under `key`, whose case does not matter; the exact spelling wins when keys differ only by case."""
    found = mapping.get(key, missing)
    if found is not missing:
        return found
    wanted, length = fold_case(key), len(key)
    for name, value in mapping.items():
        if len(name) == length and fold_case(name) == wanted:
            return value
    return missing


def _upper(character: str) -> str:
    if character in _KEPT:
        return character
    upper = character.upper()
    if len(upper) == 1:
        return upper
    title = character.title()  # one-to-one where Unicode has a simple mapping: `ᾳ` -> `ᾼ`
    return title if len(title) == 1 else character
