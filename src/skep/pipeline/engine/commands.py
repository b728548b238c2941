"""Workflow commands in step output: `::name k=v,k2=v2::data` and the old `##[name k=v;]data`.

Only registered names are commands; any other line is text. Source: actions/runner `ActionCommand.cs`, `ActionCommandManager.cs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REGISTERED = frozenset(
    [
        "add-mask",
        "add-matcher",
        "add-path",
        "debug",
        "echo",
        "endgroup",
        "error",
        "group",
        "notice",
        "remove-matcher",
        "save-state",
        "set-env",
        "set-output",
        "stop-commands",
        "warning",
    ]
)
MESSAGE_LIMIT = 4096
"""Characters of an annotation's message that are kept."""
ANNOTATION_LIMIT = 10
"""Annotations of one level that a step may have."""

_DATA_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_OLD_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%3B", ";"), ("%5D", "]"), ("%25", "%"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCommand:
    """One command: its name in lower case, properties and data, unescaped."""

    name: str
    data: str = ""
    properties: Mapping[str, str]


def parse_command(line: str, names: frozenset[str] = REGISTERED) -> WorkflowCommand | None:
    """The command in a line of output; None when the line is text. `names`: what counts as a command, in lower case."""
    return _parse_new(line, names) or _parse_old(line, names)


def _parse_new(line: str, names: frozenset[str]) -> WorkflowCommand | None:
    line = line.lstrip()
    if not line.startswith("::"):
        return None
    end = line.find("::", 2)
    if end < 0:
        return None
    name, _, properties = line[2:end].partition(" ")
    if name.lower() not in names:
        return None
    pairs = _pairs(properties.strip(), ",", _PROPERTY_ESCAPES)
    return WorkflowCommand(
        name=name.lower(), properties=pairs, data=_unescape(line[end + 2 :], _DATA_ESCAPES)
    )


def _parse_old(line: str, names: frozenset[str]) -> WorkflowCommand | None:
    start = line.find("##[")
    if start < 0:
        return None
    end = line.find("]", start)
    if end < 0:
        return None
    name, _, properties = line[start + 3 : end].partition(" ")
    if name.lower() not in names:
        return None
    pairs = _pairs(properties.strip(), ";", _OLD_ESCAPES)
    return WorkflowCommand(name=name.lower(), properties=pairs, data=_unescape(line[end + 1 :], _OLD_ESCAPES))


def _pairs(text: str, separator: str, escapes: tuple[tuple[str, str], ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in text.split(separator):
        name, equals, value = part.partition("=")
        if equals and name.strip():
            pairs[name.strip().lower()] = _unescape(value, escapes)
    return pairs


def _unescape(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for code, plain in escapes:
        text = text.replace(code, plain)
    return text
