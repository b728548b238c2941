"""skep.lock: which commit, and which files, each reference to another repository stood for when it was locked. Pure.

A TOML file, made by `skep actions lock`, sorted, so that its differences read well:

    version = 1

    ["octo/hello/sub@v1"]
    sha = "..."   # of the commit that `v1` named
    tree = "..."  # of all files of that commit, as git names them
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from skep.model.errors import UserError
from skep.model.finding import Location

LOCK_FILE = "skep.lock"
_VERSION = 1
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEAD = "# made by `skep actions lock`: what each action of another repository stands for; commit it, do not edit it\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What one reference stands for."""

    sha: str
    tree: str


Lock = Mapping[str, Locked]
"""`owner/name[/path]@ref` -> what it stands for."""


def parse_lock(text: str, path: str = LOCK_FILE) -> dict[str, Locked]:
    """The entries of a lock file. Raises UserError with the place of what is wrong: half a lock protects nobody."""
    import tomllib  # only when there is a lock

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+), column (\d+)", str(error))
        end = (text.count("\n") + 1, len(text) - text.rfind("\n"))  # tomllib: "at end of document"
        line, column = (int(found[1]), int(found[2])) if found else end
        raise _wrong(f"the lock cannot be read: {error}", path, line, column) from error
    version = table.pop("version", None)
    if version != _VERSION or isinstance(version, bool):
        raise _wrong(f"the lock has the version `{version}`, and this Skep knows {_VERSION}", path)
    return {uses: _entry(uses, value, text, path) for uses, value in table.items()}


def _entry(uses: str, value: object, text: str, path: str) -> Locked:
    if isinstance(value, dict) and value.keys() == {"sha", "tree"}:
        sha, tree = value["sha"], value["tree"]
        if isinstance(sha, str) and isinstance(tree, str) and _ID.fullmatch(sha) and _ID.fullmatch(tree):
            return Locked(sha=sha, tree=tree)
    before, found, _ = text.partition(uses)
    line = before.count("\n") + 1 if found else 1
    raise _wrong(f"the entry `{uses}` must have a `sha` and a `tree`, each a whole id of git", path, line)


def _wrong(message: str, path: str, line: int = 1, column: int = 1) -> UserError:
    where = Location(path=path, line=line, column=column)
    return UserError(
        message, where=where, hint="`skep actions lock` writes it anew; or take it from git again"
    )


def render_lock(lock: Lock) -> str:
    """The text of a lock file."""
    parts = [f"{_HEAD}version = {_VERSION}\n"]
    for uses, entry in sorted(lock.items()):
        # a basic string of TOML is escaped as one of JSON
        parts.append(
            f'[{json.dumps(uses, ensure_ascii=False)}]\nsha = "{entry.sha}"\ntree = "{entry.tree}"\n'
        )
    return "\n".join(parts)
