"""A file's stamp: what stat says of it, by which we tell that it has not changed since.

The racy rule (as for git's index): a file that was changed within the same tick of the file system's clock as it was
read has the stamp it would have had anyway. So a stamp proves nothing when its ctime is not older than the scan, less
one tick. We compare ctime, not mtime: `cp -p` and `touch -d` set the latter. Where times are whole seconds, a tick is
two of them (FAT).
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable

Stamp = tuple[int, int, int, int, int]  # mtime ns, ctime ns, size, inode, mode

ABSENT: Stamp = (0, 0, -1, 0, 0)
UNKNOWN: Stamp = (0, 0, -2, 0, 0)  # equal to no file's, whatever the mode
FIELDS = 5
HALF = 1 << 63
TICK_NS = 50_000_000  # the kernel's coarse clock stands still for up to 10 ms
COARSE_TICK_NS = 2_000_000_000
SECOND_NS = 1_000_000_000


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a stat result."""
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode)


def stamp(path: str | bytes) -> Stamp:
    """The stamp of a path now; links are not followed. ABSENT when nothing can be seen there."""
    try:
        return stamp_of(os.lstat(path))
    except OSError:
        return ABSENT


def stamps_under(root: str, paths: Iterable[bytes]) -> array[int]:
    """The stamps of many paths, flat: FIELDS numbers for each. An absolute path stands for itself."""
    found_all: list[int] = []
    look = os.stat
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for path in paths:
            try:
                found = look(path or b".", dir_fd=folder, follow_symlinks=False)
            except OSError:
                found_all += ABSENT
            else:
                found_all += (
                    found.st_mtime_ns,
                    found.st_ctime_ns,
                    found.st_size,
                    found.st_ino,
                    found.st_mode,
                )
    finally:
        os.close(folder)
    return flat(found_all)


def flat(numbers: Iterable[int]) -> array[int]:
    """Numbers of stamps as signed 64-bit ones; larger ones (inodes of some file systems) wrap around."""
    given = tuple(numbers)
    try:
        return array("q", given)
    except OverflowError:
        return array("q", [(number + HALF) % (2 * HALF) - HALF for number in given])


def stamp_at(stamps: array[int], index: int) -> Stamp:
    """The stamp number `index` of a flat list."""
    mtime, ctime, size, inode, mode = stamps[index * FIELDS : index * FIELDS + FIELDS]
    return (mtime, ctime, size, inode, mode)


def is_racy(ctime_ns: int, taken_at_ns: int) -> bool:
    """Whether a stamp seen at `taken_at_ns` may hide a later change."""
    tick = TICK_NS if ctime_ns % SECOND_NS else COARSE_TICK_NS
    return ctime_ns + tick >= taken_at_ns


def any_racy(stamps: array[int], taken_at_ns: int) -> bool:
    """Whether any stamp of a flat list is racy."""
    ctimes = stamps[1::FIELDS]
    if not ctimes:
        return False
    newest = max(ctimes)
    if newest + TICK_NS >= taken_at_ns:
        return True
    return newest + COARSE_TICK_NS >= taken_at_ns and any(is_racy(ctime, taken_at_ns) for ctime in ctimes)
