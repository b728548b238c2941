"""A literal `strategy.matrix` in, its vectors and rows out; what holds expressions is left open."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from skep.pipeline.expressions.values import Value, loosely_equal
from skep.pipeline.workflow.job_parts import has_template
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode, Template
from skep.pipeline.workflow.tree import Job

_MOST_ROWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The matrix of a job, as far as it is written."""

    node: MappingNode
    vectors: Mapping[str, Node]  # key in lower case -> its values
    keys: Mapping[str, Scalar]  # key in lower case -> where it is first written, those of `include` too
    includes: tuple[MappingNode, ...]
    excludes: tuple[MappingNode, ...]
    open: bool  # `include`, `exclude` or the keys themselves hold expressions

    @property
    def is_literal(self) -> bool:
        """Whether all rows are written."""
        return not has_template(self.node)

    def rows(self) -> Iterator[Mapping[str, Node]]:
        """The combinations of the vectors, nothing excluded; none when a vector is an expression or they are too many."""
        lists = {
            name: tuple(node.items) for name, node in self.vectors.items() if isinstance(node, SequenceNode)
        }
        if len(lists) < len(self.vectors) or not lists:
            return
        size = math.prod(map(len, lists.values()))
        for index in range(size if size <= _MOST_ROWS else 0):
            row, rest = {}, index
            for name, values in reversed(lists.items()):
                rest, place = divmod(rest, len(values))
                row[name] = values[place]
            yield row

    @property
    def leg_count(self) -> int | None:
        """How many legs there are, None when that is not certain."""
        if not self.is_literal:
            return None
        rows = [row for row in self.rows() if not any(matches(entry, row) for entry in self.excludes)]
        extra = [
            entry for entry in self.includes if not any(matches(entry, row, partly=True) for row in rows)
        ]
        return len(rows) + len(extra)


def matrix_of(job: Job) -> Matrix | None:
    """The matrix of a job; None when there is none, or all of it is an expression."""
    node = job.strategy.get("matrix") if isinstance(job.strategy, MappingNode) else None
    if not isinstance(node, MappingNode):
        return None
    vectors: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    is_open = False
    for key, value in node.entries:
        if isinstance(key, Template):
            is_open = True
        elif key.text not in ("include", "exclude"):
            vectors[key.text.lower()] = value
            keys.setdefault(key.text.lower(), key)
    includes, excludes = (_entries(node.get(name)) for name in ("include", "exclude"))
    for entry in includes or ():
        keys |= {
            key.text.lower(): key
            for key, _ in entry.entries
            if isinstance(key, Scalar) and key.text.lower() not in keys
        }
    return Matrix(
        node=node,
        vectors=vectors,
        keys=keys,
        includes=includes or (),
        excludes=excludes or (),
        open=is_open or includes is None or excludes is None,
    )


def _entries(node: Node | None) -> tuple[MappingNode, ...] | None:
    """The rows of `include` or `exclude`; None when some are expressions."""
    if node is None:
        return ()
    if not isinstance(node, SequenceNode):
        return None
    rows = tuple(item for item in node.items if isinstance(item, MappingNode))
    return rows if len(rows) == len(node.items) else None


def matches(entry: MappingNode, row: Mapping[str, Node], *, partly: bool = False) -> bool:
    """Whether a row of `exclude` fits a combination; `partly`: as one of `include` does, by the keys of vectors alone.

    Where an expression stands, it may fit, which counts as a match.
    """
    for key, value in entry.entries:
        name = key.text.lower()
        if isinstance(key, Template) or (partly and name not in row):
            continue
        if not may_equal(value, row.get(name)):
            return False
    return True


def may_equal(wanted: Node, actual: Node | None) -> bool:
    """Whether every leaf of what is wanted may loosely equal the value at the same place."""
    if isinstance(actual, Template) or isinstance(wanted, Template):
        return True
    if isinstance(wanted, MappingNode):
        return all(may_equal(value, _member(actual, key.text)) for key, value in wanted.entries)
    if isinstance(wanted, SequenceNode):
        items: Sequence[Node] = actual.items if isinstance(actual, SequenceNode) else ()
        return all(
            may_equal(value, items[at] if at < len(items) else None) for at, value in enumerate(wanted.items)
        )
    value: Value = actual.value if isinstance(actual, Scalar) else None
    return not isinstance(actual, MappingNode | SequenceNode) and loosely_equal(value, wanted.value)


def _member(node: Node | None, key: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.entries if name.text.lower() == key.lower()), None)
