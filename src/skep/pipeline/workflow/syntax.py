"""A YAML parser's complaint in, one finding with a hint out."""

from __future__ import annotations

import yaml

from skep.model.finding import Finding, Location

_HINTS = (
    (
        "cannot start any token",
        "quote the value: YAML reserves `@`, `` ` ``, `%` and tabs at its beginning",
    ),
    ("mapping values are not allowed", "quote the value when it contains `: `, or check the indentation"),
    ("could not find expected ':'", "a key needs a `:` behind it; check the indentation of this line"),
    ("did not find expected key", "check the indentation; a quote may end too early"),
    ("did not find expected '-' indicator", "items of a list begin with `- ` in the same column"),
    ("did not find expected ',' or ']'", "close the list with `]`"),
    ("did not find expected ',' or '}'", "close the mapping with `}`; quote a value that begins with `{`"),
    ("undefined tag handle", "quote the value: `!` at its beginning means a tag"),
    ("did not find expected alphabetic or numeric character", "quote the value: `*` and `&` mean aliases"),
    ("unknown escape character", "use single quotes, or write `\\\\` for a backslash"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("block sequence entries are not allowed", "a list begins on its own line, below its key"),
)


def syntax_finding(error: yaml.YAMLError, text: str, path: str) -> Finding:
    """The `yaml-syntax` finding for a parser error, at the place the parser names."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "not valid YAML")
    context = getattr(error, "context", None)
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    message = f"{problem} ({context})" if context else problem
    return Finding(
        rule="yaml-syntax",
        message=f"YAML: {message}",
        where=Location(path=path, line=line, column=column, end_line=line, end_column=column + 1),
        hint=_hint(problem, text, line, column),
    )


def _hint(problem: str, text: str, line: int, column: int) -> str:
    lines = text.split("\n")
    written = lines[line - 1] if line <= len(lines) else ""
    indent = written[: len(written) - len(written.lstrip())]
    if "\t" in indent or written[column - 1 : column] == "\t":
        return "indent with spaces: YAML does not allow tabs there"
    return next((hint for part, hint in _HINTS if part in problem), "")
