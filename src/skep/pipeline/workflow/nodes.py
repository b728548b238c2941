"""A YAML value with its place: what every part of a workflow is made of until it is evaluated.

Spans are kept to the last moment, so that an error at run time still points into the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skep.model.finding import Location
from skep.pipeline.expressions.compile import Expression
from skep.pipeline.expressions.values import to_text


@dataclass(frozen=True, slots=True)
class Scalar:
    """A literal: its value after the YAML 1.2 core schema, and the text as written."""

    value: str | float | int | bool | None
    span: Location
    raw: str = ""

    @property
    def text(self) -> str:
        """The value as GitHub turns it into a string: `true`, `1.5`, '' for null, `16` for 0x10."""
        return self.value if isinstance(self.value, str) else to_text(self.value)


@dataclass(frozen=True, slots=True)
class Template:
    """A scalar with `${{ }}` in it, as one expression; mixed text has become `format('...', ...)`."""

    expression: Expression
    span: Location
    raw: str = ""  # the scalar as written
    insert: bool = False  # `${{ insert }}` as a key: the entries of its value take its place

    @property
    def text(self) -> str:
        """The scalar as written, braces included."""
        return self.raw


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A YAML sequence."""

    items: tuple[Node, ...]
    span: Location

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A YAML mapping in file order. Keys are scalars, or templates where GitHub allows that (`${{ insert }}`)."""

    entries: tuple[tuple[Scalar | Template, Node], ...]
    span: Location

    def get(self, key: str) -> Node | None:
        """The value of a literal key, compared exactly; None when absent."""
        for name, node in self.entries:
            if name.__class__ is Scalar and name.value == key:
                return node
        return None

    def __iter__(self) -> Iterator[tuple[str, Node]]:
        return iter([(name.text, node) for name, node in self.entries])


Node = Scalar | Template | SequenceNode | MappingNode
