"""Files on this machine: whole writes and faithful copies (removal of trees: `removal.py`).

Paths may be `str` or `bytes`; names that are no UTF-8 pass through. Symbolic links are never followed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from typing import AnyStr, Literal

CopyMethod = Literal["reflink", "copy"]

FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)
SMALL_BYTES = 256 * 1024  # up to here one read and one write are the quickest copy
CHUNK_BYTES = 1 << 30
NO_SUPPORT = frozenset({errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.ENOTTY, errno.EPERM})
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def atomic_write(path: str, data: bytes, *, mode: int = 0o644) -> None:
    """Puts `data` at `path`, whole or not at all: a sibling is written, then renamed over it. Raises OSError."""
    temporary = f"{path}.{os.getpid()}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def regular_only(path: str, flags: int) -> int:
    """An `opener` for open() and files that somebody else may have put there: never waits for the writer of a pipe, never
    reads a device. Links are followed. Raises OSError: EINVAL when it is no regular file.
    """
    if "\0" in path:
        raise OSError(errno.EINVAL, "a NUL byte in the name", path)
    handle = os.open(path, flags | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return handle


def read_regular(path: str, limit_bytes: int) -> bytes:
    """The first bytes of a file, opened as `regular_only` does. Raises OSError."""
    with os.fdopen(regular_only(path, os.O_RDONLY), "rb") as file:
        return file.read(limit_bytes)


def free_bytes(path: str) -> int:
    """Bytes that this user may still write on the file system of `path`."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def copy_file(source: AnyStr, target: AnyStr, *, reflink: bool = True) -> tuple[CopyMethod, os.stat_result]:
    """Copies one regular file to a new path with its permission bits and mtime (ns): the method, and what the source
    was before the copy. The caller compares that with a later stat to learn of a change meanwhile.

    Raises OSError: ELOOP when `source` is a link by now, EEXIST when `target` exists, EINVAL for a device or pipe.
    """
    reader = os.open(source, _READ)
    try:
        before = os.fstat(reader)
        if not stat.S_ISREG(before.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fsdecode(source))
        writer = os.open(target, _CREATE, 0o600)
        try:
            method = _fill(reader, writer, before.st_size, reflink)
            os.fchmod(writer, stat.S_IMODE(before.st_mode) & 0o777)
            os.utime(writer, ns=(before.st_mtime_ns, before.st_mtime_ns))
        except BaseException:
            os.unlink(target)  # a full disk must not be kept full by half a file
            raise
        finally:
            os.close(writer)
    finally:
        os.close(reader)
    return method, before


def copy_link(source: AnyStr, target: AnyStr) -> None:
    """Copies a symbolic link itself, with its mtime. Raises OSError: EINVAL when `source` is no link by now."""
    found = os.lstat(source)
    os.symlink(os.readlink(source), target)
    os.utime(target, ns=(found.st_mtime_ns, found.st_mtime_ns), follow_symlinks=False)


def _fill(reader: int, writer: int, size: int, reflink: bool) -> CopyMethod:
    if reflink and size > 0 and _clone(reader, writer):
        return "reflink"
    if size <= SMALL_BYTES:
        while chunk := os.read(reader, SMALL_BYTES + 1):
            _write_all(writer, chunk)
        return "copy"
    _fill_large(reader, writer)
    return "copy"


def _clone(reader: int, writer: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(writer, FICLONE, reader)
    except OSError as exc:
        if exc.errno in NO_SUPPORT:
            return False
        raise
    return True


def _fill_large(reader: int, writer: int) -> None:
    copied = 0
    try:
        while sent := os.copy_file_range(reader, writer, CHUNK_BYTES):
            copied += sent
    except (OSError, AttributeError) as exc:
        if copied or not (isinstance(exc, AttributeError) or exc.errno in NO_SUPPORT):
            raise
    if copied:
        return
    while chunk := os.read(reader, 1 << 20):
        _write_all(writer, chunk)


def _write_all(writer: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(writer, view) :]


def same_content(one: AnyStr, other: AnyStr) -> bool:
    """Whether two regular files hold the same bytes, or two links the same target. False when either is missing."""
    try:
        mode, other_mode = os.lstat(one).st_mode, os.lstat(other).st_mode
        if stat.S_ISLNK(mode) and stat.S_ISLNK(other_mode):
            return os.readlink(one) == os.readlink(other)
        if not (stat.S_ISREG(mode) and stat.S_ISREG(other_mode)):
            return False
        return _same_bytes(one, other)
    except OSError:
        return False


def _same_bytes(one: AnyStr, other: AnyStr) -> bool:
    first = os.open(one, _READ)
    try:
        second = os.open(other, _READ)
        try:
            if os.fstat(first).st_size != os.fstat(second).st_size:
                return False
            while True:
                left, right = os.read(first, 1 << 18), os.read(second, 1 << 18)
                if left != right:
                    return False
                if not left:
                    return True
        finally:
            os.close(second)
    finally:
        os.close(first)
