"""Copies of trees: chosen paths of one folder into another, faithfully, and told when a file changed meanwhile."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from skep.host.files import copy_file, copy_link
from skep.host.removal import remove_tree

from .stamps import UNKNOWN, Stamp, stamp_of

TRIES = 5
PAUSE_S = 0.005


@dataclass(slots=True, kw_only=True)
class Copied:
    """What a copy found: stamps of files as they were copied, paths that are gone, paths nobody lets us read."""

    stamps: dict[bytes, Stamp] = field(default_factory=dict)
    gone: list[bytes] = field(default_factory=list)
    unreadable: list[bytes] = field(default_factory=list)


class TreeCopier:
    """Copies files, links and submodule folders from `source` to `target`, both absolute. One thread at a time."""

    def __init__(self, source: str, target: str) -> None:
        self._source = os.fsencode(source)
        self._target = os.fsencode(target)
        self._reflink = True  # until the file systems refuse
        self._made = {b""}
        self.reflinked = 0

    def copy(self, paths: Iterable[bytes]) -> Copied:
        """Puts each path at the same place in the target, over whatever is there. Raises OSError (full disk)."""
        copied = Copied()
        for path in paths:
            try:
                found = self._copy_one(path)
            except PermissionError:
                copied.unreadable.append(path)
            else:
                if found is None:
                    copied.gone.append(path)
                else:
                    copied.stamps[path] = found
        return copied

    def remove(self, paths: Iterable[bytes]) -> None:
        """Removes files and links from the target, and folders that are empty then.

        A folder that holds something stays. Never goes through a link: what is beyond it is not in the target.
        """
        parents = set()
        for path in paths:
            parent = path.rpartition(b"/")[0]
            if not self._is_inside(parent):
                continue
            try:
                os.unlink(self._target + b"/" + path)
            except (IsADirectoryError, PermissionError):
                self._prune(path)
            except FileNotFoundError:
                pass
            parents.add(parent)
        for folder in parents:
            self._prune(folder)
        self._made = {b""}

    def _is_inside(self, folder: bytes) -> bool:
        """Whether the folder is there, and no part of its path is a link. Remembered for the length of a removal."""
        if folder in self._made:
            return True
        if not self._is_inside(folder.rpartition(b"/")[0]):
            return False
        try:
            inside = stat.S_ISDIR(os.lstat(self._target + b"/" + folder).st_mode)
        except FileNotFoundError:
            return False
        if inside:
            self._made.add(folder)
        return inside

    def _prune(self, folder: bytes) -> None:
        while folder:
            try:
                os.rmdir(self._target + b"/" + folder)
            except FileNotFoundError:
                pass
            except OSError:
                return
            folder = folder.rpartition(b"/")[0]

    def _copy_one(self, path: bytes) -> Stamp | None:
        self._make_parents(path.rpartition(b"/")[0])
        source, target = self._source + b"/" + path, self._target + b"/" + path
        seen: Stamp | None = None
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE_S)
            try:
                seen = self._put(source, target)
                if seen is None or stamp_of(os.lstat(source)) == seen:
                    return seen
            except FileNotFoundError:
                remove_tree(target)
                return None
            except OSError as exc:
                if exc.errno not in (errno.ELOOP, errno.EINVAL, errno.ENXIO):
                    raise
        return None if seen is None else (*UNKNOWN[:4], seen[4])

    def _put(self, source: bytes, target: bytes) -> Stamp | None:
        """Copies whatever is there now; its stamp before, None for what no tree holds (a pipe, a device)."""
        found = os.lstat(source)
        if stat.S_ISREG(found.st_mode):
            return stamp_of(self._put_file(source, target))
        if stat.S_ISLNK(found.st_mode):
            remove_tree(target)
            copy_link(source, target)
            return stamp_of(found)
        if stat.S_ISDIR(found.st_mode):
            self._make_folder(target)
            return stamp_of(found)
        return None

    def _put_file(self, source: bytes, target: bytes) -> os.stat_result:
        try:
            method, before = copy_file(source, target, reflink=self._reflink)
        except FileExistsError:
            remove_tree(target)
            method, before = copy_file(source, target, reflink=self._reflink)
        if method == "reflink":
            self.reflinked += 1
        elif before.st_size:
            self._reflink = False
        return before

    def _make_parents(self, folder: bytes) -> None:
        if folder in self._made:
            return
        self._make_parents(folder.rpartition(b"/")[0])
        self._make_folder(self._target + b"/" + folder)
        self._made.add(folder)

    def _make_folder(self, target: bytes) -> None:
        try:
            os.mkdir(target, 0o755)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(target).st_mode):
                remove_tree(target)
                os.mkdir(target, 0o755)
