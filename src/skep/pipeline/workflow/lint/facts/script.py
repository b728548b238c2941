"""The text of a shell script in, its simple commands out: words, what stands around each, how deep it is nested.

A script that cannot be read in full is None: rules say nothing about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from .script_tokens import Expansion, ScriptError, Token
from .script_words import REDIRECTIONS, WordReader

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?\+?=")
_OPENS = frozenset({"if", "for", "while", "until", "case", "select", "{"})
_CLOSES = frozenset({"fi", "done", "esac", "}"})
_BETWEEN = frozenset({"then", "elif", "else", "do", "!", "time"})
_ENDS = frozenset({";", "\n", "&", "&&", "||", "|", "|&", ";;", ";&", ";;&"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One simple command."""

    words: tuple[Token, ...]  # without assignments before it and redirections
    assignments: tuple[str, ...]  # names set before the first word; the command itself when there is no word
    redirections: tuple[tuple[str, str], ...]  # operator, target
    start: int
    end: int
    depth: int  # 0: runs whenever the script comes there
    subshell: bool  # what it sets is lost when the `( )` ends
    before: str  # the operator or keyword before it: '', ';', '&&', '||', '|', 'then', 'if', '!'
    after: str  # the operator that ends it; '' at the end of the script

    @property
    def name(self) -> str:
        """The first word; '' for assignments and redirections alone."""
        return self.words[0].text if self.words else ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words after the first."""
        return tuple(word.text for word in self.words[1:])

    @property
    def unconditional(self) -> bool:
        """Whether it runs whenever all before it succeeded, in the shell of the script itself."""
        return self.depth == 0 and self.before in ("", ";", "\n") and self.after in ("", ";", "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script that could be read."""

    text: str
    commands: tuple[Command, ...]
    expansions: tuple[Expansion, ...]
    functions: frozenset[str]


@lru_cache(maxsize=2048)
def read_script(text: str) -> Script | None:
    """The commands of a POSIX or bash script; None when it cannot be read."""
    reader = WordReader(text)
    try:
        tokens = reader.tokens()
        parser = _Parser(tokens)
        commands = tuple(parser.commands())
    except ScriptError:
        return None
    return Script(
        text=text,
        commands=commands,
        expansions=tuple(reader.expansions),
        functions=frozenset(parser.functions),
    )


@dataclass(slots=True)
class _Parser:
    tokens: list[Token]
    at: int = 0
    functions: set[str] = field(default_factory=set)
    _open: list[str] = field(default_factory=list)
    _before: str = ""

    def commands(self) -> Iterator[Command]:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.operator and token.text not in REDIRECTIONS:
                self._operator(token)
            elif not token.quoted and token.text in _OPENS | _CLOSES | _BETWEEN | {"function", "[["}:
                yield from self._keyword(token)
            elif self._is_function():
                self.functions.add(token.text)
                self.at += 3
            else:
                yield self._simple()
        if self._open:
            raise ScriptError

    def _operator(self, token: Token) -> None:
        self.at += 1
        if token.text == "(":
            self._open.append("(")
            if self._is_operator("("):  # (( arithmetic ))
                self._skip_arithmetic()
                return
        elif token.text == ")":
            self._close("(")
        elif token.text in (";;", ";&", ";;&"):
            self._skip_patterns()
        if token.text != "\n" or self._before not in ("&&", "||", "|", "|&"):
            self._before = "" if token.text in "()" else token.text

    def _skip_arithmetic(self) -> None:
        depth = 1
        while depth:
            if self.at >= len(self.tokens):
                raise ScriptError
            token = self.tokens[self.at]
            depth += (token.text == "(") - (token.text == ")") if token.operator else 0
            self.at += 1
        self._open.pop()
        self._before = ")"

    def _keyword(self, token: Token) -> Iterator[Command]:
        word = token.text
        if word == "[[":
            yield self._test()
            return
        self.at += 1
        self._before = word
        if word == "function":
            self.functions.add(self._take().text)
            if self._is_operator("("):
                self.at += 2
        elif word in ("for", "select"):
            self._open.append(word)
            while self.at < len(self.tokens) and self.tokens[self.at].text != "do":
                self.at += 1
        elif word == "case":
            self._open.append(word)
            while self._take().text != "in":
                pass
            self._skip_patterns()
        elif word in _OPENS:
            self._open.append(word)
        elif word in _CLOSES:
            self._close(
                *{"fi": ("if",), "esac": ("case",), "}": ("{",)}.get(
                    word, ("for", "while", "until", "select")
                )
            )

    def _skip_patterns(self) -> None:
        """The patterns of a `case` branch, up to the `)`; nothing before `esac`."""
        while self._is_operator("\n"):
            self.at += 1
        if self.at < len(self.tokens) and self.tokens[self.at].text == "esac":
            return
        if self._is_operator("("):
            self.at += 1
        while not self._is_operator(")"):
            self._take()
        self.at += 1

    def _test(self) -> Command:
        """`[[ ... ]]` as one command; operators within it are its own."""
        first = self.at
        while self._take().text != "]]":
            pass
        return self._command(self.tokens[first : self.at], [], first)

    def _simple(self) -> Command:
        first = self.at
        words: list[Token] = []
        redirections: list[tuple[str, str]] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.operator and token.text in REDIRECTIONS:
                self.at += 1
                if words and words[-1].text.isdigit() and words[-1].end == token.start:
                    words.pop()
                redirections.append((token.text, self._take().text))
            elif token.operator:
                if (
                    token.text == "("
                    and words
                    and words[-1].text.endswith("=")
                    and words[-1].end == token.start
                ):
                    self._skip_array()
                    continue
                break
            else:
                words.append(token)
                self.at += 1
        return self._command(words, redirections, first)

    def _skip_array(self) -> None:
        while not self._is_operator(")"):
            self._take()
        self.at += 1

    def _command(self, words: list[Token], redirections: list[tuple[str, str]], first: int) -> Command:
        names: list[str] = []
        while len(names) < len(words) and (found := _ASSIGNMENT.match(words[len(names)].text)):
            names.append(found["name"])
        after = self.tokens[self.at].text if self.at < len(self.tokens) else ""
        if after and after not in _ENDS and after != ")":
            raise ScriptError
        before, self._before = self._before, ""
        return Command(
            words=tuple(words[len(names) :]),
            assignments=tuple(names),
            redirections=tuple(redirections),
            start=self.tokens[first].start,
            end=self.tokens[self.at - 1].end,
            depth=len(self._open),
            subshell="(" in self._open,
            before=before,
            after=after,
        )

    def _is_function(self) -> bool:
        rest = self.tokens[self.at + 1 : self.at + 3]
        return [token.text for token in rest] == ["(", ")"] and rest[0].operator and rest[1].operator

    def _is_operator(self, text: str) -> bool:
        return (
            self.at < len(self.tokens) and self.tokens[self.at].operator and self.tokens[self.at].text == text
        )

    def _take(self) -> Token:
        if self.at >= len(self.tokens):
            raise ScriptError
        self.at += 1
        return self.tokens[self.at - 1]

    def _close(self, *openers: str) -> None:
        if not self._open or self._open.pop() not in openers:
            raise ScriptError
        self._before = ")"
