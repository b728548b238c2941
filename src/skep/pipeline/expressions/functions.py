"""The built-in functions: each turns its call into a closure, so that arguments are evaluated only when GitHub would.

Source: actions/runner `src/Sdk/Expressions/Sdk/Functions`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from .casing import fold_case
from .errors import ExpressionError
from .frame import Frame, Run
from .json_values import JsonError, read_json
from .syntax import Call
from .values import Value, is_primitive, loosely_equal, to_json_text, to_text

Build: TypeAlias = Callable[[Call, Sequence[Run], int], Run]
"""Call, its compiled arguments and its level in the tree, to a closure."""

_FORMAT_PIECE = re.compile(r"\{\{|\}\}|\{([0-9]+)(?::((?:[^}]|\}\})*+))?\}|[^{}]+|[{}]")
_MAX_ARGUMENT = 255


def _case(call: Call, arguments: Sequence[Run], _level: int) -> Run:
    pairs = list(zip(arguments[0:-1:2], arguments[1:-1:2], call.arguments[0:-1:2], strict=True))
    default = arguments[-1]

    def run(frame: Frame) -> Value:
        for predicate, result, node in pairs:
            chosen = predicate(frame)
            if not isinstance(chosen, bool):
                raise ExpressionError(
                    "a condition of `case` must be true or false",
                    kind="evaluate",
                    position=node.start,
                    length=node.end - node.start,
                    hint="compare it: `x != ''`, or write `!!x`",
                )
            if chosen:
                return result(frame)
        return default(frame)

    return run


def _contains(_call: Call, arguments: Sequence[Run], _level: int) -> Run:
    search, item = arguments

    def run(frame: Frame) -> Value:
        within = search(frame)
        if is_primitive(within):
            wanted = item(frame)
            return is_primitive(wanted) and fold_case(to_text(wanted)) in fold_case(to_text(within))
        if isinstance(within, Mapping) or not within:
            return False
        wanted = item(frame)
        return any(loosely_equal(wanted, member) for member in _items(within))

    return run


def _text_test(test: Callable[[str, str], bool]) -> Build:
    def build(_call: Call, arguments: Sequence[Run], _level: int) -> Run:
        left, right = arguments

        def run(frame: Frame) -> Value:
            text = left(frame)
            if not is_primitive(text):
                return False
            part = right(frame)
            return is_primitive(part) and test(fold_case(to_text(text)), fold_case(to_text(part)))

        return run

    return build


def _format(call: Call, arguments: Sequence[Run], level: int) -> Run:
    template, given = arguments[0], arguments[1:]

    def run(frame: Frame) -> Value:
        pieces = _read_format(to_text(template(frame)), len(given), call)
        texts: dict[int, str] = {}
        made: list[str] = []
        length = 0
        for piece in pieces:
            if isinstance(piece, int) and piece not in texts:
                texts[piece] = to_text(given[piece](frame))
            text = texts[piece] if isinstance(piece, int) else piece
            length += len(text)
            frame.memory.require(length)
            made.append(text)
        frame.memory.charge_text(level, length)
        return "".join(made)

    return run


def _read_format(template: str, given: int, call: Call) -> list[str | int]:
    """Literal pieces, and the numbers of arguments."""
    pieces: list[str | int] = []
    for found in _FORMAT_PIECE.finditer(template):
        raw, number = found.group(), found[1]
        if number is not None:
            if int(number[:9]) > _MAX_ARGUMENT or found[2]:
                raise _bad_format(call, f"`{raw}` is no place for an argument of `format`")
            if int(number) >= given:
                raise _bad_format(call, f"`{raw}` in `format` has no argument: {given} given")
            pieces.append(int(number))
        elif raw in ("{", "}"):
            raise _bad_format(call, f"`{raw}` stands alone in the text of `format`")
        else:
            pieces.append(raw[0] if raw in ("{{", "}}") else raw)
    return pieces


def _bad_format(call: Call, message: str) -> ExpressionError:
    return ExpressionError(
        message,
        kind="evaluate",
        position=call.start,
        length=call.end - call.start,
        hint="places are {0}, {1}, ...; a brace itself is doubled: {{ or }}",
    )


def _join(_call: Call, arguments: Sequence[Run], level: int) -> Run:
    def run(frame: Frame) -> Value:
        items = arguments[0](frame)
        if is_primitive(items):
            return to_text(items)
        if isinstance(items, Mapping):
            return ""
        texts = [to_text(item) for item in _items(items)]
        separator: Value = ","
        if len(texts) > 1 and len(arguments) > 1:
            separator = arguments[1](frame)
        between = to_text(separator) if is_primitive(separator) else ","
        length = sum(map(len, texts)) + len(between) * max(0, len(texts) - 1)
        frame.memory.charge_text(level, length)
        return between.join(texts)

    return run


def _to_json(_call: Call, arguments: Sequence[Run], level: int) -> Run:
    def run(frame: Frame) -> Value:
        text = to_json_text(arguments[0](frame))
        frame.memory.charge_text(level, len(text))
        return text

    return run


def _from_json(call: Call, arguments: Sequence[Run], level: int) -> Run:
    def run(frame: Frame) -> Value:
        text = to_text(arguments[0](frame))
        try:
            value = read_json(text)
        except JsonError as exc:
            argument = call.arguments[0]
            raise ExpressionError(
                f"`fromJSON` got text that is not JSON: {exc} at character {exc.position + 1}",
                kind="evaluate",
                position=argument.start,
                length=argument.end - argument.start,
                hint=f"it got: {_excerpt(text)}" if text.strip() else "the text is empty",
            ) from exc
        frame.memory.charge_array(level, 0)
        return value

    return run


def _items(value: Value) -> Sequence[Value]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _excerpt(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"


CREATORS = frozenset(("format", "fromjson", "join", "tojson"))
TEXT_TESTS = frozenset(("contains", "endswith", "startswith"))
BUILD: Mapping[str, Build] = {
    "case": _case,
    "contains": _contains,
    "endswith": _text_test(str.endswith),
    "format": _format,
    "fromjson": _from_json,
    "join": _join,
    "startswith": _text_test(str.startswith),
    "tojson": _to_json,
}
