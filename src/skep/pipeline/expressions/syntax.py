"""The tree of an expression. Every node knows its place in the text and its depth (a leaf is 1)."""

from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

from .values import Value

Comparison: TypeAlias = OneOf["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Literal:
    """null, a boolean, a number or a string as written."""

    start: int
    end: int
    value: Value
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Name:
    """A context, as spelled."""

    start: int
    end: int
    name: str
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Star:
    """The `*` of an access; nothing else holds it."""

    start: int
    end: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Access:
    """`target.key`, `target['key']`, `target[index]` or `target.*`."""

    start: int
    end: int
    target: "Node"
    key: "Node | Star"
    depth: int


@dataclass(frozen=True, slots=True)
class Not:
    """`!operand`."""

    start: int
    end: int
    operand: "Node"
    depth: int


@dataclass(frozen=True, slots=True)
class Compare:
    """`left == right` and its kin."""

    start: int
    end: int
    operator: Comparison
    left: "Node"
    right: "Node"
    depth: int


@dataclass(frozen=True, slots=True)
class Logic:
    """`a && b && c` or `a || b || c`: a chain of one operator is one node, as on GitHub, also across parentheses."""

    start: int
    end: int
    operator: OneOf["&&", "||"]
    operands: tuple["Node", ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`, the name as spelled."""

    start: int
    end: int
    name: str
    arguments: tuple["Node", ...]
    depth: int


Node: TypeAlias = Literal | Name | Access | Not | Compare | Logic | Call


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below; a `*` is none."""
    match node:
        case Access(target=target, key=key):
            return (target,) if isinstance(key, Star) else (target, key)
        case Not(operand=operand):
            return (operand,)
        case Compare(left=left, right=right):
            return (left, right)
        case Logic(operands=operands):
            return operands
        case Call(arguments=arguments):
            return arguments
        case _:
            return ()


def static_path(node: Node) -> tuple[str, ...] | None:
    """The names of `github.event['title']`; None when the node is not made of literal names alone."""
    names: list[str] = []
    while isinstance(node, Access):
        if not (isinstance(node.key, Literal) and isinstance(node.key.value, str)):
            return None
        names.append(node.key.value)
        node = node.target
    if not isinstance(node, Name):
        return None
    return (node.name, *reversed(names))
