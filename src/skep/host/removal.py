"""Removal of trees that does not stop at odd permissions, and knows no depth limit.

One folder is open at a time: going up is `..`, checked against the folder we came from, so that nobody who moves
folders meanwhile can lead us out of the tree. Symbolic links are removed, never followed.
"""

from __future__ import annotations

import errno
import os
import stat

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: str | bytes) -> None:
    """Removes a file, link or whole tree; folders without permission are opened up. Missing is fine.

    Raises OSError when something remains (a mount point, another user's folder).
    """
    whole = os.path.abspath(os.fsencode(path))
    try:
        parent = os.open(os.path.dirname(whole), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    name = os.path.basename(whole)
    try:
        if _is_folder(parent, name):
            _empty(_open(parent, name))
            _rmdir(parent, name)
        else:
            _unlink(parent, name)
    finally:
        os.close(parent)


def empty_folder(path: str | bytes) -> None:
    """Removes what is in a folder and keeps the folder itself, which may be somebody's working directory."""
    _empty(os.open(path, _FOLDER))


def _empty(folder: int) -> None:
    """Removes everything in an open folder, then closes it."""
    above: list[
        tuple[bytes, tuple[int, int], list[bytes]]
    ] = []  # name of the open folder, its parent, what is left there
    todo = _unlink_files(folder)
    try:
        while todo or above:
            if todo:
                name = todo.pop()
                here = os.fstat(folder)
                inner = _open(folder, name)
                os.close(folder)
                folder = inner
                above.append((name, (here.st_dev, here.st_ino), todo))
                todo = _unlink_files(folder)
            else:
                name, identity, todo = above.pop()
                parent = os.open(b"..", _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = parent
                found = os.fstat(folder)
                if (found.st_dev, found.st_ino) != identity:
                    raise OSError(
                        errno.EAGAIN, "the folder was moved while it was removed", os.fsdecode(name)
                    )
                _rmdir(folder, name)
    finally:
        os.close(folder)


def _unlink_files(folder: int) -> list[bytes]:
    """Unlinks what is no folder; the names of the folders."""
    folders = []
    with os.scandir(folder) as entries:
        found = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if is_folder:
            folders.append(name)
        else:
            _unlink(folder, name)
    return folders


def _is_folder(parent: int, name: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _unlink(folder: int, name: bytes) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except PermissionError:
        os.fchmod(folder, 0o700)
        os.unlink(name, dir_fd=folder)


def _rmdir(folder: int, name: bytes) -> None:
    try:
        os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except PermissionError:
        os.fchmod(folder, 0o700)
        os.rmdir(name, dir_fd=folder)


def _open(folder: int, name: bytes) -> int:
    try:
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=folder)
        inner = os.open(name, _FOLDER, dir_fd=folder)
    mode = stat.S_IMODE(os.fstat(inner).st_mode)
    if mode & 0o700 != 0o700 and os.geteuid() != 0:
        os.fchmod(inner, 0o700)
    return inner
