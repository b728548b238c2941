"""What is wrong, where, and what to do: one row per mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.limits import MAX_LENGTH
from skep.pipeline.expressions.scope import Scope

CONTEXTS = frozenset(("github", "needs", "matrix"))

MISTAKES = [
    # text, what is meant, kind, part of the message, part of the hint
    ('github.ref == "main"', '"main"', "lex", "unexpected", "single quotes"),
    ("github.ref == 'main", "'main", "lex", "unexpected", "not closed"),
    ("github.ref = 'main'", "=", "lex", "unexpected", "`==`"),
    ("true & false", "&", "lex", "unexpected", "`&&`"),
    ("1 + 2", "+", "lex", "unexpected", "arithmetic"),
    ("github.run_number*2", "run_number*2", "lex", "unexpected", "arithmetic"),
    ("${{ github.ref }}", "${{", "lex", "unexpected", "stand alone"),
    ("github.b@r", "b@r", "lex", "unexpected", "['key']"),
    ("0x", "0x", "lex", "unexpected", "not a number"),
    ("gihub.ref", "gihub", "parse", "unknown context `gihub`", "did you mean `github`?"),
    ("True", "True", "parse", "unknown context", "did you mean `true`?"),
    ("push == github.ref", "push", "parse", "unknown context", "'push'"),
    ("secrets.TOKEN", "secrets", "parse", "not available here", "`github`, `matrix`, `needs`"),
    ("success && true", "success", "parse", "unknown context", "`success()`"),
    ("toJson", "toJson", "parse", "unknown context", "`toJSON()`"),
    ("contain('a', 'b')", "contain", "parse", "unknown function", "did you mean `contains`?"),
    ("frobnicate()", "frobnicate", "parse", "unknown function", "known: `case`"),
    ("hashFiles('x')", "hashFiles", "parse", "not available here", ""),
    ("contains('a')", "contains", "parse", "takes 2 arguments, not 1", ""),
    ("join()", "join", "parse", "takes 1 to 2 arguments, not 0", ""),
    ("format()", "format", "parse", "at least 1 argument, not 0", ""),
    ("case(true, 1, false, 2)", "case", "parse", "odd number", "default"),
    ("github.ref == ", "", "parse", "ends too early", "a value is missing"),
    ("(true", "", "parse", "ends too early", "`)` is missing"),
    ("github['ref'", "", "parse", "ends too early", "`]` is missing"),
    ("true)", ")", "parse", "unexpected", ""),
    ("(true]", "]", "parse", "unexpected", ""),
    ("true and false", "and", "parse", "unexpected", "`&&`"),
    ("needs.x.1", "1", "parse", "unexpected", "`[1]`"),
    ("'a' 'b'", "'b'", "parse", "unexpected", "operator"),
    ("== 1", "==", "parse", "unexpected", "value is missing"),
    ("join(github.*,)", ")", "parse", "unexpected", ""),
    ("'a'.length", ".", "parse", "unexpected", ""),
    ("*", "*", "parse", "unexpected", "`*`"),
]


@pytest.mark.parametrize(("text", "meant", "kind", "message", "hint"), MISTAKES)
def test_a_mistake_is_named_placed_and_answered(
    text: str, meant: str, kind: str, message: str, hint: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, contexts=CONTEXTS)
    error = caught.value
    assert text[error.position : error.position + error.length] == meant
    assert error.kind == kind
    assert message in str(error)
    assert hint in error.hint
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("text", "meant", "message"),
    [
        ("true && fromJSON('{')", "'{'", "not JSON"),
        ("case('yes', 1, 2)", "'yes'", "true or false"),
        ("format('{1}', 'a')", "format('{1}', 'a')", "no argument"),
        ("format('{0:x}', 'a')", "format('{0:x}', 'a')", "no place"),
        ("format('{256}', 'a')", "format('{256}', 'a')", "no place"),
        ("always()", "always", "cannot be called"),
        ("somewhere.x", "somewhere", "unknown context"),
    ],
)
def test_what_fails_while_evaluating_is_placed_too(text: str, meant: str, message: str) -> None:
    expression = compile_expression(text, functions={"always": (0, 0)})
    with pytest.raises(ExpressionError, match=message) as caught:
        expression.evaluate(Scope())
    assert text[caught.value.position : caught.value.position + caught.value.length] == meant
    assert caught.value.kind == "evaluate"


@pytest.mark.parametrize(
    "bomb",
    [
        "!" * 10_000 + "true",
        "(" * 10_000 + "1" + ")" * 10_000,
        "(" * 20_000,
        "github" + "[0" * 5_000 + "]" * 5_000,
        "github" + ".a" * 5_000,
        "github" + "[*]" * 5_000,
        "toJSON(" * 2_000 + "1" + ")" * 2_000,
        "1" + " == 1" * 3_000,
        "(1 || (1 && (1 == (1 < " * 500,
        "a" * (MAX_LENGTH + 1),
    ],
    ids=lambda bomb: bomb[:12],
)
def test_a_bomb_is_an_error_of_the_expression(bomb: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(bomb)


def test_long_chains_of_one_operator_are_flat() -> None:
    chain = " || ".join(["false"] * 2_000)
    assert compile_expression(chain).evaluate(Scope()) is False
    nested = "1 && (" * 60 + "2" + ")" * 60
    assert compile_expression(nested).evaluate(Scope()) == 2


SIGNS = [
    "[",
    "]",
    "(",
    ")",
    ".",
    ",",
    "*",
    "!",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "'",
    "''",
    "}}",
    " ",
    "\n",
]
WORDS = [
    "github",
    "ref",
    "'a'",
    "1",
    "-1",
    ".5",
    "0x1",
    "true",
    "null",
    "NaN",
    "format",
    "fromJSON",
    "case",
    "é",
]
PIECES = st.sampled_from(SIGNS + WORDS)


def _error_of(text: str) -> ExpressionError | None:
    try:
        compile_expression(text, contexts=CONTEXTS).evaluate(Scope({"github": {"ref": [1, {"a": "x"}]}}))
    except ExpressionError as error:
        return error
    return None


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40))
def test_any_text_compiles_or_is_an_expression_error(text: str) -> None:
    error = _error_of(text)
    if error is not None:
        assert 0 <= error.position <= error.position + error.length <= len(text)
        assert str(error)
