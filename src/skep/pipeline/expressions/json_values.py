"""JSON text in, value out: what `fromJSON` reads. Strict JSON: no comments, no trailing commas, no NaN."""

import json
import re
from typing import NoReturn

from .casing import fold_case
from .limits import MAX_JSON_DEPTH
from .values import Value

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|(?P<bracket>[\[\]{}])', re.DOTALL)


class JsonError(ValueError):
    """Text that is not JSON, with the reason and the offset into it."""

    def __init__(self, reason: str, position: int = 0) -> None:
        super().__init__(reason)
        self.position = position


def read_json(text: str) -> Value:
    """The value of a JSON text; numbers are floats. Raises JsonError.

    Of keys that are equal the last wins, of keys that differ only by case the first, as in GitHub's dictionaries.
    """
    if _nesting(text) > MAX_JSON_DEPTH:
        raise JsonError(f"it is nested deeper than {MAX_JSON_DEPTH} levels")
    try:
        value: Value = json.loads(text, parse_int=float, parse_constant=_refuse, object_pairs_hook=_object)
    except json.JSONDecodeError as exc:
        raise JsonError(exc.msg[0].lower() + exc.msg[1:], exc.pos) from exc
    return value


def _refuse(word: str) -> NoReturn:
    raise JsonError(f"`{word}` is not JSON")


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    value = dict(pairs)
    if len({fold_case(key) for key in value}) == len(value):
        return value
    kept: dict[str, Value] = {}
    seen: set[str] = set()
    for key, member in value.items():
        folded = fold_case(key)
        if folded not in seen:
            seen.add(folded)
            kept[key] = member
    return kept


def _nesting(text: str) -> int:
    """The deepest nesting of brackets outside strings; text that is not JSON may give any number."""
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return 0
    depth = deepest = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        bracket = found["bracket"]
        if bracket:
            depth += 1 if bracket in "[{" else -1
            deepest = max(deepest, depth)
    return deepest
