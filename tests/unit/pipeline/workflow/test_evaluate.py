"""Nodes become values when their contexts exist."""

from __future__ import annotations

import pytest

from skep.model.errors import UserError
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
from skep.pipeline.workflow.evaluate import evaluate_bool, evaluate_node, evaluate_number, evaluate_text
from skep.pipeline.workflow.nodes import Node
from skep.pipeline.workflow.reader import read_workflow

SCOPE = Scope(
    contexts={
        "github": {"ref": "main", "number": 5.0, "flag": True, "list": ["a", "b"], "nothing": None},
        "matrix": {"more": {"B": "2", "c": "3"}},
        "needs": {},
    }
)


def env(text: str) -> Node:
    """The node of a step's `env`."""
    written = f"on: push\njobs: {{a: {{runs-on: x, steps: [{{run: y, env: {text}}}]}}}}\n"
    workflow, findings = read_workflow(written, "x.yml")
    assert workflow is not None, findings
    node = workflow.jobs[0].steps[0].env
    assert node is not None
    return node


def value_of(text: str) -> Node:
    """The node of one value in an `env`."""
    from skep.pipeline.workflow.nodes import MappingNode

    node = env(f"{{A: {text}}}")
    assert isinstance(node, MappingNode)
    return node.entries[0][1]


def test_a_mapping_becomes_a_dict_in_file_order() -> None:
    node = env("{b: '${{ github.ref }}', a: plain, '${{ github.ref }}': x}")
    assert list(evaluate_node(node, SCOPE).items()) == [("b", "main"), ("a", "plain"), ("main", "x")]  # type: ignore[union-attr]


def test_a_whole_mapping_may_be_an_expression() -> None:
    assert evaluate_node(env("'${{ matrix.more }}'"), SCOPE) == {"B": "2", "c": "3"}


def test_inserted_entries_take_the_place_of_their_key() -> None:
    node = env("{A: 1, '${{ insert }}': '${{ matrix.more }}', c: last}")
    assert evaluate_node(node, SCOPE) == {"A": "1", "B": "2", "c": "last"}


def test_only_a_mapping_can_be_inserted() -> None:
    with pytest.raises(UserError, match="a mapping to insert") as caught:
        evaluate_node(env("{'${{ insert }}': '${{ github.ref }}'}"), SCOPE)
    assert caught.value.where is not None
    assert caught.value.where.line == 2


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("'${{ github.ref }}'", "main"),
        ("'on ${{ github.ref }} ${{ github.number }}'", "on main 5"),
        ("'${{ github.flag }}'", "true"),
        ("'${{ github.nothing }}'", ""),
        ("1.50", "1.5"),
        ("True", "true"),
        ("~", ""),
        ("0x10", "16"),
    ],
)
def test_text_is_made_of_any_scalar(written: str, text: str) -> None:
    assert evaluate_text(value_of(written), SCOPE) == text


def test_text_is_not_made_of_a_list() -> None:
    with pytest.raises(UserError, match="expected a string, got a list"):
        evaluate_text(value_of("'${{ github.list }}'"), SCOPE)


@pytest.mark.parametrize(
    ("name", "value"), [("ref", "`main`"), ("number", "`5`"), ("nothing", "nothing"), ("list", "a list")]
)
def test_only_a_boolean_is_a_boolean(name: str, value: str) -> None:
    with pytest.raises(UserError, match=value) as caught:
        evaluate_bool(value_of(f"'${{{{ github.{name} }}}}'"), SCOPE)
    assert caught.value.where is not None


def test_booleans_and_numbers_come_through() -> None:
    assert evaluate_bool(value_of("'${{ github.flag }}'"), SCOPE) is True
    assert evaluate_number(value_of("'${{ github.number }}'"), SCOPE) == 5.0


@pytest.mark.parametrize("name", ["ref", "flag", "nothing"])
def test_only_a_number_is_a_number(name: str) -> None:
    with pytest.raises(UserError, match="expected a number"):
        evaluate_number(value_of(f"'${{{{ github.{name} }}}}'"), SCOPE)


def test_a_failing_expression_says_where_it_stands() -> None:
    def fails(_: object) -> Value:
        raise ExpressionError("no files", kind="evaluate")

    scope = Scope(contexts=SCOPE.contexts, functions={"hashfiles": fails})
    with pytest.raises(ExpressionError) as caught:
        evaluate_node(value_of("\"${{ hashFiles('x') }}\""), scope)
    assert str(caught.value.where) == "x.yml:2:50"
