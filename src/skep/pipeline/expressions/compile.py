"""Text in, compiled expression out; each text is compiled once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from .closures import build_closure
from .frame import Frame, Run
from .names import STATUS_FUNCTIONS, find_names
from .parser import parse_expression
from .scope import Scope
from .syntax import Node
from .values import Value

_CACHED_EXPRESSIONS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled expression: may be evaluated any number of times, by several threads at once."""

    text: str
    contexts: frozenset[str]  # top-level names it reads
    functions: frozenset[str]  # lower-cased names it calls
    paths: tuple[
        tuple[str, ...], ...
    ]  # its literal accesses: ("github", "event", "title"); up to a `*` or computed index
    tree: Node | None = field(repr=False)  # None: the text is blank, the value null
    _run: Run = field(repr=False)

    def evaluate(self, scope: Scope) -> Value:
        """The value within `scope`. Raises ExpressionError, and what the scope's own functions raise."""
        return self._run(Frame(scope))

    @property
    def uses_status_function(self) -> bool:
        """Whether it calls always, success, failure or cancelled: then GitHub adds no `success() &&` to a condition."""
        return not STATUS_FUNCTIONS.isdisjoint(self.functions)


def compile_expression(
    text: str,
    *,
    contexts: frozenset[str] | None = None,
    functions: Mapping[str, tuple[int, int]] | None = None,
) -> Expression:
    """The compiled expression, from a bounded cache where the same was asked for before.

    `contexts` are the names allowed (None: any), `functions` those allowed besides the built-in ones, with their fewest and
    most arguments. Raises ExpressionError for text that cannot be read, unknown names and wrong numbers of arguments.
    """
    extra = () if not functions else tuple((name.lower(), *counts) for name, counts in functions.items())
    return _compile(text, contexts, extra)


@lru_cache(maxsize=_CACHED_EXPRESSIONS)
def _compile(
    text: str, contexts: frozenset[str] | None, functions: tuple[tuple[str, int, int], ...]
) -> Expression:
    tree = parse_expression(text)
    names = find_names(tree, contexts, {name: (fewest, most) for name, fewest, most in functions})
    run = _null if tree is None else build_closure(tree)
    return Expression(text, names.contexts, names.functions, names.paths, tree, run)


def _null(_frame: Frame) -> Value:
    return None
