"""The text of a POSIX or bash script in, its words, operators and expansions out; `${{ }}` is left as it stands.

Source: POSIX Shell Command Language, 2.2 Quoting, 2.3 Token Recognition, 2.7 Redirection; the Bash Reference Manual.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .script_tokens import Expansion, ScriptError, Token

_OPERATORS = (
    *("<<<", "&>>", ";;&", "&>", "<<-", "<<", ">>", "<&", ">&", "<>", ">|", ";;", ";&", "&&", "||", "|&"),
    *("|", "&", ";", "(", ")", "<", ">", "\n"),
)
REDIRECTIONS = frozenset({"<<<", "&>>", "&>", "<<-", "<<", ">>", "<&", ">&", "<>", ">|", "<", ">"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"(?P<sign>[!#]?)(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>[^}]?.?)", re.DOTALL)
_DEFAULTS = ("-", "=", "+", ":-", ":=", ":+")


@dataclass(slots=True)
class WordReader:
    """Reads a script once, from left to right."""

    text: str
    at: int = 0
    expansions: list[Expansion] = field(default_factory=list)
    _documents: list[tuple[str, bool, bool]] = field(default_factory=list)  # delimiter, tabs stripped, quoted
    _document_next: str = ""

    def tokens(self) -> list[Token]:
        """All tokens of the script; a comment is none. Raises ScriptError."""
        found: list[Token] = []
        while (token := self._next()) is not None:
            found.append(token)
        if self._documents:
            raise ScriptError
        return found

    def _next(self) -> Token | None:
        self._skip_blanks()
        if self.at >= len(self.text):
            return None
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.at) and not self._is_process(operator):
                return self._operator(operator)
        token = self._word()
        if self._document_next:
            self._documents.append((token.text, self._document_next == "<<-", token.quoted))
            self._document_next = ""
        return token

    def _is_process(self, operator: str) -> bool:
        """`<(command)` is a word, no redirection."""
        return operator in "<>" and self.text.startswith("(", self.at + 1)

    def _skip_blanks(self) -> None:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t\r":
                self.at += 1
            elif self.text.startswith(("\\\n", "\\\r\n"), self.at):
                self.at = self.text.index("\n", self.at) + 1
            elif char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def _operator(self, operator: str) -> Token:
        start = self.at
        self.at += len(operator)
        if operator in ("<<", "<<-"):
            self._document_next = operator
        if operator == "\n" and self._documents:
            for delimiter, tabs, quoted in self._documents:
                self._read_document(delimiter, tabs=tabs, quoted=quoted)
            self._documents.clear()
        return Token(text=operator, start=start, end=start + len(operator), operator=True)

    def _read_document(self, delimiter: str, *, tabs: bool, quoted: bool) -> None:
        start = self.at
        while self.at < len(self.text):
            end = self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            line = self.text[self.at : end].rstrip("\r")
            begin, self.at = self.at, min(end + 1, len(self.text))
            if (line.lstrip("\t") if tabs else line) == delimiter:
                if not quoted:
                    self._expansions_within(start, begin)
                return
        raise ScriptError

    def _expansions_within(self, start: int, end: int) -> None:
        back, self.at = self.at, start
        while self.at < end:
            if self.text[self.at] == "\\":
                self.at += 2
            elif self.text[self.at] == "$":
                self._dollar()
            else:
                self.at += 1
        self.at = back

    def _word(self) -> Token:
        parts: list[str] = []
        start, quoted, is_open = self.at, False, False
        while self.at < len(self.text) and not self._ends_word():
            char = self.text[self.at]
            begin = self.at
            if char == "'":
                parts.append(self._single())
                quoted = True
            elif char == '"':
                text, opened = self._double()
                parts.append(text)
                quoted, is_open = True, is_open or opened
            elif char == "\\":
                parts.append(self.text[self.at + 1 : self.at + 2].replace("\n", ""))
                self.at += 2
                quoted = True
            elif char in "$`" or self._is_process(char):
                if self.text.startswith("$'", self.at):
                    self.at += 1
                    self._ansi_quoted()
                else:
                    self._dollar() if char == "$" else self._command(char)
                parts.append(self.text[begin : self.at])
                is_open = True
            else:
                parts.append(char)
                self.at += 1
        if self.at > len(self.text):  # ends behind a backslash, or within $'...'
            raise ScriptError
        return Token(text="".join(parts), start=start, end=self.at, quoted=quoted, open=is_open)

    def _ends_word(self) -> bool:
        char = self.text[self.at]
        return char in " \t\n\r;|&()" or (char in "<>" and not self._is_process(char))

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise ScriptError
        text, self.at = self.text[self.at + 1 : end], end + 1
        return text

    def _ansi_quoted(self) -> None:
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != "'":
            self.at += 2 if self.text[self.at] == "\\" else 1
        self.at += 1

    def _double(self) -> tuple[str, bool]:
        self.at += 1
        parts: list[str] = []
        is_open = False
        while self.at < len(self.text):
            char, begin = self.text[self.at], self.at
            if char == '"':
                self.at += 1
                return "".join(parts), is_open
            if char == "\\":
                parts.append(self.text[self.at + 1 : self.at + 2])
                self.at += 2
            elif char in "$`":
                self._dollar() if char == "$" else self._command(char)
                parts.append(self.text[begin : self.at])
                is_open = True
            else:
                parts.append(char)
                self.at += 1
        raise ScriptError

    def _dollar(self) -> None:
        """`$name`, `${name...}`, `$(...)`, `$((...))` or `${{ ... }}` at this place; a lone `$` is a character."""
        if self.text.startswith("${{", self.at):
            end = self.text.find("}}", self.at)
            if end < 0:
                raise ScriptError
            self.at = end + 2
        elif self.text.startswith("$(", self.at):
            self.at += 1
            self._command("(")
        elif self.text.startswith("${", self.at):
            self._braced()
        else:
            start = self.at
            name = _NAME.match(self.text, self.at + 1)
            self.at = name.end() if name else self.at + 1
            if name:
                self.expansions.append(Expansion(name=name[0], start=start, optional=False))

    def _braced(self) -> None:
        start = self.at
        found = _BRACED.match(self.text, self.at + 2)
        if found:
            rest = found["rest"]
            optional = found["sign"] == "!" or rest.startswith(_DEFAULTS)
            self.expansions.append(Expansion(name=found["name"], start=start, optional=optional))
        self.at = found.end("name") if found else self.at + 2
        self._until("}")

    def _command(self, opener: str) -> None:
        """A substitution; what is expanded within it counts, its commands do not."""
        if opener in "<>":
            self.at += 1
        self.at += 1
        self._until("`" if opener == "`" else ")")

    def _until(self, closer: str) -> None:
        depth = 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == closer and not depth:
                self.at += 1
                return
            if char == "\\":
                self.at += 2
            elif char == "'" and closer != "}":
                self._single()
            elif char == '"':
                self._double()
            elif char == "$":
                self._dollar()
            elif char == "`":
                self._command(char)
            else:
                depth += (char == "(" and closer == ")") - (char == ")" and closer == ")")
                self.at += 1
        raise ScriptError
