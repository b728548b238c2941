"""The text of an expression in, its tokens out.

Two signs depend on what stands before them: `.5` is a number only where an operand may stand, and a word after `.` is a property
whatever it is called. Source: actions/runner `src/Sdk/Expressions/Tokens/LexicalAnalyzer.cs`.
"""

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from .errors import ExpressionError
from .limits import MAX_LENGTH
from .numbers import WHITESPACE, parse_number
from .values import Value


class TokenKind(StrEnum):
    """What a token is; punctuation and operators are told apart by their text."""

    SIGN = "sign"  # ( ) [ ] , . *
    OPERATOR = "operator"
    LITERAL = "literal"
    WORD = "word"  # a context, or a function when `(` follows
    PROPERTY = "property"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its text as written, where it starts, and the value of a literal."""

    kind: TokenKind
    text: str
    start: int
    value: Value = None

    @property
    def end(self) -> int:
        """The offset behind its last character."""
        return self.start + len(self.text)


_WORDS: dict[str, Value] = {
    "null": None,
    "true": True,
    "false": False,
    "NaN": math.nan,
    "Infinity": math.inf,
}
_BLANKS = re.compile(f"[{WHITESPACE}]*")
_STRING = re.compile(r"'(?:[^']|'')*+'")
_OPERATOR = re.compile(r"==|!=|<=|>=|&&|\|\||[!<>]")
_NUMBER = re.compile(rf".[^()\[\],!<>=&|{WHITESPACE}]*", re.DOTALL)
_RUN = re.compile(rf".[^()\[\],.!<>=&|{WHITESPACE}]*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_BEFORE_OPERAND = frozenset("([,")


def read_tokens(text: str) -> list[Token]:
    """The tokens of an expression, an END last. Raises ExpressionError (kind `lex`)."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression has {len(text)} characters; at most {MAX_LENGTH} are allowed",
            kind="lex",
            position=MAX_LENGTH,
            hint="split it: keep parts in `env` or in outputs",
        )
    tokens: list[Token] = []
    previous: Token | None = None
    position = _skip_blanks(text, 0)
    while position < len(text):
        previous = _read_token(text, position, previous)
        tokens.append(previous)
        position = _skip_blanks(text, previous.end)
    tokens.append(Token(TokenKind.END, "", len(text)))
    return tokens


def _skip_blanks(text: str, position: int) -> int:
    found = _BLANKS.match(text, position)
    return position if found is None else found.end()


def _read_token(text: str, start: int, previous: Token | None) -> Token:
    first = text[start]
    if first in "()[],*":
        return Token(TokenKind.SIGN, first, start)
    if first == "'":
        return _read_string(text, start)
    if first in "!<>=&|":
        return _read_operator(text, start)
    if first == "." and not _operand_may_follow(previous):
        return Token(TokenKind.SIGN, first, start)
    if first in "+-.0123456789":
        return _read_number(text, start)
    return _read_word(text, start, previous)


def _operand_may_follow(previous: Token | None) -> bool:
    if previous is None or previous.kind is TokenKind.OPERATOR:
        return True
    return previous.kind is TokenKind.SIGN and previous.text in _BEFORE_OPERAND


def _read_string(text: str, start: int) -> Token:
    found = _STRING.match(text, start)
    if found is None:
        raise _unexpected(text[start:], start, "the string is not closed: a `'` is missing at its end")
    raw = found.group()
    return Token(TokenKind.LITERAL, raw, start, raw[1:-1].replace("''", "'"))


def _read_operator(text: str, start: int) -> Token:
    found = _OPERATOR.match(text, start)
    if found is None:
        sign = text[start]
        raise _unexpected(_run_at(text, start), start, f"did you mean `{sign}{sign}`?")
    return Token(TokenKind.OPERATOR, found.group(), start)


def _read_number(text: str, start: int) -> Token:
    found = _NUMBER.match(text, start)
    raw = text[start] if found is None else found.group()
    number = parse_number(raw)
    if math.isnan(number):
        raise _unexpected(raw, start, _number_hint(raw))
    return Token(TokenKind.LITERAL, raw, start, number)


def _read_word(text: str, start: int, previous: Token | None) -> Token:
    raw = _run_at(text, start)
    if not _WORD.fullmatch(raw):
        raise _unexpected(raw, start, _word_hint(raw))
    if previous is not None and previous.kind is TokenKind.SIGN and previous.text == ".":
        return Token(TokenKind.PROPERTY, raw, start)
    if raw in _WORDS:
        return Token(TokenKind.LITERAL, raw, start, _WORDS[raw])
    return Token(TokenKind.WORD, raw, start)


def _number_hint(raw: str) -> str:
    if raw[0] == ".":
        return "a path or text needs single quotes: 'text'"
    if raw[0] in "+-" or any(sign in raw for sign in "+-*/"):
        return "expressions have no arithmetic; compute in a step"
    return "this is not a number"


def _run_at(text: str, start: int) -> str:
    found = _RUN.match(text, start)
    return text[start] if found is None else found.group()


def _word_hint(raw: str) -> str:
    if raw[0] in '"`\u201c\u201d\u2018\u2019':
        return "strings stand in single quotes: 'text'"
    if raw.startswith("$"):
        return "inside an expression, names stand alone: `github.ref`, without `${{ }}` or `$`"
    if any(sign in raw for sign in "*/%+"):
        return "expressions have no arithmetic; a path or text needs single quotes: 'text'"
    return "names have letters, digits, `_` and `-`; other keys are written as ['key']"


def _unexpected(raw: str, start: int, hint: str) -> ExpressionError:
    shown = raw if len(raw) <= 40 else raw[:39] + "…"
    return ExpressionError(f"unexpected `{shown}`", kind="lex", position=start, length=len(raw), hint=hint)
