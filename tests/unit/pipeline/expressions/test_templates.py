import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.templates import Piece, split_template, template_expression


@pytest.mark.parametrize(
    ("text", "pieces", "expression"),
    [
        ("plain }} {{ $", ["plain }} {{ $"], None),
        ("", [], None),
        ("${{ github.ref }}", [("github.ref", 4)], "github.ref"),
        ("${{github.ref}}", [("github.ref", 3)], "github.ref"),
        ("${{\n  a ||\n  b\n}}", [("a ||\n  b", 6)], "a ||\n  b"),
        ("x ${{ a }}", ["x ", ("a", 6)], "format('x {0}', a)"),
        ("${{ a }}${{ b }}", [("a", 4), ("b", 12)], "format('{0}{1}', a, b)"),
        ("it's {${{ a }}}", ["it's {", ("a", 10), "}"], "format('it''s {{{0}}}', a)"),
        ("${{ '}}' }}", [("'}}'", 4)], "'}}'"),
        ("${{ 'it''s }}' }}!", [("'it''s }}'", 4), "!"], "format('{0}!', 'it''s }}')"),
        ("$${{ a }}", ["$", ("a", 5)], "format('${0}', a)"),
    ],
)
def test_a_scalar_is_split_into_text_and_expressions(
    text: str, pieces: list[Piece], expression: str | None
) -> None:
    assert split_template(text) == pieces
    assert template_expression(text) == expression


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("a ${{ b", 2, "not closed"),
        ("${{ 'a }}", 0, "not closed"),
        ("${{ a }} ${{", 9, "not closed"),
        ("x${{  }}", 1, "missing"),
        ("${{}}", 0, "missing"),
    ],
)
def test_an_unclosed_or_empty_expression_is_placed(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        template_expression(text)
    assert caught.value.position == position


@given(st.text(alphabet="ab'{}$ \n0", max_size=20), st.text(alphabet="ab'{}$ \n0", max_size=20))
def test_literal_text_survives_the_way_through_format(before: str, after: str) -> None:
    text = f"{before}${{{{ x }}}}{after}"
    if "${{" in before or "${{" in after or before.endswith("$"):
        return
    expression = template_expression(text)
    assert expression is not None
    assert compile_expression(expression).evaluate(Scope({"x": "-"})) == f"{before}-{after}"


@given(st.lists(st.sampled_from(["${{", "}}", "'", "a", " ", "$", "{", "}"]), max_size=12).map("".join))
def test_every_offset_points_at_its_expression(text: str) -> None:
    try:
        pieces = split_template(text)
    except ExpressionError:
        assert "${{" in text
        return
    for piece in pieces:
        if isinstance(piece, tuple):
            assert text[piece[1] :].startswith(piece[0])
