"""Where cached files are, in a job and in an archive.

Each job has its own workspace, HOME and temp, so an archive names them by what they are for: `workspace/a`, `home/.npm`,
`temp/x`; everything else by its absolute path behind `root/`. Restoring writes only what the action's own `path` covers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from skep.cache.tar_headers import TarError
from skep.host.glob import GlobOptions, find_matches
from skep.host.glob_patterns import read_patterns
from skep.pipeline.ports import JobBox


class CachePlaces:
    """The paths of one cache step."""

    def __init__(self, box: JobBox, home: str, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        self._workspace = box.workspace
        self._home = home
        roots = {"workspace": box.workspace, "home": home, "temp": box.temp}
        self._roots = {name: os.path.normpath(path) for name, path in roots.items() if path}
        written = read_patterns("\n".join(patterns), root=box.workspace, home=home)
        self._covered = [pattern.search_path for pattern in written if not pattern.negated]

    def members(self) -> list[tuple[str, str]]:
        """What `path` matches now: each path and its name in the archive. Folders stand for all they hold.
        Raises UserError for a pattern that cannot be read, HostError."""
        options = GlobOptions(implicit_descendants=False)
        found = find_matches(self._patterns, self._workspace, options, home=self._home)
        return [(match.path, self.name_of(match.path)) for match in found]

    def name_of(self, path: str) -> str:
        """The archive's name for an absolute path."""
        inside = [(root, name) for name, root in self._roots.items() if _is_within(path, root)]
        if not inside:
            return f"root{path}".rstrip("/")
        root, name = max(inside, key=lambda pair: len(pair[0]))
        return os.path.normpath(os.path.join(name, os.path.relpath(path, root)))

    def place(self, name: str) -> str:
        """The absolute path for an archive's name. Raises TarError for a name that `path` does not cover."""
        kind, _, rest = name.partition("/")
        root = "/" if kind == "root" else self._roots.get(kind)
        if root is None or any(part in (".", "..") for part in rest.split("/")):
            raise TarError(f"the archive holds a name it must not: {name!r}")
        return self._covered_path(os.path.join(root, rest.lstrip("/")), name)

    def place_relative(self, name: str) -> str:
        """The same for an archive of GitHub's toolkits, whose names are relative to the workspace, or absolute."""
        return self._covered_path(os.path.join(self._workspace, name), name)

    def _covered_path(self, path: str, name: str) -> str:
        path = os.path.normpath(path)
        if not any(_is_within(path, covered) for covered in self._covered):
            raise TarError(f"the archive holds a name that `path` does not cover: {name!r}")
        return path


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
