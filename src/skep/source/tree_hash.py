"""What a folder holds, as git names it: the id of its tree, computed from the bytes on the disk, without git."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from skep.model.errors import UserError

GITLINK = "160000"
_SYMLINK = "120000"
_SHA1_DIGITS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One file, link or submodule of a commit."""

    mode: str
    digest: str
    path: str


def parse_listing(output: bytes) -> tuple[TreeEntry, ...]:
    """The entries that `git ls-tree -r -z` prints."""
    entries = []
    for record in output.split(b"\0"):
        if record:
            head, _, name = record.partition(b"\t")
            mode, _, digest = head.decode("ascii").split(" ")
            entries.append(TreeEntry(mode=mode, digest=digest, path=os.fsdecode(name)))
    return tuple(entries)


def check_paths(entries: tuple[TreeEntry, ...], what: str) -> None:
    """Raises UserError when a path of a tree, if written, would leave its folder or reach into `.git`: a tree is bytes that
    anybody may have made."""
    for entry in entries:
        for part in entry.path.split("/"):
            if part in ("", ".", "..") or part.lower() == ".git":
                raise UserError(
                    f"{what} holds the path `{entry.path}`, which leads out of its folder; nothing of it was written",
                    hint="do not use it; its repository was made to do harm, or is broken",
                )


def check_links(folder: str, entries: tuple[TreeEntry, ...], what: str) -> None:
    """Raises UserError when a symbolic link of a written tree leads out of `folder`."""
    top = os.path.realpath(folder)
    for entry in entries:
        if entry.mode != _SYMLINK:
            continue
        path = os.path.join(top, entry.path)
        target = os.readlink(path)
        if os.path.isabs(target) or os.path.commonpath((top, os.path.realpath(path))) != top:
            raise UserError(
                f"{what} holds the link `{entry.path}` to `{target}`, which leads out of its folder; it is not kept",
                hint="do not use it, or ask its author to make the link relative and inside",
            )


def tree_id(folder: str, submodules: Mapping[str, str], digits: int = _SHA1_DIGITS) -> str:
    """The id of the tree that a folder is. `submodules`: path -> commit, for they leave no bytes; `digits`: 40 for SHA-1 ids,
    64 for SHA-256. Modes other than git's own (a pipe, a device) make an id that no tree has. Raises OSError."""
    return _Hasher("sha1" if digits == _SHA1_DIGITS else "sha256", submodules).tree(folder, "")


class _Hasher:
    def __init__(self, algorithm: str, submodules: Mapping[str, str]) -> None:
        self._algorithm = algorithm
        self._submodules = submodules

    def tree(self, folder: str, below: str) -> str:
        items: list[tuple[bytes, bytes]] = []  # sort key, entry
        with os.scandir(folder or ".") as found:
            for item in found:
                path = f"{below}{item.name}"
                if path in self._submodules:
                    continue
                name, mode = os.fsencode(item.name), item.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    if self._is_submodules_parent_only(item.path, path):
                        continue
                    items.append(_entry(name + b"/", b"40000", name, self.tree(item.path, f"{path}/")))
                else:
                    items.append(_entry(name, *self._file(item.path, name, mode)))
        for path, sha in self._submodules.items():
            parent, _, base = path.rpartition("/")
            if (f"{parent}/" if parent else "") == below:
                name = os.fsencode(base)
                items.append(_entry(name + b"/", GITLINK.encode(), name, sha))
        return self._hash(b"tree", b"".join(entry for _, entry in sorted(items)))

    def _is_submodules_parent_only(self, folder: str, path: str) -> bool:
        """An empty folder is nothing to git, unless a submodule should be in it."""
        if any(one.startswith(f"{path}/") for one in self._submodules):
            return False
        with os.scandir(folder) as found:
            return next(found, None) is None

    def _file(self, path: str, name: bytes, mode: int) -> tuple[bytes, bytes, str]:
        if stat.S_ISLNK(mode):
            return b"120000", name, self._hash(b"blob", os.fsencode(os.readlink(path)))
        if not stat.S_ISREG(mode):
            return b"0", name, "0" * _SHA1_DIGITS
        with open(path, "rb") as file:
            digest = self._hash(b"blob", file.read())
        return (b"100755" if mode & stat.S_IXUSR else b"100644"), name, digest

    def _hash(self, kind: bytes, data: bytes) -> str:
        return hashlib.new(self._algorithm, b"%s %d\0" % (kind, len(data)) + data).hexdigest()


def _entry(key: bytes, mode: bytes, name: bytes, digest: str) -> tuple[bytes, bytes]:
    return key, mode + b" " + name + b"\0" + bytes.fromhex(digest)


def stamp_of(folder: str) -> str:
    """Something that changes with any file below a folder: their paths, sizes, modes, inodes and times, not their bytes. A
    thousand files take some milliseconds. Raises OSError."""
    lines: list[str] = []
    _stamp(folder, "", lines)
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()


def _stamp(folder: str, below: str, lines: list[str]) -> None:
    with os.scandir(folder) as found:
        for item in found:
            info = item.stat(follow_symlinks=False)
            path = f"{below}{item.name}"
            if stat.S_ISDIR(info.st_mode):
                lines.append(f"{path}/ {info.st_mode}")
                _stamp(item.path, f"{path}/", lines)
            else:
                lines.append(
                    f"{path} {info.st_mode} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns} {info.st_ino}"
                )
