"""Problem matchers: lines of output -> annotations, by the regular expressions of a matcher file.

Source: actions/runner `IssueMatcher.cs` and `docs/adrs/0276-problem-matchers.md`. A matcher of several patterns matches consecutive lines;
its last pattern may loop. Expressions are the user's: a match that takes too long is broken off, and the matcher is dropped after three.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from skep.model.errors import UserError

LIMIT_S = 1.0
"""How long the matchers may take over one piece of output."""
_STRIKES = 3
_GROUPS = ("severity", "file", "line", "column", "code", "message", "fromPath")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m?")
_NAMED = re.compile(r"\(\?<([A-Za-z_]\w*)>")
_LINE_LIMIT = 8192  # longer lines are data, not compiler messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What a matcher found."""

    level: str  # error, warning, notice
    message: str
    file: str = ""
    line: str = ""
    column: str = ""
    code: str = ""
    from_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One line of a matcher: groups by property name."""

    regexp: re.Pattern[str]
    groups: Mapping[str, int]
    loop: bool = False


@dataclass(slots=True, kw_only=True)
class Matcher:
    """One matcher with what it has seen of a problem that spans lines."""

    owner: str
    severity: str
    patterns: tuple[Pattern, ...]
    strikes: int = 0
    _seen: list[dict[str, str]] = field(default_factory=list)

    def take(self, line: str) -> Issue | None:
        """The problem that this line completes, if any."""
        at = len(self._seen)
        last = len(self.patterns) - 1
        if at > last:  # the last pattern loops
            found = self._find(last, line)
            if found is not None:
                return self._issue({**self._merged(last), **found})
            self._seen.clear()
            at = 0
        found = self._find(at, line)
        if found is None and at:
            self._seen.clear()
            at, found = 0, self._find(0, line)
        if found is None:
            return None
        if at < last:
            self._seen.append(found)
            return None
        issue = self._issue({**self._merged(last), **found})
        if self.patterns[last].loop and last:
            self._seen.append({})
        else:
            self._seen.clear()
        return issue

    def _find(self, index: int, line: str) -> dict[str, str] | None:
        match = self.patterns[index].regexp.search(line)
        if match is None:
            return None
        return {name: match.group(number) or "" for name, number in self.patterns[index].groups.items()}

    def _merged(self, count: int) -> dict[str, str]:
        merged: dict[str, str] = {}
        for part in self._seen[:count]:
            merged.update({name: value for name, value in part.items() if value})
        return merged

    def _issue(self, values: Mapping[str, str]) -> Issue | None:
        message = values.get("message", "").strip()
        if not message:
            return None
        severity = (values.get("severity") or self.severity or "error").lower()
        level = severity if severity in ("error", "warning", "notice") else "error"
        code = values.get("code", "")
        return Issue(
            level=level,
            message=message,
            file=values.get("file", ""),
            line=values.get("line", ""),
            column=values.get("column", ""),
            code=code,
            from_path=values.get("fromPath", ""),
        )


class Matchers:
    """The matchers of a job. Added and removed by workflow commands; they last until the job ends."""

    def __init__(self) -> None:
        self._matchers: dict[str, Matcher] = {}

    def __bool__(self) -> bool:
        return bool(self._matchers)

    def add(self, path: str) -> None:
        """Adds the matchers of a file; one with the same owner is replaced. Raises UserError."""
        for matcher in read_matchers(path):
            self._matchers[matcher.owner.lower()] = matcher

    def remove(self, owner: str) -> None:
        """Removes a matcher; none of that name is fine."""
        self._matchers.pop(owner.lower(), None)

    def take(self, lines: Sequence[str]) -> list[Issue]:
        """The problems in whole lines of output, in order."""
        issues: list[Issue] = []
        for matcher in list(self._matchers.values()):
            try:
                with _time_limit(LIMIT_S):
                    for line in lines:
                        if len(line) <= _LINE_LIMIT and (issue := matcher.take(_COLOUR.sub("", line))):
                            issues.append(issue)  # noqa: PERF401  what was found before a limit strikes is kept
            except _TooSlowError:
                matcher.strikes += 1
                if matcher.strikes >= _STRIKES:
                    self.remove(matcher.owner)
        return issues


def read_matchers(path: str) -> list[Matcher]:
    """The matchers of a file. Raises UserError with the file and what is wrong."""
    try:
        if not os.path.isfile(path):
            raise UserError(
                f"there is no problem matcher file `{path}`", hint="the path is relative to the workspace"
            )
        with open(path, encoding="utf-8") as file:
            data = json.loads(file.read(1 << 20))
    except (OSError, ValueError, RecursionError) as exc:
        raise UserError(
            f"the problem matcher file `{path}` cannot be read: {exc}", hint="it must be JSON"
        ) from exc
    entries = data.get("problemMatcher") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise UserError(
            f"`{path}` has no list `problemMatcher`", hint="see GitHub's documentation of problem matchers"
        )
    return [_matcher(entry, path) for entry in entries]


def owners_in(path: str) -> list[str]:
    """The owners of a matcher file's matchers. Raises UserError."""
    return [matcher.owner for matcher in read_matchers(path)]


def _matcher(entry: object, path: str) -> Matcher:
    if not isinstance(entry, dict) or not isinstance(entry.get("owner"), str) or not entry["owner"]:
        raise UserError(f"a problem matcher in `{path}` has no `owner`", hint="give each matcher a name")
    owner = entry["owner"]
    patterns = entry.get("pattern")
    if isinstance(patterns, dict):
        patterns = [patterns]
    if not isinstance(patterns, list) or not patterns:
        raise UserError(
            f"the problem matcher `{owner}` in `{path}` has no `pattern`", hint="add at least one pattern"
        )
    compiled = tuple(_pattern(one, owner, path) for one in patterns)
    if any(one.loop for one in compiled[:-1]) or (compiled[-1].loop and len(compiled) == 1):
        raise UserError(
            f"`loop` of matcher `{owner}` in `{path}` stands wrong", hint="only the last of several may loop"
        )
    return Matcher(owner=owner, severity=str(entry.get("severity", "") or ""), patterns=compiled)


def _pattern(entry: object, owner: str, path: str) -> Pattern:
    if not isinstance(entry, dict) or not isinstance(entry.get("regexp"), str):
        raise UserError(f"a pattern of matcher `{owner}` in `{path}` has no `regexp`", hint="add one")
    try:
        regexp = re.compile(_NAMED.sub(r"(?P<\1>", entry["regexp"]), re.ASCII)
    except (re.error, RecursionError, OverflowError) as exc:
        raise UserError(
            f"the regexp of matcher `{owner}` in `{path}` is wrong: {exc}", hint=entry["regexp"][:200]
        ) from exc
    groups: dict[str, int] = {}
    for name in _GROUPS:
        number = entry.get(name)
        if number is None:
            continue
        if not isinstance(number, int) or not 0 <= number <= regexp.groups:
            raise UserError(
                f"`{name}` of matcher `{owner}` in `{path}` names group {number}, and the regexp has {regexp.groups}",
                hint="groups count from 1",
            )
        groups[name] = number
    return Pattern(regexp=regexp, groups=groups, loop=entry.get("loop") is True)


class _TooSlowError(Exception):
    """A match did not end in time."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Breaks off what runs inside: `re` looks at signals while it backtracks. Without effect outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _TooSlowError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
