"""Which files belong to the user's tree: tracked ones, and untracked ones that no rule ignores, as git sees them now.

Asking git walks every folder. What its answer depends on can be watched more cheaply: the tracked set (the index
file), the entries of each folder that git enters (a folder's mtime changes with them), and the files with ignore
rules. While all their stamps stay the same and none is racy, the last listing still holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from skep.host.process import Completed, StartedCommand, run_sync, tool_environment
from skep.model.errors import HostError, UserError

IGNORE_FILE = b".gitignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitPlace:
    """Where git keeps what belongs to a work tree; all absolute."""

    root: str  # the folder under work
    git_dir: str  # of this work tree: HEAD, index
    common_dir: str  # of the repository: objects, refs, config
    prefix: str  # of `root` within its work tree, with a slash at the end; '' = `root` is the top


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The paths of the tree, relative to its root, in git's order; what to watch so as not to ask again."""

    paths: tuple[bytes, ...]
    watched: tuple[bytes, ...]  # folders and rule files; relative to the root, or absolute


def find_git(root: str) -> GitPlace | None:
    """The repository of a folder; None when it is in none. Raises UserError when git refuses to look."""
    plain = os.path.join(root, ".git")
    if os.path.isfile(os.path.join(plain, "HEAD")) and not os.path.lexists(os.path.join(plain, "commondir")):
        return GitPlace(root=root, git_dir=plain, common_dir=plain, prefix="")
    found = _git(root, "rev-parse", "--show-prefix", "--git-dir", "--git-common-dir").finish()
    if found.exit_code != 0:
        if b"not a git repository" in found.stderr:
            return None
        raise UserError(f"git cannot read {root}: {found.complaint}", hint="run `git status` there")
    lines = os.fsdecode(found.stdout).split("\n")
    if len(lines) < 4:
        return None
    git_dir, common_dir = (os.path.normpath(os.path.join(root, line)) for line in lines[1:3])
    return GitPlace(root=root, git_dir=git_dir, common_dir=common_dir, prefix=lines[0])


def _git(root: str, *arguments: str) -> StartedCommand:
    return StartedCommand(["git", "-c", "core.fsmonitor=false", *arguments], cwd=root, env=tool_environment())


def start_listing(root: str) -> StartedCommand:
    """Git begins to list; `read_listing` takes the answer."""
    return _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")


def read_listing(answer: Completed) -> tuple[bytes, ...]:
    """The listed paths. A repository that lies inside and is no submodule (`name/`) is not part of the tree."""
    if answer.exit_code != 0:
        raise HostError(f"git could not list the tree: {answer.complaint}", hint="run `git status`")
    paths = answer.stdout.split(b"\0")
    return tuple(path for path in paths if path and not path.endswith(b"/") and not _inside_git(path))


def _inside_git(path: bytes) -> bool:
    return b".git" in path and b".git" in path.split(b"/")


def walk_listing(root: str) -> tuple[bytes, ...]:
    """Every file and link of a folder that is no git work tree, without any `.git` in it."""
    paths: list[bytes] = []
    folders = [b""]
    while folders:
        folder = folders.pop()
        for name, is_folder in _entries(os.path.join(os.fsencode(root), folder)):
            path = folder + name
            if is_folder and name != b".git":
                folders.append(path + b"/")
            elif not is_folder and name != b".git":
                paths.append(path)
    return tuple(sorted(paths))


def _entries(folder: bytes) -> list[tuple[bytes, bool]]:
    try:
        with os.scandir(folder) as found:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    except OSError:
        return []


def parents_of(paths: Iterable[bytes]) -> set[bytes]:
    """Every folder above the paths; the root is b''."""
    parents = {b""}
    for path in paths:
        folder = path.rpartition(b"/")[0]
        while folder not in parents:
            parents.add(folder)
            folder = folder.rpartition(b"/")[0]
    return parents


def without_linked_folders(paths: tuple[bytes, ...], links: set[bytes]) -> tuple[bytes, ...]:
    """Without paths that lie beyond a symbolic link: git counts those as deleted."""
    if not links & parents_of(paths):
        return paths
    return tuple(path for path in paths if not links & parents_of([path]))


def watch_for(place: GitPlace, paths: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """What the listing depends on besides the listed files themselves."""
    root = os.fsencode(place.root)
    known = parents_of(paths)
    listed = set(paths)
    rules: list[bytes] = []
    todo = sorted(known)
    folders = set(known)
    while todo:
        unknown: list[bytes] = []
        for folder in todo:
            at = folder + b"/" if folder else b""
            for name, is_folder in _entries(os.path.join(root, folder)):
                if is_folder and name != b".git" and at + name not in folders:
                    unknown.append(at + name)
                elif name == IGNORE_FILE and at + name not in listed:
                    rules.append(at + name)
        todo = _not_ignored(place.root, unknown)
        folders.update(todo)
    return (*sorted(folders), *rules, *_rule_files(place))


def _not_ignored(root: str, folders: list[bytes]) -> list[bytes]:
    if not folders:
        return []
    asked = run_sync(
        ["git", "check-ignore", "-z", "--stdin", "--no-index"],
        cwd=root,
        env=tool_environment(),
        input=b"\0".join(folder + b"/" for folder in folders),
    )
    ignored = {path.rstrip(b"/") for path in asked.stdout.split(b"\0")}
    nested = [os.path.join(os.fsencode(root), folder, b".git") for folder in folders]
    return [
        folder
        for folder, git in zip(folders, nested, strict=True)
        if folder not in ignored and not os.path.lexists(git)
    ]


def _rule_files(place: GitPlace) -> list[bytes]:
    """The index, git's configuration files, and the rule files that they name; absolute."""
    settings = _git(place.root, "config", "--list", "--show-origin", "-z").finish().stdout.split(b"\0")
    found = {os.path.join(place.git_dir, "index"), os.path.join(place.common_dir, "info", "exclude")}
    home = tool_environment().get("HOME", "")
    xdg = tool_environment().get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    found |= {"/etc/gitconfig", os.path.join(home, ".gitconfig")}
    found |= {os.path.join(xdg, "git", name) for name in ("config", "ignore")}
    above = place.root
    for _ in range(place.prefix.count("/")):
        above = os.path.dirname(above)
        found.add(os.path.join(above, ".gitignore"))
    for origin, setting in zip(settings[0::2], settings[1::2], strict=False):
        if origin.startswith(b"file:"):
            found.add(os.path.join(place.root, os.fsdecode(origin[5:])))
        key, _, value = os.fsdecode(setting).partition("\n")
        if key == "core.excludesfile":
            found.add(os.path.join(place.root, os.path.expanduser(value)))
    return sorted(os.fsencode(path) for path in found if os.path.isabs(path))


def has_rules_changed(paths: Iterable[bytes]) -> bool:
    """Whether a file with ignore rules is among changed paths."""
    return any(path.endswith(IGNORE_FILE) for path in paths)


def list_submodules(root: str) -> tuple[bytes, ...]:
    """The paths of submodules in a repository's index; () when it is no repository."""
    answer = _git(root, "ls-files", "-z", "--stage").finish()
    entries = (entry.partition(b"\t") for entry in answer.stdout.split(b"\0"))
    return tuple(sorted({path for head, _, path in entries if head.startswith(b"160000 ")}))
