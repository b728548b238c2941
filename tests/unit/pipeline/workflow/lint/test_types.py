"""Types of expressions: what is known, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.workflow.lint.expression_types import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    STRING,
    Array,
    Object,
    Text,
    Type,
    joined,
    joined_all,
    object_of,
    one_of,
    open_object,
    type_of_value,
)
from skep.pipeline.workflow.lint.inference import Inference
from skep.pipeline.workflow.lint.sites import parsed

CONTEXTS: dict[str, Type] = {
    "text": STRING,
    "flag": BOOLEAN,
    "number": NUMBER,
    "list": Array(object_of({"name": STRING, "tags": Array(STRING)})),
    "object": object_of({"a": object_of({"x": STRING}), "b": object_of({"x": NUMBER})}),
    "loose": open_object(),
}


def looked_at(text: str) -> tuple[Type, list[str]]:
    """The type of an expression, and the rules it offends."""
    tree = parsed(text)
    assert tree is not None
    inference = Inference(text=text, type_of_name=lambda name: CONTEXTS.get(name, ANY))
    return inference.type_of(tree), [problem.rule for problem in inference.problems]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("text", "a string"),
        ("!text", "a boolean"),
        ("text == 'a'", "a boolean"),
        ("text || 'x'", "a string"),
        ("flag && 'x' || 'y'", "any value"),
        ("list[0].name", "a string"),
        ("list[number]", "an object"),
        ("list.*.name", "an array"),
        ("list.*.tags", "an array"),
        ("object.a.x", "a string"),
        ("object['A'].X", "a string"),
        ("object[text]", "an object"),
        ("object[text].x", "any value"),
        ("object.*.x", "an array"),
        ("loose.a.b.c", "any value"),
        ("loose.*.c", "an array"),
        ("unknown.whatever", "any value"),
        ("toJSON(object)", "a string"),
        ("fromJSON('[1]')[0]", "a number"),
        ("fromJSON(text)", "any value"),
        ("case(flag, 'a', 'b')", "a string"),
        ("hashFiles('x')", "a string"),
        ("success()", "a boolean"),
        ("null", "null"),
        ("1", "a number"),
    ],
)
def test_an_expression_has_a_type(text: str, shown: str) -> None:
    type_, problems = looked_at(text)
    assert (str(type_), problems) == (shown, [])


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("object.c", ["unknown-property"]),
        ("object.c.d.e", ["unknown-property"]),
        ("list.name", ["unknown-property"]),
        ("list.*.nope", ["unknown-property"]),
        ("text.name", ["unknown-property"]),
        ("flag.*", ["unknown-property"]),
        ("list[object.c]", ["unknown-property"]),
        ("object.a == 'x'", ["comparison-type"]),
        ("list < 3", ["comparison-type"]),
        ("flag == 'yes'", ["comparison-type"]),
        ("text == true", ["comparison-type"]),
        ("number != 'x'", ["comparison-type"]),
        ("contains(object, 'x')", ["argument-type"]),
        ("startsWith(text, list)", ["argument-type"]),
        ("format('{0}', object)", ["object-as-text"]),
        ("format('{2}', text)", ["format-placeholder", "format-placeholder"]),
    ],
)
def test_a_misuse_is_noted_once(text: str, rules: list[str]) -> None:
    assert looked_at(text)[1] == rules


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "B"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abAB"), inner, max_size=3),
    max_leaves=6,
)


def allows(type_: Type, value: object) -> bool:
    """Whether a value may be of a type; null is allowed wherever a property may be absent."""
    if type_ is ANY:
        return True
    if isinstance(type_, Text):
        return isinstance(value, str) and (
            type_.values is None or value.upper() in {text.upper() for text in type_.values}
        )
    if isinstance(type_, Array):
        return isinstance(value, list) and all(allows(type_.item, item) for item in value)
    if isinstance(type_, Object):
        return isinstance(value, dict) and all(
            (found := type_.property(name)) is not None and allows(found, item)
            for name, item in value.items()
            if [key.lower() for key in value].count(name.lower()) == 1
        )
    return {NULL: type(None), BOOLEAN: bool, NUMBER: int}[type_] is type(value)


@given(VALUES, VALUES)
def test_a_joined_type_allows_what_both_allowed(one: object, other: object) -> None:
    both = joined(type_of_value(one), type_of_value(other))  # type: ignore[arg-type]  # JSON values
    assert allows(both, one)
    assert allows(both, other)


@given(st.lists(VALUES, max_size=4))
def test_the_type_of_a_list_allows_each_of_its_items(values: list[object]) -> None:
    assert allows(type_of_value(values), values)  # type: ignore[arg-type]  # JSON values


def test_of_nothing_nothing_is_known() -> None:
    assert joined_all([]) is ANY


def test_many_texts_are_just_a_string() -> None:
    assert joined_all(one_of(str(number)) for number in range(500)) == STRING
