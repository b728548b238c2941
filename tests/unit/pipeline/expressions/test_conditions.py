import pytest

from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.expressions.conditions import add_success, explain_condition
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value

STATUS = {"success": (0, 0), "failure": (0, 0)}


@pytest.mark.parametrize(
    ("condition", "evaluated"),
    [
        ("", "success()"),
        ("  \n", "success()"),
        ("always()", "always()"),
        ("123", "success() && (123)"),
        ("0 || 1", "success() && (0 || 1)"),
        ("123 || failure()", "123 || failure()"),
        ("${{ 0 || 1 }}", "success() && (0 || 1)"),
        ("${{  needs.build.x && SUCCESS() }}", "needs.build.x && SUCCESS()"),
        ("${{ true || 'success()' }}", "success() && (true || 'success()')"),
        ("${{ a }} == 'x'", "success() && (format('{0} == ''x''', a))"),
        ("github[format('{0}', cancelled())]", "github[format('{0}', cancelled())]"),
    ],
)
def test_a_condition_without_a_status_function_gets_success(condition: str, evaluated: str) -> None:
    assert add_success(condition) == evaluated


def test_a_condition_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ExpressionError):
        add_success("a &&")


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (
            "success() && (github.ref == 'main' || github.n > 3)",
            [
                ("success() && (github.ref == 'main' || github.n > 3)", False),
                ("(github.ref == 'main' || github.n > 3)", False),
                ("github.n > 3", False),
                ("github.n", 2),
            ],
        ),
        ("github.off && success()", [("github.off && success()", None), ("github.off", None)]),
        ("!github.n", [("!github.n", False), ("github.n", 2)]),
        ("github.n == github.m", [("github.n == github.m", False), ("github.n", 2), ("github.m", 5)]),
        ("(github.n && 1) && 0", [("(github.n && 1) && 0", 0), ("0", 0)]),
        ("failure()", [("failure()", False)]),
        ("", [("", None)]),
    ],
)
def test_what_decided_is_named_down_to_the_compared_values(text: str, steps: list[tuple[str, Value]]) -> None:
    scope = Scope(
        {"github": {"ref": "dev", "n": 2, "m": 5}}, {"success": lambda _: True, "failure": lambda _: False}
    )
    expression = compile_expression(text, functions=STATUS)
    assert list(explain_condition(expression, scope)) == steps
    assert steps[0][1] == expression.evaluate(scope)
