"""Copies of a snapshot. Its files do not change, so what the manifest says of them need not be asked again: seven
system calls for each small file instead of eleven. One thread: two are slower, file systems lock the folder anyway.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from skep.host.files import copy_file

from .stamps import Stamp

SMALL_BYTES = 256 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Replica:
    """A folder that becomes a copy of known files; it exists, and nothing is in the places that will be filled."""

    def __init__(self, target: str) -> None:
        self._target = os.fsencode(target) + b"/"
        self._made = {b""}
        self._stripped: dict[int, bool] = {}  # mode -> whether our umask takes bits of it
        self.reflinked = False
        self._may_reflink = True

    def add(self, layer: str, entries: Iterable[tuple[bytes, Stamp]]) -> None:
        """Copies files, links and folders from one layer. Raises OSError."""
        source = os.fsencode(layer) + b"/"
        for path, (mtime_ns, _, size, _, mode) in entries:
            self._make_folder(path.rpartition(b"/")[0])
            if stat.S_ISREG(mode):
                self._add_file(source + path, self._target + path, size, mode & 0o777, mtime_ns)
            elif stat.S_ISLNK(mode):
                os.symlink(os.readlink(source + path), self._target + path)
                os.utime(self._target + path, ns=(mtime_ns, mtime_ns), follow_symlinks=False)
            else:
                self._make_folder(path)

    def _make_folder(self, folder: bytes) -> None:
        missing = []
        while folder not in self._made:
            self._made.add(folder)
            missing.append(folder)
            folder = folder.rpartition(b"/")[0]
        for path in reversed(missing):
            os.mkdir(self._target + path, 0o755)

    def _add_file(self, source: bytes, target: bytes, size: int, mode: int, mtime_ns: int) -> None:
        if size > SMALL_BYTES or size < 0 or (self._may_reflink and size):
            self._may_reflink = copy_file(source, target, reflink=self._may_reflink)[0] == "reflink"
            self.reflinked |= self._may_reflink
            return
        reader = os.open(source, _READ)
        try:
            data = os.read(reader, size + 1)
        finally:
            os.close(reader)
        writer = os.open(target, _CREATE, mode)
        try:
            if data and os.write(writer, data) != len(data):
                raise OSError("a short write: the disk is full")
            if self._strips(writer, mode):
                os.fchmod(writer, mode)
            os.utime(writer, ns=(mtime_ns, mtime_ns))
        finally:
            os.close(writer)

    def _strips(self, writer: int, mode: int) -> bool:
        known = self._stripped.get(mode)
        if known is None:
            known = self._stripped[mode] = stat.S_IMODE(os.fstat(writer).st_mode) != mode
        return known
