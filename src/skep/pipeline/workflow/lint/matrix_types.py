"""The `strategy` of a job in, the type of its `matrix` context out."""

from __future__ import annotations

from collections.abc import Iterator

from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode, Template

from .expression_types import (
    ANY,
    STRING,
    Array,
    Object,
    Text,
    Type,
    joined,
    joined_all,
    object_of,
    one_of,
    type_of_value,
)

_EMPTY = one_of("")
_NO_MATRIX = "this job has no `strategy.matrix`"


def matrix_type(strategy: Node | None) -> Type:
    """The type of `matrix`: a strict object of the vectors and what `include` adds; `ANY` where it is computed."""
    if isinstance(strategy, Template):
        return ANY
    matrix = strategy.get("matrix") if isinstance(strategy, MappingNode) else None
    if matrix is None:
        return Object(noun="value", why_none=_NO_MATRIX)
    if not isinstance(matrix, MappingNode):
        return ANY
    types: dict[str, Type] = {}
    for name, type_ in _entries(matrix):
        if type_ is None:
            return ANY
        types[name] = joined(types[name], type_) if name in types else type_
    if matrix.get("include") is not None:  # a row it adds may lack any name: null, which equals an empty text
        types = {
            name: joined(type_, _EMPTY) if isinstance(type_, Text) else type_ for name, type_ in types.items()
        }
    return object_of(types, noun="value")


def _entries(matrix: MappingNode) -> Iterator[tuple[str, Type | None]]:
    """Each value a name may have; a type of None says that names are computed."""
    for key, value in matrix.entries:
        if isinstance(key, Template):
            yield "", None
        elif key.text == "include":
            yield from _included(value)
        elif key.text != "exclude":
            yield key.text.lower(), _vector(value)


def _vector(node: Node) -> Type:
    if not isinstance(node, SequenceNode):
        return ANY
    return joined_all(type_of_node(item) for item in node.items)


def _included(node: Node) -> Iterator[tuple[str, Type | None]]:
    if not isinstance(node, SequenceNode):
        yield "", None
        return
    for row in node.items:
        if not isinstance(row, MappingNode):
            yield "", None
            return
        for key, value in row.entries:
            yield (key.text.lower(), type_of_node(value)) if isinstance(key, Scalar) else ("", None)


def type_of_node(node: Node) -> Type:
    """The type of a YAML value; `ANY` for a computed one."""
    if isinstance(node, Scalar):
        return type_of_value(node.value)
    if isinstance(node, Template):
        whole = node.raw.startswith("${{") and node.raw.endswith("}}") and node.raw.count("${{") == 1
        return ANY if whole else STRING
    if isinstance(node, SequenceNode):
        return Array(joined_all(type_of_node(item) for item in node.items))
    if any(isinstance(key, Template) for key, _ in node.entries):
        return ANY
    return object_of({key.text: type_of_node(value) for key, value in node.entries})
