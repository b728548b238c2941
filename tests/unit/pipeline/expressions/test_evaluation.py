import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.limits import TEMPLATE_MEMORY_BYTES
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import CaseSensitive, Value, to_json_text

GITHUB: Value = {
    "event": {"commits": [{"id": "a", "tags": ["x", "y"]}, {"id": "b"}, "loose"], "Title": "Hi"},
    "ref": "refs/heads/Main",
}


def _value(text: str, **contexts: Value) -> Value:
    return compile_expression(text).evaluate(Scope({"github": GITHUB, **contexts}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("github.event.commits.*.id", ["a", "b"]),
        ("github.event.commits.*.tags.*", ["x", "y"]),
        ("github.event.commits.*.tags[1]", ["y"]),
        ("github.event.commits[*]['ID']", ["a", "b"]),
        ("github.event.commits.*.*", ["a", ["x", "y"], "b"]),
        ("github.event.commits[1.9].id", "b"),
        ("github.event.commits['1'].id", "b"),
        ("github.event.commits[-1]", None),
        ("github.event.commits[2147483648]", None),
        ("github.event.commits.id", None),
        ("github.nothing.at.all", None),
        ("github.nothing.*", []),
        ("github.ref.*", []),
        ("'a'[fromJSON('{')] == null || 1", "error"),
        ("github.nothing[fromJSON('{')]", None),
        ("github.ref == 'REFS/heads/main' && 'yes' || 'no'", "yes"),
        ("github.event.TITLE", "Hi"),
        ("join(github.event.commits.*.id, '')", "ab"),
        ("join(github.event.commits.*.id, github)", "a,b"),
        ("join(github)", ""),
        ("join(5)", "5"),
        ("format('{0:}-{{{0}}}', 1)", "1-{1}"),
        ("format('x', fromJSON('{'))", "x"),
        ("contains(github.event.commits.*.id, 'B')", True),
        ("contains(fromJSON('[]'), fromJSON('{'))", False),
        ("contains(github, 'ref')", False),
        ("contains('Hello', 'ELL')", True),
        ("startsWith('1.5', 1.5)", True),
        ("endsWith(fromJSON('[]'), fromJSON('{'))", False),
        ("case(false, fromJSON('{'), 2)", 2),
        ("CASE(true, 1, fromJSON('{'))", 1),
        ("toJSON(github.event.commits[0])", '{\n  "id": "a",\n  "tags": [\n    "x",\n    "y"\n  ]\n}'),
        ('fromJSON(\'[1, "a", null, {"b": true}]\')[3].b', True),
        ("!github.ref || 'x'", "x"),
        ("1 < 2 == true", True),
        ("!1 == 0", True),
        ("null >= null", True),
        ("null < 1", True),
        ("github <= github", True),
        ("github.event == github.event", True),
        ("", None),
        ("  ", None),
        ("steps.missing.outputs.x", None),
    ],
)
def test_an_expression_has_the_value_github_gives(text: str, expected: Value) -> None:
    if expected == "error":
        with pytest.raises(ExpressionError):
            _value(text)
    else:
        assert _value(text) == expected


def test_the_environments_names_keep_their_case() -> None:
    assert _value("env.Name", env=CaseSensitive(Name="x")) == "x"
    assert _value("env.NAME", env=CaseSensitive(Name="x")) is None
    assert _value("env['*']", env=CaseSensitive(Name="x")) is None
    assert _value("all.*.name", all=[CaseSensitive(Name="x"), CaseSensitive(name="y")]) == ["y"]


def test_a_lazy_context_is_called_once_per_evaluation_and_only_when_read() -> None:
    calls: list[str] = []

    def steps() -> Value:
        calls.append("steps")
        return {"a": 1}

    expression = compile_expression("github.x && steps.a || STEPS.a == steps.a")
    scope = Scope({"github": {"x": False}, "steps": steps})
    assert expression.evaluate(scope) is True
    assert calls == ["steps"]
    assert expression.evaluate(scope) is True
    assert calls == ["steps", "steps"]
    assert compile_expression("github.x && steps.a").evaluate(scope) is False
    assert len(calls) == 2


def test_functions_of_the_scope_get_their_arguments_evaluated() -> None:
    seen: list[Value] = []

    def hash_files(arguments: object) -> Value:
        assert isinstance(arguments, list)
        seen.extend(arguments)
        return "digest"

    expression = compile_expression("hashFiles('**/a', github.ref)", functions={"hashFiles": (1, 255)})
    assert expression.evaluate(Scope({"github": GITHUB}, {"hashfiles": hash_files})) == "digest"
    assert seen == ["**/a", "refs/heads/Main"]


def test_an_expression_says_what_it_uses() -> None:
    expression = compile_expression(
        "GitHub.event['title'] && matrix.*.os || needs[matrix.x].result && toJSON(github) && Always()",
        functions={"always": (0, 0)},
    )
    assert expression.contexts == {"github", "matrix", "needs"}
    assert expression.functions == {"tojson", "always"}
    assert expression.paths == (
        ("github", "event", "title"),
        ("matrix",),
        ("needs",),
        ("matrix", "x"),
        ("github",),
    )
    assert expression.uses_status_function
    assert not compile_expression("'always()'").uses_status_function


def test_the_same_text_is_compiled_once() -> None:
    functions = {"always": (0, 0)}
    first = compile_expression("github.ref", contexts=frozenset(("github",)), functions=functions)
    assert (
        compile_expression("github.ref", contexts=frozenset(("github",)), functions=dict(functions)) is first
    )
    assert compile_expression("github.ref") is not first


def test_an_evaluation_creates_no_more_than_its_scope_allows() -> None:
    expression = compile_expression("format('{0}{0}{0}{0}', format('{0}{0}{0}{0}', text))")
    text = "x" * 60_000
    with pytest.raises(ExpressionError, match="1024 KiB"):
        expression.evaluate(Scope({"text": text}))
    value = expression.evaluate(Scope({"text": text}, memory_bytes=TEMPLATE_MEMORY_BYTES))
    assert value == text * 16
    short = compile_expression(
        "contains(format('{0}{0}', text), 'y') || contains(format('{0}{0}', text), 'z')"
    )
    assert short.evaluate(Scope({"text": "x" * 100_000}, memory_bytes=600_000)) is False


def test_many_joined_items_stop_at_the_limit() -> None:
    with pytest.raises(ExpressionError, match="KiB"):
        _value("join(items, between)", items=[1.0] * 1000, between="x" * 1000)
    with pytest.raises(ExpressionError, match="KiB"):
        _value("items.*", items=[1.0] * 200_000)


LEAVES = st.sampled_from(
    [
        "true",
        "null",
        "1",
        "-1.5",
        "NaN",
        "''",
        "'a'",
        "'{0}'",
        "'[1]'",
        "github",
        "github.event.commits",
        "other",
    ]
)


def _trees(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operator = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "&&", "||"])
    return (
        st.tuples(inner, operator, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | inner.map(lambda t: f"!({t})")
        | st.tuples(inner, inner).map(lambda t: f"({t[0]})[{t[1]}]")
        | inner.map(lambda t: f"({t}).*.id")
        | st.tuples(
            st.sampled_from(["contains", "startsWith", "endsWith", "join", "format"]), inner, inner
        ).map(lambda t: f"{t[0]}({t[1]}, {t[2]})")
        | st.tuples(st.sampled_from(["toJSON", "fromJSON"]), inner).map(lambda t: f"{t[0]}({t[1]})")
        | st.tuples(inner, inner, inner).map(lambda t: f"case({t[0]}, {t[1]}, {t[2]})")
    )


@given(st.recursive(LEAVES, _trees, max_leaves=12), st.text(max_size=5) | st.integers() | st.none())
def test_every_tree_has_a_value_or_an_expression_error(text: str, other: Value) -> None:
    try:
        value = _value(text, other=other)
    except ExpressionError:
        return
    again = _value(f"{text} && {text} || {text}", other=other)
    assert to_json_text(again) == to_json_text(value)
