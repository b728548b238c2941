"""Text with `${{ }}` in it: its pieces, and the one expression it amounts to.

Source: the `ParseScalar` of GitHub's template reader: quotes are honoured, `}}` within a string does not close.
"""

import re
from typing import TypeAlias

from .errors import ExpressionError
from .numbers import WHITESPACE

Piece: TypeAlias = str | tuple[str, int]
"""Literal text, or an expression's text and its offset in the whole."""

_OPEN = "${{"
_CLOSE = re.compile(r"'[^']*(?:'|\Z)|(?P<close>\}\})")


def split_template(text: str) -> list[Piece]:
    """The pieces in order; expressions are trimmed. Raises ExpressionError for one that is empty or not closed."""
    pieces: list[Piece] = []
    position = 0
    while True:
        start = text.find(_OPEN, position)
        literal = text[position:] if start < 0 else text[position:start]
        if literal:
            pieces.append(literal)
        if start < 0:
            return pieces
        close = _find_close(text, start)
        pieces.append(_read_piece(text, start + len(_OPEN), close))
        position = close + 2


def template_expression(text: str) -> str | None:
    """The expression a scalar amounts to: None without `${{`, the bare one when nothing stands around it, else `format(...)`."""
    if _OPEN not in text:
        return None
    pieces = split_template(text)
    if len(pieces) == 1 and isinstance(pieces[0], tuple):
        return pieces[0][0]
    template: list[str] = []
    arguments: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            template.append(piece.replace("'", "''").replace("{", "{{").replace("}", "}}"))
        else:
            template.append(f"{{{len(arguments)}}}")
            arguments.append(piece[0])
    return f"format('{''.join(template)}', {', '.join(arguments)})"


def _find_close(text: str, start: int) -> int:
    for found in _CLOSE.finditer(text, start + len(_OPEN)):
        if found["close"]:
            return found.start("close")
    raise ExpressionError(
        "`${{` is not closed",
        kind="lex",
        position=start,
        length=len(_OPEN),
        hint="`}}` is missing; within a string in quotes it does not count",
    )


def _read_piece(text: str, start: int, end: int) -> tuple[str, int]:
    expression = text[start:end].lstrip(WHITESPACE)
    if not expression.strip(WHITESPACE):
        raise ExpressionError(
            "an expression is missing between `${{` and `}}`",
            kind="parse",
            position=start - len(_OPEN),
            length=end + 2 - start + len(_OPEN),
        )
    return expression.rstrip(WHITESPACE), end - len(expression)
