"""The functions of expressions: what they take, what they give."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from skep.model.finding import Severity
from skep.pipeline.expressions.json_values import JsonError, read_json
from skep.pipeline.expressions.syntax import Call, Literal, Node

from .expression_types import (
    ANY,
    BOOLEAN,
    STRING,
    Array,
    Object,
    Text,
    Type,
    is_collection,
    joined_all,
    type_of_value,
)

ARGUMENT = "argument-type"
PLACEHOLDER = "format-placeholder"
AS_TEXT = "object-as-text"
_PIECE = re.compile(r"\{\{|\}\}|\{([0-9]+)\}|[{}]")


class Note(Protocol):
    """Where a problem goes."""

    def __call__(
        self, rule: str, node: Node, message: str, hint: str = "", severity: Severity | None = None
    ) -> None:
        """Adds it."""


def call_type(call: Call, given: Sequence[Type], note: Note) -> Type:
    """The type of a call's value. Misused arguments are noted; wrong numbers of them were the reader's to say."""
    check = _CHECKS.get(call.name.lower())
    if check is None or not call.arguments:
        return BOOLEAN if call.name.lower() in _STATUS else ANY
    return check(call, given, note)


_STATUS = frozenset({"always", "success", "failure", "cancelled"})


def _contains(call: Call, given: Sequence[Type], note: Note) -> Type:
    within, item = given[0], given[-1]
    if isinstance(within, Object):
        note(
            ARGUMENT,
            call.arguments[0],
            "`contains` looks in an array or a string; in an object it finds nothing",
            hint="`contains(toJSON(object), 'text')`, or `contains(object.*.name, 'item')`",
        )
    elif isinstance(within, Text) and is_collection(item):
        note(
            ARGUMENT,
            call.arguments[1],
            f"a string never contains {item}",
            hint="the array comes first: `contains(array, item)`",
        )
    elif isinstance(within, Array) and is_collection(item):
        note(ARGUMENT, call.arguments[1], f"`contains` never finds {item} in an array")
    return BOOLEAN


def _text_test(call: Call, given: Sequence[Type], note: Note) -> Type:
    for node, type_ in zip(call.arguments, given, strict=True):
        if is_collection(type_):
            note(ARGUMENT, node, f"`{call.name}` takes strings; with {type_} it is always false")
    return BOOLEAN


def _format(call: Call, given: Sequence[Type], note: Note) -> Type:
    for node, type_ in zip(call.arguments[1:], given[1:], strict=True):
        if is_collection(type_):
            note_as_word(node, type_, note)
    template = call.arguments[0]
    if isinstance(template, Literal) and isinstance(template.value, str):
        _check_places(call, template, template.value, note)
    return STRING


def _check_places(call: Call, template: Literal, text: str, note: Note) -> None:
    """Source: GitHub's `Format` function: an argument that is not given, or a brace alone, fails the expression."""
    count = len(call.arguments) - 1
    used: set[int] = set()
    for found in _PIECE.finditer(text):
        raw, number = found.group(), found[1]
        if number is not None:
            place = int(number[:9])
            used.add(place)
            if place >= count:
                note(
                    PLACEHOLDER,
                    template,
                    f"`{raw[:20]}` has no argument: `format` is given {count}",
                    hint="the first argument is `{0}`",
                )
        elif raw in "{}":
            note(
                PLACEHOLDER,
                template,
                f"`{raw}` stands alone in the text of `format`",
                hint="places are {0}, {1}, ...; a brace itself is doubled: {{ or }}",
            )
            return
    for place in range(count):
        if place not in used:
            note(
                PLACEHOLDER,
                call.arguments[place + 1],
                f"`format` never uses this argument: there is no `{{{place}}}` in its text",
                severity=Severity.WARNING,
            )


def _join(call: Call, given: Sequence[Type], note: Note) -> Type:
    if isinstance(given[0], Object):
        note(
            ARGUMENT,
            call.arguments[0],
            "`join` takes an array; of an object it makes an empty string",
            hint="`join(object.*, ', ')`",
        )
    elif isinstance(given[0], Array) and is_collection(given[0].item):
        note_as_word(call.arguments[0], given[0].item, note)
    return STRING


def _from_json(call: Call, given: Sequence[Type], note: Note) -> Type:
    node = call.arguments[0]
    if is_collection(given[0]):
        note(
            ARGUMENT,
            node,
            f"`fromJSON` takes JSON text; this is {given[0]} already",
            hint="remove `fromJSON`",
        )
    elif isinstance(node, Literal) and isinstance(node.value, str):
        try:
            return type_of_value(read_json(node.value))
        except JsonError as error:
            note(ARGUMENT, node, f"this is not JSON: {error} at character {error.position + 1}")
    return ANY


def _case(call: Call, given: Sequence[Type], note: Note) -> Type:
    for node, type_ in zip(call.arguments[0:-1:2], given[0:-1:2], strict=False):
        if type_ is not ANY and type_ is not BOOLEAN:
            note(
                ARGUMENT,
                node,
                f"a condition of `case` is true or false; this is {type_}",
                hint="compare it, or write `!!` before it",
            )
    return joined_all([*given[1:-1:2], given[-1]])


def note_as_word(node: Node, type_: Type, note: Note) -> None:
    """Notes that an object or array where text is wanted becomes one word that says nothing."""
    word = "Array" if isinstance(type_, Array) else "Object"
    hint = (
        "`join(array, ', ')`, or `toJSON(...)`"
        if word == "Array"
        else "take a property of it, or `toJSON(...)`"
    )
    note(AS_TEXT, node, f"{type_} becomes the word `{word}` here", hint=hint)


def _text(_call: Call, _given: Sequence[Type], _note: Note) -> Type:
    return STRING


_CHECKS: dict[str, Callable[[Call, Sequence[Type], Note], Type]] = {
    "case": _case,
    "contains": _contains,
    "endswith": _text_test,
    "format": _format,
    "fromjson": _from_json,
    "hashfiles": _text,
    "join": _join,
    "startswith": _text_test,
    "tojson": _text,
}
