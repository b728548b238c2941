"""The types of two sides in, what a comparison of them decides before any run out.

Whatever has a type may also be absent, which is null: it equals null, false, 0 and an empty text. So nothing is said of
comparisons with those.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from skep.model.finding import Severity
from skep.pipeline.expressions.syntax import Compare, Literal, Node
from skep.pipeline.expressions.values import to_number, to_text
from skep.pipeline.workflow.report import did_you_mean, quoted

from .call_types import Note
from .expression_types import ANY, BOOLEAN, NUMBER, Object, Text, Type, is_collection

COMPARISON = "comparison-type"
IMPOSSIBLE = "impossible-value"
_EQUALITY = ("==", "!=")


def check_comparison(
    node: Compare, left: Type, right: Type, shown: Callable[[Node], str], note: Note
) -> None:
    """Notes a comparison that is always true or always false, and one of a text with a boolean."""
    if ANY in (left, right):
        return
    for one, other, side, opposite in (
        (left, right, node.left, node.right),
        (right, left, node.right, node.left),
    ):
        if is_collection(one) and isinstance(opposite, Literal):
            _with_collection(node, shown(side), one, opposite, note)
        elif isinstance(one, Text) and isinstance(other, Text):
            if isinstance(opposite, Literal) and not isinstance(side, Literal):
                _with_text(node, shown(side), one, opposite, note)
        elif one in (BOOLEAN, NUMBER) and isinstance(other, Text):
            _with_kind(node, one, other, note)


def _with_collection(node: Compare, side: str, type_: Type, literal: Literal, note: Note) -> None:
    number = to_number(literal.value)
    if math.isnan(number) or (node.operator in _EQUALITY and number):
        note(
            COMPARISON,
            node,
            f"{side} is {type_}, so this is always {_always(node)}",
            hint="compare a property of it" if isinstance(type_, Object) else "use `contains(array, item)`",
        )


def _with_text(node: Compare, side: str, type_: Text, literal: Literal, note: Note) -> None:
    """A text that is never the other, such as a job's result and `failed`."""
    wanted = to_text(literal.value)
    if node.operator not in _EQUALITY or type_.values is None or to_number(wanted) == 0:
        return
    if wanted.upper() not in {text.upper() for text in type_.values}:
        note(
            IMPOSSIBLE,
            node,
            f"{side} is never {quoted(_spelled(wanted))}, so this is always {_always(node)}",
            hint=did_you_mean(wanted, (value for value in type_.values if value)),
        )


def _with_kind(node: Compare, type_: Type, other: Text, note: Note) -> None:
    """A boolean or number with a text: both become numbers, and most texts become none."""
    if other.values is not None:
        if all(math.isnan(to_number(value)) for value in other.values):
            note(
                COMPARISON,
                node,
                f"this compares {type_} with a string that is no number: it is always {_always(node)}",
                hint="compare with `true` or `false`, without quotes" if type_ is BOOLEAN else "",
            )
    elif type_ is BOOLEAN and node.operator in _EQUALITY:
        note(
            COMPARISON,
            node,
            "this compares a string with a boolean: the text `true` does not equal `true`, nor `false` `false`",
            hint="compare with the text: `== 'true'`",
            severity=Severity.WARNING,
        )


def _spelled(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _always(node: Compare) -> str:
    return "true" if node.operator == "!=" else "false"
