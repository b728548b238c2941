"""Real repositories and real namespaces for tests of trees."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from skep.host.mounts import MNT_DETACH as _MNT_DETACH  # noqa: F401 - loads the module before rights are dropped
from skep.host.namespace import MountAbility, enter_private_mounts
from skep.host.removal import remove_tree

NOBODY = 65534
COPIES = MountAbility(overlay=False, reason="a test wants copies")
Contents = dict[bytes, tuple[str, int, bytes]]


def git(root: str, *arguments: str) -> str:
    """Runs git with a fixed author and without the machine's configuration."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    argv = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *arguments]
    done = subprocess.run(argv, cwd=root, env=env, capture_output=True, check=True)
    return os.fsdecode(done.stdout)


def write(root: str | bytes, path: str | bytes, data: str | bytes = b"x", mode: int = 0o644) -> None:
    """Writes a file below `root`, with its folders."""
    full = os.path.join(os.fsencode(root), os.fsencode(path))
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
    os.chmod(full, mode)


def make_repository(root: str, files: dict[str, str] | None = None) -> str:
    """A repository with one commit; its SHA."""
    os.makedirs(root, exist_ok=True)
    git(root, "init", "-q")
    for path, text in (files if files is not None else {"a.txt": "a\n", "src/b.py": "b\n"}).items():
        write(root, path, text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return git(root, "rev-parse", "HEAD").strip()


def entry(path: bytes) -> tuple[str, int, bytes]:
    """What one path is: kind, executable bits, content."""
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        return "link", 0, os.readlink(path)
    with open(path, "rb") as file:
        return "file", stat.S_IMODE(found.st_mode), file.read()


def contents(folder: str) -> Contents:
    """Every file and link of a folder, without `.git`."""
    top = os.fsencode(folder)
    found: Contents = {}
    for at, folders, files in os.walk(top):
        if b".git" in folders:
            folders.remove(b".git")
        for name in [*files, *(inner for inner in folders if os.path.islink(os.path.join(at, inner)))]:
            full = os.path.join(at, name)
            found[os.path.relpath(full, top)] = entry(full)
    return found


def expected(root: str) -> Contents:
    """What git says belongs to the tree, read from the tree itself."""
    top = os.fsencode(root)
    listed = os.fsencode(git(root, "ls-files", "-z", "-c", "-o", "--exclude-standard")).split(b"\0")
    found: Contents = {}
    for path in listed:
        full = os.path.join(top, path)
        beyond_link = os.path.realpath(os.path.dirname(full)) != os.path.normpath(os.path.dirname(full))
        if (
            path
            and not path.endswith(b"/")
            and not beyond_link
            and os.path.lexists(full)
            and not _is_folder(full)
        ):
            found[path] = entry(full)
    return found


def _is_folder(path: bytes) -> bool:
    return stat.S_ISDIR(os.lstat(path).st_mode)


def inside(work: Callable[[MountAbility], None], *, uid: int = 0, probe_in: str | None = None) -> None:
    """Runs `work` in a child process with private mounts; fails with its traceback. pytest's namespace stays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        receive, send = os.pipe()
        child = os.fork()
    if child == 0:
        _child(work, uid, probe_in, send)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        trouble = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    assert not trouble, trouble
    assert status == 0, f"the child ended with status {status}"


def _child(work: Callable[[MountAbility], None], uid: int, probe_in: str | None, send: int) -> None:
    try:
        if uid:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: as if the user had started this program
        ability = enter_private_mounts(probe_in)
        assert ability.overlay, ability.reason
        work(ability)
    except BaseException:  # noqa: BLE001 - the parent shows it
        os.write(send, traceback.format_exc().encode(errors="replace"))
        os._exit(1)
    os._exit(0)


@contextmanager
def open_folder() -> Iterator[str]:
    """A folder that every user may write into; removed afterwards."""
    folder = tempfile.mkdtemp(prefix="skep-test-", dir="/var/tmp")  # TMPDIR may lie below a closed folder
    os.chmod(folder, 0o777)
    try:
        yield folder
    finally:
        remove_tree(folder)
