"""Evaluates one workflow expression with contexts from files and from the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from skep.cli.log_text import plain_lines
from skep.cli.project import find_root
from skep.host.glob import hash_files_call
from skep.model.errors import UserError
from skep.pipeline.expressions.compile import Expression, compile_expression
from skep.pipeline.expressions.conditions import explain_condition
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.json_values import JsonError, read_json
from skep.pipeline.expressions.limits import MAX_ARGUMENTS
from skep.pipeline.expressions.names import KNOWN_CONTEXTS
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.templates import split_template, template_expression
from skep.pipeline.expressions.values import (
    CaseSensitive,
    Value,
    is_primitive,
    kind_of,
    to_json_text,
    to_text,
)

_FUNCTIONS = {
    "always": (0, 0),
    "success": (0, MAX_ARGUMENTS),
    "failure": (0, MAX_ARGUMENTS),
    "cancelled": (0, 0),
    "hashfiles": (1, MAX_ARGUMENTS),
}
_EXCERPT_WIDTH = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("expression", metavar="EXPR", help="the expression; `${{ }}` around it is fine")
    parser.add_argument(
        "--context",
        action="append",
        default=[],
        metavar="FILE",
        help='a JSON file with contexts: {"github": {"ref": ...}, ...}; may be repeated',
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="NAME=TEXT",
        help="one value: `github.ref=refs/heads/main`, or as JSON: `matrix.os:=[1,2]`; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print expression, kind and value as JSON")
    parser.add_argument("--explain", action="store_true", help="show which parts decided")


def run(args: argparse.Namespace) -> int:
    """Prints the value. In a fresh job: `success()` is true, `failure()` and `cancelled()` are false."""
    contexts = _read_contexts(args.context, args.assignments)
    scope = Scope(
        contexts,
        {
            "always": lambda _: True,
            "success": lambda _: True,
            "failure": lambda _: False,
            "cancelled": lambda _: False,
            "hashfiles": _hash_files,
        },
    )
    expression = _compile(args.expression, frozenset(contexts) | KNOWN_CONTEXTS)
    try:
        value = expression.evaluate(scope)
        steps = explain_condition(expression, scope) if args.explain else ()
    except ExpressionError as error:
        raise _with_excerpt(error, expression.text) from error
    lines = _json_lines(expression, value, steps) if args.json else _text_lines(value, steps)
    _print("\n".join(lines))
    return 0


def _compile(text: str, contexts: frozenset[str]) -> Expression:
    try:
        template = template_expression(text)
        if template is not None:
            _check_pieces(text, contexts)
        return compile_expression(
            text if template is None else template, contexts=contexts, functions=_FUNCTIONS
        )
    except ExpressionError as error:
        raise _with_excerpt(error, text) from error


def _check_pieces(text: str, contexts: frozenset[str]) -> None:
    """Places errors in the text as typed, not in what it is turned into."""
    for piece in split_template(text):
        if isinstance(piece, str):
            continue
        try:
            compile_expression(piece[0], contexts=contexts, functions=_FUNCTIONS)
        except ExpressionError as error:
            error.position += piece[1]
            raise


def _with_excerpt(error: ExpressionError, text: str) -> UserError:
    """The error with the line it is in, and carets below what is meant."""
    position = min(error.position, len(text))
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].partition("\n")[0]
    column = position - start
    if column > _EXCERPT_WIDTH // 2:
        cut = column - _EXCERPT_WIDTH // 2
        line, column = "…" + line[cut + 1 :], column - cut
    line = line.expandtabs(1)[:_EXCERPT_WIDTH]
    carets = "^" * max(1, min(error.length, len(line) - column))
    return UserError(f"{error}\n\n  {line}\n  {' ' * column}{carets}", hint=error.hint)


def _text_lines(value: Value, steps: Sequence[tuple[str, Value]]) -> list[str]:
    lines = [to_text(value) if is_primitive(value) else to_json_text(value)]
    lines += [f"  {' '.join(text.split())}  ->  {_short(step)}" for text, step in steps]
    return lines


def _json_lines(expression: Expression, value: Value, steps: Sequence[tuple[str, Value]]) -> list[str]:
    shown: dict[str, Value] = {
        "expression": expression.text,
        "kind": kind_of(value),
        "value": _json_value(value),
    }
    if steps:
        shown["explain"] = [
            {"expression": text, "kind": kind_of(step), "value": _json_value(step)} for text, step in steps
        ]
    return [to_json_text(shown)]


def _json_value(value: Value) -> Value:
    """NaN and the infinities have no JSON: they are shown as text."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        return to_text(value)
    return value


def _short(value: Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if value is None:
        return "null"
    if is_primitive(value):
        return to_text(value)
    text = " ".join(to_json_text(value).split())
    return text if len(text) <= _EXCERPT_WIDTH else text[: _EXCERPT_WIDTH - 1] + "…"


def _print(text: str) -> None:
    shown = plain_lines(text) if sys.stdout.isatty() else text
    print(shown.encode("utf-8", "replace").decode("utf-8"), file=sys.stdout)


def _hash_files(arguments: Sequence[Value]) -> Value:
    """Patterns start in the project's root, outside a project in the current folder."""
    root = folder = os.getcwd()
    with suppress(UserError):
        root = find_root(folder)
    return hash_files_call([to_text(argument) for argument in arguments], root)


def _read_contexts(files: Sequence[str], assignments: Sequence[str]) -> dict[str, Value]:
    contexts: dict[str, Value] = {}
    for path in files:
        contexts.update(_read_file(path))
    for assignment in assignments:
        _assign(contexts, assignment)
    if isinstance(env := contexts.get("env"), dict):
        contexts["env"] = CaseSensitive(env)
    return contexts


def _read_file(path: str) -> dict[str, Value]:
    try:
        with open(path, encoding="utf-8") as file:
            value = read_json(file.read())
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from error
    except (JsonError, UnicodeDecodeError) as error:
        raise UserError(f"`{path}` is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UserError(f"`{path}` holds no JSON object", hint='expected: {"github": {"ref": "..."}}')
    return value


def _assign(contexts: dict[str, Value], assignment: str) -> None:
    name, equals, text = assignment.partition("=")
    if not equals or not name.strip(":"):
        raise UserError(
            f"`--set {assignment}` has no name and value", hint="--set github.ref=refs/heads/main"
        )
    value: Value = text
    if name.endswith(":"):
        name = name[:-1]
        value = _read_assigned(name, text)
    *parents, last = name.split(".")
    target = contexts
    for parent in parents:
        inner = target.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise UserError(f"`--set {assignment}`: `{parent}` is already a value, not an object")
        target = inner
    target[last] = value


def _read_assigned(name: str, text: str) -> Value:
    try:
        return read_json(text)
    except JsonError as error:
        raise UserError(
            f"the value of `--set {name}:=` is not JSON: {error}", hint=f"for text, write `{name}=...`"
        ) from error
