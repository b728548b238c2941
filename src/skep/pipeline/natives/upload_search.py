"""What an upload takes: the files its patterns match, and the folder their stored paths begin below.

Source: actions/upload-artifact `search.ts`: one pattern stores paths relative to where its search starts; several, relative to
their least common ancestor; a single file named without wildcards stores its bare name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from skep.host.glob import GlobOptions, find_matches
from skep.host.glob_patterns import read_patterns


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFiles:
    """Absolute paths of files, and the folder above all of them."""

    files: tuple[str, ...]
    root: str
    messages: tuple[str, ...] = ()  # what the real action prints while searching


def find_files(patterns: Sequence[str], workspace: str, home: str, *, hidden: bool) -> FoundFiles:
    """The files to upload. Folders count with all they hold; empty folders are not kept. Raises UserError for a pattern that
    cannot be read, HostError."""
    options = GlobOptions(exclude_hidden=not hidden)
    matches = find_matches(patterns, workspace, options, home=home)
    files = tuple(match.path for match in matches if not match.is_directory)
    starts = search_paths(patterns, workspace, home)
    messages = [
        f"Uploads are case insensitive: {path} was detected that it will be overwritten by another file with the same path"
        for path in _same_but_for_case(files)
    ]
    if len(starts) > 1:
        root = common_ancestor(starts)
        messages.append("Multiple search paths detected. Calculating the least common ancestor of all paths")
        messages.append(
            f"The least common ancestor is {root}. This will be the root directory of the artifact"
        )
    elif list(files) == starts:
        root = os.path.dirname(starts[0])
    else:
        root = starts[0] if starts else workspace
    return FoundFiles(files=files, root=root, messages=tuple(messages))


def stored_path(path: str, root: str) -> str:
    """The path of a file within its artifact."""
    return os.path.relpath(path, root)


def search_paths(patterns: Sequence[str], workspace: str, home: str) -> list[str]:
    """Where the search for each pattern starts, without those that lie within another's."""
    written = read_patterns("\n".join(patterns), root=workspace, home=home)
    paths = list(dict.fromkeys(pattern.search_path for pattern in written if not pattern.negated))
    return [path for path in paths if not any(_is_below(path, other) for other in paths)]


def common_ancestor(paths: Sequence[str]) -> str:
    """The deepest folder that all absolute, normal paths share; a path counts as its own ancestor."""
    return os.path.commonpath(paths)


def _is_below(path: str, folder: str) -> bool:
    return path != folder and path.startswith(folder.rstrip("/") + "/")


def _same_but_for_case(files: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    found = []
    for path in files:
        if path.lower() in seen:
            found.append(path)
        seen.add(path.lower())
    return found
