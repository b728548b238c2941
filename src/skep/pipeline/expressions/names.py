"""Which contexts and functions a tree uses, and whether it may: unknown names and wrong argument counts are errors before any run.

Source: actions/runner `src/Sdk/Expressions/ExpressionConstants.cs` for the built-in functions.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .errors import ExpressionError
from .limits import MAX_ARGUMENTS
from .syntax import Access, Call, Name, Node, Star, children, static_path

KNOWN_CONTEXTS = frozenset(
    (
        "env",
        "github",
        "inputs",
        "job",
        "jobs",
        "matrix",
        "needs",
        "runner",
        "secrets",
        "steps",
        "strategy",
        "vars",
    )
)
STATUS_FUNCTIONS = frozenset(("always", "success", "failure", "cancelled"))
BUILT_IN_FUNCTIONS: Mapping[str, tuple[int, int]] = {
    "case": (3, MAX_ARGUMENTS),
    "contains": (2, 2),
    "endswith": (2, 2),
    "format": (1, MAX_ARGUMENTS),
    "fromjson": (1, 1),
    "join": (1, 2),
    "startswith": (2, 2),
    "tojson": (1, 1),
}
_SPELLINGS = {
    name.lower(): name
    for name in (
        "endsWith",
        "fromJSON",
        "startsWith",
        "toJSON",
        "hashFiles",
        "case",
        "contains",
        "format",
        "join",
    )
}
_LITERALS = ("null", "true", "false", "NaN", "Infinity")


@dataclass(frozen=True, slots=True)
class Names:
    """What a tree uses: contexts (as the allowed set spells them), functions in lower case, static paths in order."""

    contexts: frozenset[str]
    functions: frozenset[str]
    paths: tuple[tuple[str, ...], ...]


def find_names(
    tree: Node | None, contexts: frozenset[str] | None, functions: Mapping[str, tuple[int, int]]
) -> Names:
    """What the tree uses. Raises ExpressionError for what is not in `contexts` (None: all are) or the functions."""
    spellings = None if contexts is None else {name.lower(): name for name in contexts}
    found_contexts: set[str] = set()
    found_functions: set[str] = set()
    paths: dict[tuple[str, ...], None] = {}
    for node in _walk(tree):
        if isinstance(node, Call):
            _check_call(node, functions)
            found_functions.add(node.name.lower())
        elif isinstance(node, Name):
            found_contexts.add(_spelling(node, spellings))
    for path in _paths(tree):
        paths[path] = None
    return Names(frozenset(found_contexts), frozenset(found_functions), tuple(paths))


def _walk(tree: Node | None) -> Iterator[Node]:
    """All nodes, in the order of the text."""
    stack = [] if tree is None else [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def _paths(tree: Node | None) -> Iterator[tuple[str, ...]]:
    """The longest literal prefix of each access; `matrix.*.x` gives ("matrix",)."""
    stack = [] if tree is None else [tree]
    while stack:
        node = stack.pop()
        path = static_path(node)
        if path is not None:
            yield (path[0].lower() if path[0].lower() in KNOWN_CONTEXTS else path[0], *path[1:])
        elif not (isinstance(node, Access) and isinstance(node.key, Star)):
            stack.extend(reversed(children(node)))
        else:
            stack.append(node.target)


def _spelling(node: Name, spellings: Mapping[str, str] | None) -> str:
    lowered = node.name.lower()
    if spellings is None:
        return lowered if lowered in KNOWN_CONTEXTS else node.name
    if lowered in spellings:
        return spellings[lowered]
    if lowered in KNOWN_CONTEXTS:
        message = f"the context `{lowered}` is not available here"
        hint = f"available: {_listed(spellings.values())}" if spellings else "no context is available here"
    else:
        message = f"unknown context `{node.name}`"
        hint = _name_hint(node.name, spellings)
    raise ExpressionError(message, kind="parse", position=node.start, length=len(node.name), hint=hint)


def _name_hint(name: str, spellings: Mapping[str, str]) -> str:
    lowered = name.lower()
    if lowered in BUILT_IN_FUNCTIONS or lowered in STATUS_FUNCTIONS or lowered == "hashfiles":
        return f"a function is called with parentheses: `{_SPELLINGS.get(lowered, lowered)}()`"
    words = {**{word.lower(): word for word in _LITERALS}, **spellings}
    close = difflib.get_close_matches(lowered, words, n=1)
    if close:
        return f"did you mean `{words[close[0]]}`?"
    return f"text needs single quotes: '{name}'"


def _check_call(node: Call, functions: Mapping[str, tuple[int, int]]) -> None:
    lowered = node.name.lower()
    counts = functions.get(lowered) or BUILT_IN_FUNCTIONS.get(lowered)
    if counts is None:
        raise _unknown_function(node, functions)
    fewest, most = counts
    given = len(node.arguments)
    if not fewest <= given <= most:
        raise _call_error(node, f"`{node.name}` takes {_count_text(fewest, most)}, not {given}")
    if lowered == "case" and given % 2 == 0:
        raise _call_error(
            node,
            f"`case` takes an odd number of arguments, not {given}",
            "case(condition, value, condition, value, ..., default)",
        )


def _unknown_function(node: Call, functions: Mapping[str, tuple[int, int]]) -> ExpressionError:
    lowered = node.name.lower()
    if lowered in STATUS_FUNCTIONS or lowered == "hashfiles":
        return _call_error(node, f"the function `{_SPELLINGS.get(lowered, lowered)}` is not available here")
    names = [*BUILT_IN_FUNCTIONS, *(name.lower() for name in functions)]
    close = difflib.get_close_matches(lowered, names, n=1)
    known = [_SPELLINGS.get(name, name) for name in names]
    hint = f"did you mean `{_SPELLINGS.get(close[0], close[0])}`?" if close else f"known: {_listed(known)}"
    return _call_error(node, f"unknown function `{node.name}`", hint)


def _call_error(node: Call, message: str, hint: str = "") -> ExpressionError:
    return ExpressionError(message, kind="parse", position=node.start, length=len(node.name), hint=hint)


def _count_text(fewest: int, most: int) -> str:
    if most >= MAX_ARGUMENTS:
        return f"at least {fewest} argument{'s' if fewest != 1 else ''}"
    if fewest == most:
        return "no arguments" if most == 0 else f"{most} argument{'s' if most != 1 else ''}"
    return f"{fewest} to {most} arguments"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
