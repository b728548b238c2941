"""One evaluation under way: its scope, what lazy contexts gave, and what it has created so far."""

from collections.abc import Callable
from typing import TypeAlias

from .casing import find_key
from .errors import ExpressionError
from .limits import Memory
from .names import KNOWN_CONTEXTS
from .scope import LazyValue, Scope, ScopeFunction
from .syntax import Call, Name
from .values import Value


class Frame:
    """Lives as long as one evaluation; each lazy context is called at most once in it."""

    __slots__ = ("_scope", "_seen", "memory")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._seen: dict[str, Value] = {}
        self.memory = Memory(scope.memory_bytes)

    def context(self, node: Name) -> Value:
        """The context's value; one of GitHub's that is not in the scope is null. Raises ExpressionError for others."""
        name = node.name
        lowered = name.lower()
        if lowered in self._seen:
            return self._seen[lowered]
        missing: Value | LazyValue = None
        found = find_key(self._scope.contexts, name, missing)
        if found is None and not self._is_known(name):
            raise ExpressionError(
                f"unknown context `{name}`",
                kind="evaluate",
                position=node.start,
                length=len(name),
                hint=f"text needs single quotes: '{name}'",
            )
        value = found() if callable(found) else found
        self._seen[lowered] = value
        return value

    def call(self, node: Call, arguments: list[Value]) -> Value:
        """What a function of the scope gives. Raises ExpressionError when the scope has none of that name."""
        absent: ScopeFunction | None = None
        function = find_key(self._scope.functions, node.name, absent)
        if function is None:
            raise ExpressionError(
                f"the function `{node.name}` cannot be called here",
                kind="evaluate",
                position=node.start,
                length=len(node.name),
            )
        return function(arguments)

    def _is_known(self, name: str) -> bool:
        lowered = name.lower()
        return lowered in KNOWN_CONTEXTS or any(lowered == given.lower() for given in self._scope.contexts)


Run: TypeAlias = Callable[[Frame], Value]
"""A compiled sub-expression."""
