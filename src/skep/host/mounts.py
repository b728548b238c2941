"""Overlay mounts by mount(2): a private, writable view over read-only lower folders.

The numbers are those of linux/mount.h. Option text follows overlayfs: `:` parts lower folders, `,` parts options, a
backslash takes the meaning from either (Documentation/filesystems/overlayfs.rst of the kernel).
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Sequence
from functools import lru_cache

MS_NOSUID = 2
MS_NODEV = 4
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8
OPTIONS_LIMIT = 4095  # mount(2) copies one page of option text


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """unshare(2). Raises OSError."""
    try:
        call = _libc().unshare
    except AttributeError as exc:
        raise OSError(errno.ENOSYS, "unshare: this system has no namespaces") from exc
    _check(call(ctypes.c_int(flags)), "unshare")


def make_mounts_private() -> None:
    """Lets no mount of ours out of our mount namespace, and none in. Raises OSError."""
    _check(_libc().mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "mount / private")


def escape_option(path: str | bytes) -> bytes:
    """A path as overlayfs reads it inside an option."""
    raw = os.fsencode(path)
    for special in (b"\\", b",", b":"):
        raw = raw.replace(special, b"\\" + special)
    return raw


def overlay_options(lower: Sequence[str], upper: str, work: str, extra: Sequence[str] = ()) -> bytes:
    """The option text of one overlay; the first lower folder is the topmost."""
    parts = [b"lowerdir=" + b":".join(escape_option(path) for path in lower)]
    parts += [b"upperdir=" + escape_option(upper), b"workdir=" + escape_option(work)]
    return b",".join([*parts, *(option.encode() for option in extra)])


def mount_overlay(
    lower: Sequence[str], upper: str, work: str, target: str, *, options: Sequence[str] = ()
) -> None:
    """Mounts an overlay on the existing folder `target`. `upper` and `work` exist on one file system, `work` empty.

    `options` come from the MountAbility of this process. Raises OSError.
    """
    text = overlay_options(lower, upper, work, options)
    if len(text) > OPTIONS_LIMIT:
        raise OSError(errno.ENAMETOOLONG, "mount overlay: the paths are too long")
    flags = ctypes.c_ulong(0)
    _check(
        _libc().mount(b"overlay", os.fsencode(target), b"overlay", flags, text), f"mount overlay on {target}"
    )


def unmount(target: str) -> bool:
    """Unmounts what is mounted on `target`; lazily when something still uses it. False: nothing was mounted there."""
    path = os.fsencode(target)
    for flags in (UMOUNT_NOFOLLOW, UMOUNT_NOFOLLOW | MNT_DETACH):
        if _libc().umount2(path, ctypes.c_int(flags)) == 0:
            return True
        number = ctypes.get_errno()
        if number in (errno.EINVAL, errno.ENOENT):
            return False
        if number != errno.EBUSY:
            break
    raise OSError(number, f"unmount {target}: {os.strerror(number)}")
