"""Types of expressions: what is known, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
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
        ("list < 'x'", ["comparison-type"]),
        ("list == list", []),
        ("list < 3", []),
        ("object.a == ''", []),
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
    if type_ is NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return value is None if type_ is NULL else isinstance(value, bool)


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


# --- what is said of an expression is true of its value ---------------------------------------------------------------
_VALUES: tuple[dict[str, Value], ...] = (
    {
        "text": "true",
        "flag": True,
        "number": 0,
        "list": [{"name": "a", "tags": ["x"]}, {"name": "", "tags": []}],
        "object": {"a": {"x": "1"}, "b": {"x": 2}},
        "loose": {"a": {"b": [1]}},
    },
    {
        "text": "",
        "flag": False,
        "number": 7,
        "list": [],
        "object": {"a": {"x": ""}, "b": {"x": 0}},
        "loose": {},
    },
)
_ATOMS = st.sampled_from(
    [
        *CONTEXTS,
        *("list[0]", "list[0].name", "list.*.name", "list.*.tags", "list.*.nope", "object.a", "object.a.x"),
        *("object.*.x", "object.*", "object.c", "object.a.y", "loose.a", "loose.a.b", "text.x", "number.y"),
        *("'a'", "'true'", "''", "'1'", "0", "1", "true", "false", "null", "'{0}'", "'[1]'"),
    ]
)
_EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["==", "!=", "<", ">=", "&&", "||"]), inner),
        st.builds("!({})".format, inner),
        st.builds("({})".format, inner),
        st.builds("({}).x".format, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("contains({}, {})".format, inner, inner),
        st.builds("format('{{0}}', {})".format, inner),
        st.builds("join({})".format, inner),
        st.builds("toJSON({})".format, inner),
        st.builds("case({} == 'a', {}, {})".format, inner, inner, inner),
    ),
    max_leaves=6,
)


@given(_EXPRESSIONS)
@example("(list.*.tags).x")
@example("object.*[0]")
def test_what_is_said_of_an_expression_is_true_of_its_value(text: str) -> None:
    tree = parsed(text)
    if tree is None:  # too deep
        return
    inference = Inference(text=text, type_of_name=CONTEXTS.__getitem__)
    type_ = inference.type_of(tree)
    for values in _VALUES:
        value = evaluated(text, values)
        assert value is None or allows(type_, value), (text, type_, value)
        for problem in inference.problems:
            part = evaluated(text[problem.node.start : problem.node.end], values)
            if problem.rule == "unknown-property":
                assert part in (None, []), (text, problem.message, part)
            elif problem.message.endswith(("always true", "always false")):
                assert part is problem.message.endswith("always true"), (text, problem.message, part)


def evaluated(text: str, values: dict[str, Value]) -> Value:
    """The value with these contexts; None for an expression that fails."""
    try:
        return compile_expression(text).evaluate(Scope(values))
    except ExpressionError:
        return None
