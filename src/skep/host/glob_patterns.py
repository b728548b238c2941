"""One line of a glob, as GitHub's @actions/glob reads it, compiled to an automaton that walks down a tree name by name.

`*` and `?` stay within a name, `[..]` is one character, a segment `**` is any number of names. A leading `!` excludes, a trailing
`/` means folders only, `\\` escapes. There are no braces and no extended patterns. Hidden names match like others.
Source: actions/toolkit `packages/glob` 0.4 with minimatch 3 (dot, nobrace, noext, nocomment, nonegate), which GitHub's runner
uses for `hashFiles`; later versions differ in `[!]a]`, `[^]` and `[[:alpha:]]` alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from skep.model.errors import UserError

from .glob_classes import GlobClasses

Segment: TypeAlias = "str | re.Pattern[str] | None"
"""A literal name, a pattern for one name, or None for `**`."""

State: TypeAlias = int
"""The set of places in the pattern that a path may have reached, as bits; 0 = neither the path nor anything below can match."""

_GLOBSTAR = "**"
_STAR = ".*"


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobPattern:
    """An absolute pattern. Names are fed one by one from the root of the file system."""

    negated: bool
    directories_only: bool
    implicit: bool  # made from another pattern, for what lies below its matches
    texts: tuple[str, ...]  # the segments as written
    segments: tuple[Segment, ...]
    search_path: str  # the literal folder or file all matches lie in

    def start(self) -> State:
        """The state of the root folder itself."""
        return self._closed(1)

    def step(self, state: State, name: str) -> State:
        """The state of the entry `name` in a folder of state `state`."""
        following = 0
        for index, segment in enumerate(self.segments):
            if not state >> index & 1:
                continue
            if segment is None:
                following |= 1 << index
                if self._is_last(index):
                    following |= 1 << index + 1
            elif segment == name if isinstance(segment, str) else segment.fullmatch(name):
                following |= 1 << index + 1
        return self._closed(following)

    def accepts(self, state: State) -> bool:
        """Whether a path of this state matches the pattern."""
        return bool(state >> len(self.segments) & 1)

    def state_of(self, path: str) -> State:
        """The state of an absolute path."""
        state = self.start()
        for name in path.split("/"):
            if name:
                state = self.step(state, name)
        return state

    def below(self) -> "GlobPattern":
        """The pattern for everything below what this one matches."""
        return GlobPattern(
            negated=self.negated,
            directories_only=False,
            implicit=True,
            texts=(*self.texts, _GLOBSTAR),
            segments=(*self.segments, None),
            search_path=self.search_path,
        )

    @property
    def covers_below(self) -> bool:
        """Whether it matches what lies below its matches by itself."""
        return not self.directories_only and self.texts[-1:] == (_GLOBSTAR,)

    def _closed(self, state: State) -> State:
        """Adds the places that `**` reaches by matching no name at all; a last `**` of an implicit pattern needs one."""
        for index, segment in enumerate(self.segments):
            if segment is None and state >> index & 1 and not (self.implicit and self._is_last(index)):
                state |= 1 << index + 1
        return state

    def _is_last(self, index: int) -> bool:
        return index == len(self.segments) - 1


def read_patterns(lines: str, *, root: str, home: str) -> list[GlobPattern]:
    """The patterns of a text: one a line, blank lines and `#` lines left out. Raises UserError for `.` and `..` within a path.

    Relative patterns start in `root`, `~` is `home`; both absolute.
    """
    stripped = (line.strip() for line in lines.split("\n"))
    return [_read_pattern(line, root, home) for line in stripped if line and not line.startswith("#")]


def _read_pattern(line: str, root: str, home: str) -> GlobPattern:
    text = line
    negated = False
    while text.startswith("!"):
        negated = not negated
        text = text[1:].strip()
    if not text:
        raise UserError(f"the pattern `{line}` is empty")
    text = re.sub("/{2,}", "/", text)
    written = [_literal_of(segment) for segment in text.split("/")]
    if ".." in written or "." in written[1:]:
        raise UserError(
            f"the pattern `{line}` has a `.` or `..` within it",
            hint="patterns go down from the workspace, or from an absolute path",
        )
    text = _make_absolute(text, root, home)
    texts = tuple(segment for segment in text.split("/") if segment)
    return GlobPattern(
        negated=negated,
        directories_only=text.endswith("/") and text != "/",
        implicit=False,
        texts=texts,
        segments=tuple(map(_compile_segment, texts)),
        search_path=_search_path(texts),
    )


def _make_absolute(text: str, root: str, home: str) -> str:
    if text == "." or text.startswith("./"):
        text = _escape_glob(root) + text[1:]
    elif text == "~" or text.startswith("~/"):
        text = _escape_glob(home) + text[1:]
    elif not text.startswith("/"):
        text = f"{_escape_glob(root)}/{text}"
    return re.sub("/{2,}", "/", text)


def _escape_glob(path: str) -> str:
    return re.sub(r"[*?\\]|\[(?=[^/]+\])", lambda found: _escaped(found.group()), path)


def _escaped(sign: str) -> str:
    return "\\\\" if sign == "\\" else f"[{sign}]"


def _search_path(texts: tuple[str, ...]) -> str:
    names: list[str] = []
    for text in texts:
        literal = _literal_of(text)
        if not literal:
            break
        names.append(literal)
    return "/" + "/".join(names)


def _literal_of(segment: str) -> str:
    """The one name a segment matches; empty when it may match several."""
    literal: list[str] = []
    index = 0
    may_close = True  # of a class that is not closed all others behind it are not either
    while index < len(segment):
        sign = segment[index]
        if sign == "\\" and index + 1 < len(segment):
            literal.append(segment[index + 1])
            index += 2
        elif sign in "*?":
            return ""
        else:
            inside = _inside_class(segment, index) if sign == "[" and may_close else None
            may_close = may_close and (sign != "[" or inside is not None)
            if inside is not None and len(inside[0]) > 1:
                return ""
            single = inside is not None and bool(inside[0])
            literal.append(inside[0] if inside is not None and single else sign)
            index = inside[1] if inside is not None and single else index + 1
    return "".join(literal)


def _inside_class(segment: str, start: int) -> tuple[str, int] | None:
    """What a `[...]` holds, unescaped, and the offset behind it; None when it is not closed."""
    held: list[str] = []
    index = start + 1
    while index < len(segment):
        sign = segment[index]
        if sign == "]":
            return "".join(held), index + 1
        if sign == "\\" and index + 1 < len(segment):
            index += 1
            sign = segment[index]
        held.append(sign)
        index += 1
    return None


def _compile_segment(text: str) -> Segment:
    if text == _GLOBSTAR:
        return None
    source, has_magic = _translate(text)
    if not has_magic:
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
    return re.compile(source, re.DOTALL)


def _translate(text: str) -> tuple[str, bool]:
    """A regular expression for one name, and whether it may match more than one."""
    pieces: list[str] = []
    has_magic = False
    classes = GlobClasses(text) if "[" in text else None
    index = 0
    while index < len(text):
        sign = text[index]
        following = index + 1
        if sign == "\\" and following < len(text):
            pieces.append(re.escape(text[following]))
            following += 1
        elif sign in "*?":
            has_magic = True
            pieces.append("." if sign == "?" else _STAR)
            while sign == "*" and text[following : following + 1] == "*":
                following += 1
        elif sign == "[" and classes is not None and (found := classes.read(index)) is not None:
            source, following = found
            has_magic = True
            pieces.append(source)
        else:
            pieces.append(re.escape(sign))
        index = following
    return _joined(pieces), has_magic


def _joined(pieces: Sequence[str]) -> str:
    """One expression. Between two stars the first place that fits is as good as any other, so it is never given up again
    (an atomic group): else a name of 200 characters could take hours.
    """
    parts = [list(part) for is_star, part in groupby(pieces, _STAR.__eq__) if not is_star]
    chunks = ["".join(part) for part in parts]
    if _STAR not in pieces:
        return "".join(chunks)
    first = "" if pieces[0] == _STAR else chunks.pop(0)
    last = "" if pieces[-1] == _STAR else chunks.pop()
    return first + "".join(f"(?>.*?{chunk})" for chunk in chunks) + f".*{last}"
