"""Which Node a workflow asks for: `node-version`, and the files that may say it. Pure.

Source: actions/setup-node, README and docs/advanced-usage.md, `getNodeVersionFromFile`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from skep.model.errors import UserError

from .setup_ranges import VersionRange, read_range

LTS_NAMES: Final = {
    "argon": 4,
    "boron": 6,
    "carbon": 8,
    "dubnium": 10,
    "erbium": 12,
    "fermium": 14,
    "gallium": 16,
    "hydrogen": 18,
    "iron": 20,
    "jod": 22,
    "krypton": 24,
}
"""Node's long-term lines by name. Source: github.com/nodejs/Release, "Release schedule"."""

_LTS_LINES = sorted(LTS_NAMES.values(), reverse=True)
_NEWEST = ("latest", "node", "current", "stable")
_LINE = re.compile(r"^[^\S\n]*(?:node(?:js)?[^\S\n]+)?v?(\S+)[^\S\n]*$", re.MULTILINE)
_USING = re.compile(r"^\s+using:\s*['\"]?node(\d+)['\"]?\s*(?:#.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """The Node that is asked for."""

    text: str  # as written
    range: VersionRange
    is_newest: bool = False  # "the newest there is": an older one is better than none


def read_node_spec(text: str) -> NodeSpec:
    """The input `node-version`. Raises UserError for what cannot be read, and for test builds."""
    text = text.strip()
    shown = text if len(text) <= 60 else f"{text[:60]}..."
    lowered = text.lower()
    if lowered in _NEWEST:
        return NodeSpec(text=shown, range=_range(f">={_LTS_LINES[0]}", shown), is_newest=True)
    if lowered.startswith("lts/"):
        line = _lts_line(lowered[4:], shown)
        newest = lowered == "lts/*"
        return NodeSpec(text=shown, range=_range(f"{line}.x", shown), is_newest=newest)
    if re.search(r"nightly|canary|-rc\b|-rc\.", lowered[:256]):
        raise UserError(
            f"`{shown}` is a test build of Node, and Skep has releases only",
            hint="run this leg on GitHub, or install that build and put it first in PATH",
        )
    return NodeSpec(text=shown, range=_range(text, shown))


def _lts_line(name: str, shown: str) -> int:
    if name == "*":
        return _LTS_LINES[0]
    if re.fullmatch(r"-\d{1,2}", name) and int(name[1:]) < len(_LTS_LINES):
        return _LTS_LINES[int(name[1:])]
    if name in LTS_NAMES:
        return LTS_NAMES[name]
    raise UserError(
        f"Skep knows no long-term line of Node called `{shown}`",
        hint="write the number instead, as `22`; known: " + ", ".join(f"lts/{known}" for known in LTS_NAMES),
    )


def _range(text: str, shown: str) -> VersionRange:
    found = read_range(text) if text else None
    if found is None:
        raise UserError(
            f"`{shown}` is no version of Node",
            hint="write it as `22`, `22.x`, `22.11.0`, `>=20 <23`, `lts/*`, `lts/jod` or `latest`",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer:
    """What a version file says: a version, another file to look into, or nothing."""

    version: str = ""
    extends: str = ""


def version_in_file(text: str) -> FileAnswer:
    """The version in a `package.json` (volta, devEngines, engines), an `action.yml`, `.nvmrc`, `.node-version` or
    `.tool-versions`, told apart by what is in it."""
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError):
        manifest = None
    if isinstance(manifest, dict):
        return _in_manifest(manifest)
    using = _USING.search(text)
    if using:
        return FileAnswer(version=using[1])
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found = _LINE.search(lines)
    return FileAnswer(version=found[1] if found else lines.strip())


def _in_manifest(manifest: Mapping[str, object]) -> FileAnswer:
    volta = _table(manifest.get("volta"))
    for version in (volta.get("node"), _runtime(manifest), _table(manifest.get("engines")).get("node")):
        if isinstance(version, str) and version:
            return FileAnswer(version=version)
    extends = volta.get("extends")
    return FileAnswer(extends=extends if isinstance(extends, str) else "")


def _runtime(manifest: Mapping[str, object]) -> object:
    runtime = _table(manifest.get("devEngines")).get("runtime")
    for entry in map(_table, runtime if isinstance(runtime, list) else [runtime]):
        name = entry.get("name")
        if isinstance(name, str) and name.lower() == "node" and entry.get("version"):
            return entry["version"]
    return None


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
