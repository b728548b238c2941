"""What a step wrote into its GITHUB_* files: text -> names and values.

Source: actions/runner `FileCommandManager.cs` (`k=v` or `k<<DELIMITER`, whichever sign comes first on the line).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PATH_END = re.compile(r"[\r\n]")
SUMMARY_LIMIT_BYTES = 1024 * 1024
"""GITHUB_STEP_SUMMARY above this size is not kept (GitHub's limit)."""

_LINE = re.compile(r"([^\n]*)(\n|\Z)")  # the runner ends lines at \r on Windows only


class FileCommandError(Exception):
    """A GITHUB_* file that cannot be read; the step fails with this text."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"Unable to process file command '{file}' successfully: line {line}: {message}")
        self.file, self.line = file, line


def parse_pairs(data: bytes, file: str) -> Iterator[tuple[str, str]]:
    """The names and values of a GITHUB_ENV, GITHUB_OUTPUT or GITHUB_STATE file, in order; of equal names the later counts.

    Raises FileCommandError at the first wrong line: what came before it counts.
    """
    lines = _numbered_lines(data.decode("utf-8-sig", errors="replace"))
    for number, line, _ in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, value = line[:equals], line[equals + 1 :]
            if not name:
                raise FileCommandError(file, number, f"Invalid format '{line}'. Name must not be empty")
            yield name, value
        elif heredoc >= 0:
            name, delimiter = line[:heredoc], line[heredoc + 2 :]
            if not name or not delimiter:
                message = f"Invalid format '{line}'. Name must not be empty and delimiter must not be empty"
                raise FileCommandError(file, number, message)
            yield name, _heredoc(lines, delimiter, file, number)
        else:
            raise FileCommandError(file, number, f"Invalid format '{line}'")


def parse_paths(data: bytes) -> list[str]:
    """The folders of a GITHUB_PATH file, in order."""
    return [line for line in _PATH_END.split(data.decode("utf-8-sig", errors="replace")) if line]


def _numbered_lines(text: str) -> Iterator[tuple[int, str, str]]:
    for number, match in enumerate(_LINE.finditer(text), start=1):
        if match.start() == len(text):
            return
        yield number, match.group(1), match.group(2)


def _heredoc(lines: Iterator[tuple[int, str, str]], delimiter: str, file: str, start: int) -> str:
    parts: list[str] = []
    for number, line, newline in lines:
        if line == delimiter:
            return _without_last_newline(parts)
        if not newline:
            message = f"Invalid value. Matching delimiter not found '{delimiter}'"
            raise FileCommandError(file, number, message)
        parts += (line, newline)
    raise FileCommandError(file, start, f"Invalid value. Matching delimiter not found '{delimiter}'")


def _without_last_newline(parts: list[str]) -> str:
    return "".join(parts[:-1])
