"""Nodes and a scope in, values out: what a key holds once its contexts exist.

Source of the rules on kinds: actions/runner `TemplateEvaluator.cs` - where a string is wanted, null, booleans and numbers
become one; where a boolean or number is wanted, nothing else will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from skep.model.errors import UserError
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, kind_of, to_text

from .nodes import MappingNode, Node, Scalar, SequenceNode, Template

_SHOWN = 60


def evaluate_node(node: Node, scope: Scope) -> Value:
    """The value of a node: literals as they are, templates evaluated, sequences as lists, mappings as dicts in file order.

    The entries of an object behind `${{ insert }}` take the key's place. Raises ExpressionError with `where` set when an
    expression fails, UserError when a key or an inserted value has the wrong kind.
    """
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Template):
        return _evaluated(node, scope)
    if isinstance(node, SequenceNode):
        return [evaluate_node(item, scope) for item in node.items]
    return _mapping(node, scope)


def evaluate_text(node: Node, scope: Scope) -> str:
    """The value as a string. Raises UserError with `where` for a list or mapping, and what evaluate_node raises."""
    value = evaluate_node(node, scope)
    if kind_of(value) in {"Array", "Object"}:
        _wrong(node, value, "a string")
    return to_text(value)


def evaluate_bool(node: Node, scope: Scope) -> bool:
    """The value, which must be a boolean. Raises UserError with `where` otherwise, and what evaluate_node raises."""
    value = evaluate_node(node, scope)
    if not isinstance(value, bool):
        _wrong(node, value, "`true` or `false`")
    return value


def evaluate_number(node: Node, scope: Scope) -> float:
    """The value, which must be a number. Raises UserError with `where` otherwise, and what evaluate_node raises."""
    value = evaluate_node(node, scope)
    if isinstance(value, bool) or not isinstance(value, int | float):
        _wrong(node, value, "a number")
    return float(value)


def _evaluated(node: Template, scope: Scope) -> Value:
    try:
        return node.expression.evaluate(scope)
    except ExpressionError as error:
        if error.where is None:
            error.where = node.span
        raise


def _mapping(node: MappingNode, scope: Scope) -> dict[str, Value]:
    result: dict[str, Value] = {}
    for key, item in node.entries:
        value = evaluate_node(item, scope)
        if not (isinstance(key, Template) and key.insert):
            result[evaluate_text(key, scope)] = value
        elif isinstance(value, Mapping):
            result.update(value)
        else:
            _wrong(item, value, "a mapping to insert")
    return result


def _wrong(node: Node, value: Value, wanted: str) -> NoReturn:
    kind = kind_of(value)
    shown = {"Array": "a list", "Object": "a mapping", "Null": "nothing"}.get(kind, "")
    if not shown:
        text = to_text(value)
        shown = f"`{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}`"
    hint = ""
    if kind == "String" and wanted in {"a number", "`true` or `false`"}:
        hint = "an input or output is a string; `fromJSON(...)` makes a number or boolean of it"
    raise UserError(f"expected {wanted}, got {shown}", hint=hint, where=node.span)
