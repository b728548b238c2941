"""Which Nodes are on this machine, and the best one for a wish.

Looked for in the tool caches, in what nvm, fnm, volta, asdf and mise have installed, and on PATH.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skep.host.files import atomic_write
from skep.host.process import run_sync
from skep.model.errors import HostError

from .setup_places import ToolPlaces, file_stamp, find_complete, is_script, names_in, program_folders
from .setup_ranges import ToolVersion, VersionRange, read_version_text

ANSWER_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundNode:
    """A Node that was found."""

    version: ToolVersion
    executable: str  # links seen through: its npm is beside it
    source: str  # where it comes from, in a word: `nvm`

    def __str__(self) -> str:
        return f"{self.version} ({self.source})"


class NodeProbe:
    """Asks programs for their version. Answers are kept in `folder`, for later runs. Threads may share it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._known: dict[str, ToolVersion | None] = {}
        self._lock = threading.Lock()

    def ask(self, executable: str) -> ToolVersion | None:
        """The version; None for what is no working Node."""
        stamp = file_stamp(executable)
        if not stamp:
            return None
        with self._lock:
            if stamp not in self._known:
                self._known[stamp] = self._remembered(stamp) or self._asked(stamp, executable)
            return self._known[stamp]

    def _remembered(self, stamp: str) -> ToolVersion | None:
        try:
            with open(f"{self._folder}/{stamp}.json", "rb") as file:
                answer = json.loads(file.read(4096))
        except (OSError, ValueError):
            return None
        return read_version_text(answer) if isinstance(answer, str) else None

    def _asked(self, stamp: str, executable: str) -> ToolVersion | None:
        version = ask_version(executable)
        if version:
            os.makedirs(self._folder, exist_ok=True)
            atomic_write(f"{self._folder}/{stamp}.json", json.dumps(str(version)).encode())
        return version


def ask_version(executable: str) -> ToolVersion | None:
    """What `node --version` says; None when it does not work here."""
    try:
        done = run_sync([executable, "--version"], cwd="/", env={"PATH": os.defpath}, timeout_s=ANSWER_S)
    except HostError:
        return None
    return read_version_text(done.stdout.decode(errors="replace")) if done.exit_code == 0 else None


def find_node(wanted: VersionRange, places: ToolPlaces, probe: NodeProbe) -> FoundNode | None:
    """The newest that fits and works; None when there is none. Of equal versions the first by the order of places."""
    fitting = [one for one in list_nodes(places, probe) if wanted.has(one.version)]
    for one in sorted(fitting, key=lambda one: one.version.key, reverse=True):
        if probe.ask(one.executable) == one.version:
            return one
    return None


def list_nodes(places: ToolPlaces, probe: NodeProbe) -> list[FoundNode]:
    """All that are there, by what their folders are called; those on PATH were asked."""
    return [*_in_tool_caches(places), *_of_managers(places), *_on_path(places, probe)]


def _in_tool_caches(places: ToolPlaces) -> Iterator[FoundNode]:
    for name, folder in find_complete(places.tool_caches, "node", places.architecture):
        yield from _named(name, folder, "tool cache")


def _of_managers(places: ToolPlaces) -> Iterator[FoundNode]:
    for variable, inside, below, source in (
        ("NVM_DIR", "versions/node", "", "nvm"),
        ("FNM_DIR", "node-versions", "/installation", "fnm"),
        ("VOLTA_HOME", "tools/image/node", "", "volta"),
        ("ASDF_DATA_DIR", "installs/nodejs", "", "asdf"),
        ("MISE_DATA_DIR", "installs/node", "", "mise"),
    ):
        root = places.env.get(variable)
        for name in names_in(f"{root}/{inside}") if root else []:
            yield from _named(name, f"{root}/{inside}/{name}{below}", source)


def _named(name: str, folder: str, source: str) -> Iterator[FoundNode]:
    version, executable = read_version_text(name), f"{folder}/bin/node"
    if version and os.access(executable, os.X_OK):
        yield FoundNode(version=version, executable=os.path.realpath(executable), source=source)


def _on_path(places: ToolPlaces, probe: NodeProbe) -> Iterator[FoundNode]:
    seen: set[str] = set()
    for folder in program_folders(places.env):
        for name in ("node", "nodejs"):
            real = os.path.realpath(f"{folder}/{name}")
            # volta's `node` is a link to its own program, which takes its orders from the name it is called by
            if real in seen or not os.path.basename(real).startswith("node") or is_script(real):
                continue
            seen.add(real)
            version = probe.ask(real)
            if version:
                yield FoundNode(version=version, executable=real, source="PATH")


def shown_nodes(found: Sequence[FoundNode]) -> str:
    """The versions that are there, for a message, newest first."""
    by_version = {one.version.key: one for one in reversed(found)}
    return ", ".join(str(by_version[key]) for key in sorted(by_version, reverse=True))
