"""Tokens in, tree out: a Pratt parser with GitHub's precedences and limits.

Binding powers, weakest first: `||`, `&&`, `== !=`, `< <= > >=`, `!`, then `.` and `[ ]`. All operators of two operands lean left.
"""

from dataclasses import replace
from typing import cast

from .errors import ExpressionError
from .lexer import Token, TokenKind, read_tokens
from .limits import MAX_DEPTH, MAX_OPEN_BRACKETS
from .syntax import Access, Call, Compare, Comparison, Literal, Logic, Name, Node, Not, Star

_POWERS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}
_LOGIC = ("||", "&&")
_CLOSERS = {"(": ")", "[": "]"}


def parse_expression(text: str) -> Node | None:
    """The tree of an expression; None for a blank one. Names and functions are not checked here. Raises ExpressionError."""
    tokens = read_tokens(text)
    if tokens[0].kind is TokenKind.END:
        return None
    parser = _Parser(tokens)
    node = parser.expression(0)
    parser.expect_end()
    return node


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._index = 0
        self._open: list[Token] = []

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    def _take(self) -> Token:
        token = self._tokens[self._index]
        self._index += 1
        return token

    def _at(self, sign: str) -> bool:
        token = self._tokens[self._index]
        return token.kind is TokenKind.SIGN and token.text == sign

    def expect_end(self) -> None:
        if self._next.kind is not TokenKind.END:
            raise self._unexpected(self._next)

    def expression(self, weakest: int) -> Node:
        left = self._prefix()
        while True:
            token = self._next
            power = _POWERS.get(token.text, 0) if token.kind is TokenKind.OPERATOR else 0
            if power <= weakest:
                return left
            if token.text in _LOGIC:
                left = self._chain(left, token.text, power)
            else:
                self._take()
                right = self.expression(power)
                depth = _one_above(token, left, right)
                operator = cast("Comparison", token.text)
                left = Compare(left.start, right.end, operator, left, right, depth)

    def _chain(self, first: Node, operator: str, power: int) -> Node:
        start_token = self._next
        operands = _flat(first, operator)
        last = first
        while self._next.kind is TokenKind.OPERATOR and self._next.text == operator:
            self._take()
            last = self.expression(power)
            operands.extend(_flat(last, operator))
        depth = _one_above(start_token, *operands)
        return Logic(first.start, last.end, "&&" if operator == "&&" else "||", tuple(operands), depth)

    def _prefix(self) -> Node:
        bangs: list[Token] = []
        while self._next.kind is TokenKind.OPERATOR and self._next.text == "!":
            bangs.append(self._take())
        node = self._operand()
        for bang in reversed(bangs):
            node = Not(bang.start, node.end, node, _one_above(bang, node))
        return node

    def _operand(self) -> Node:
        token = self._take()
        if token.kind is TokenKind.LITERAL:
            return Literal(token.start, token.end, token.value)
        if token.kind is TokenKind.WORD:
            return self._accesses(
                self._call(token) if self._at("(") else Name(token.start, token.end, token.text)
            )
        if token.kind is TokenKind.SIGN and token.text == "(":
            self._enter(token)
            node = self.expression(0)
            return self._accesses(replace(node, start=token.start, end=self._leave().end))
        raise self._unexpected(token)

    def _call(self, name: Token) -> Node:
        self._enter(self._take())
        arguments: list[Node] = []
        if not self._at(")"):
            arguments.append(self.expression(0))
        while arguments and self._at(","):
            self._take()
            arguments.append(self.expression(0))
        end = self._leave().end
        return Call(name.start, end, name.text, tuple(arguments), _one_above(name, *arguments))

    def _accesses(self, node: Node) -> Node:
        start = node.start
        while True:
            if self._at("."):
                self._take()
                key: Node | Star = self._property()
                end = key.end
            elif self._at("["):
                self._enter(self._take())
                key = self._star() if self._at("*") else self.expression(0)
                end = self._leave().end
            else:
                return node
            node = Access(start, end, node, key, _one_above(self._tokens[self._index - 1], node, key))

    def _property(self) -> Literal | Star:
        if self._at("*"):
            return self._star()
        token = self._take()
        if token.kind is not TokenKind.PROPERTY:
            raise self._unexpected(token)
        return Literal(token.start, token.end, token.text)

    def _star(self) -> Star:
        token = self._take()
        return Star(token.start, token.end)

    def _enter(self, bracket: Token) -> None:
        self._open.append(bracket)
        if len(self._open) > MAX_OPEN_BRACKETS:
            raise _too_deep(bracket, f"more than {MAX_OPEN_BRACKETS} brackets are open here")

    def _leave(self) -> Token:
        opened = self._open[-1]
        token = self._take()
        if token.kind is not TokenKind.SIGN or token.text != _CLOSERS[opened.text]:
            raise self._unexpected(token)
        self._open.pop()
        return token

    def _unexpected(self, token: Token) -> ExpressionError:
        hint = self._hint(token)
        if token.kind is TokenKind.END:
            return ExpressionError(
                "the expression ends too early", kind="parse", position=token.start, hint=hint
            )
        return ExpressionError(
            f"unexpected `{token.text}`",
            kind="parse",
            position=token.start,
            length=len(token.text),
            hint=hint,
        )

    def _hint(self, token: Token) -> str:
        if token.kind is TokenKind.END:
            opened = self._open[-1] if self._open else None
            return f"`{_CLOSERS[opened.text]}` is missing" if opened else "a value is missing at the end"
        before = self._tokens[self._tokens.index(token) - 1] if token is not self._tokens[0] else None
        if token.kind is TokenKind.WORD and token.text.lower() in ("and", "or"):
            return f"did you mean `{'&&' if token.text.lower() == 'and' else '||'}`?"
        if token.kind is TokenKind.LITERAL and before is not None and before.text == ".":
            return f"write an index in brackets: `[{token.text}]`"
        if token.text == "*" and token.kind is TokenKind.SIGN:
            return "`*` stands only after `.` or within `[ ]`; expressions have no arithmetic"
        if token.kind in (TokenKind.LITERAL, TokenKind.WORD) and before is not None:
            return "an operator is missing before it: `==`, `&&`, `||`, ..."
        return "a value is missing before it" if token.kind is TokenKind.OPERATOR else ""


def _flat(node: Node, operator: str) -> list[Node]:
    return list(node.operands) if isinstance(node, Logic) and node.operator == operator else [node]


def _one_above(token: Token, *below: Node | Star) -> int:
    depth = 1 + max((node.depth for node in below), default=0)
    if depth > MAX_DEPTH:
        raise _too_deep(token, f"the expression is deeper than {MAX_DEPTH} levels")
    return depth


def _too_deep(token: Token, message: str) -> ExpressionError:
    return ExpressionError(
        message,
        kind="parse",
        position=token.start,
        length=len(token.text),
        hint="compute a part of it first: in `env`, or in an output",
    )
