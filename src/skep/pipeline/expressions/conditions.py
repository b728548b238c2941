"""Conditions (`if:`): GitHub's implied `success()`, and what decided one."""

from .closures import build_closure
from .compile import Expression
from .frame import Frame
from .limits import Memory
from .names import STATUS_FUNCTIONS
from .numbers import WHITESPACE
from .parser import parse_expression
from .scope import Scope
from .syntax import Call, Compare, Literal, Logic, Node, Not, children
from .templates import template_expression
from .values import Value, is_truthy

SUCCESS = "success()"


def add_success(condition: str) -> str:
    """The condition GitHub evaluates: `success() && (...)` unless it calls a status function; `success()` for a blank one.

    `${{ }}` around or within the text is understood. Raises ExpressionError for text that cannot be read.
    """
    expression = template_expression(condition.strip(WHITESPACE))
    if expression is None:
        expression = condition.strip(WHITESPACE)
    tree = parse_expression(expression)
    if tree is None:
        return SUCCESS
    return expression if _calls_status(tree) else f"{SUCCESS} && ({expression})"


def explain_condition(expression: Expression, scope: Scope) -> tuple[tuple[str, Value], ...]:
    """What decided: the whole and its value, then the deciding operand of each `&&` or `||`, down to what a comparison compared.

    `a && b.c == 1` with a true gives the whole, `b.c == 1`, and `b.c`. Raises what evaluation raises.
    """
    if expression.tree is None:
        return ((expression.text, None),)
    frame = Frame(scope)
    steps: list[tuple[str, Value]] = []
    nodes: tuple[Node, ...] = (expression.tree,)
    while nodes:
        frame.memory = Memory(
            scope.memory_bytes
        )  # each step is an evaluation of its own, with the same contexts
        values = [build_closure(node)(frame) for node in nodes]
        steps.extend((_text(expression, node), value) for node, value in zip(nodes, values, strict=True))
        nodes = _deciders(nodes[0], frame) if len(nodes) == 1 else ()
    return tuple(steps)


def _deciders(node: Node, frame: Frame) -> tuple[Node, ...]:
    match node:
        case Logic(operator=operator, operands=operands):
            for operand in operands[:-1]:
                if is_truthy(build_closure(operand)(frame)) is (operator == "||"):
                    return (operand,)
            return operands[-1:]
        case Not(operand=operand):
            return () if isinstance(operand, Literal) else (operand,)
        case Compare():
            return tuple(side for side in (node.left, node.right) if not isinstance(side, Literal))
        case _:
            return ()


def _text(expression: Expression, node: Node) -> str:
    return expression.text[node.start : node.end]


def _calls_status(tree: Node) -> bool:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Call) and node.name.lower() in STATUS_FUNCTIONS:
            return True
        stack.extend(children(node))
    return False
