"""Folders of runs and their jobs: claimed, laid out, used again, removed; those of dead runs are swept.

    <root>/<run>.skep-run      held (flock) by the process of the run as long as it lives
    <root>/<run>/<n>/w/<repository>/<repository>   workspace, as GitHub names it
    <root>/<run>/<n>/{t,h}     temp, HOME

Names are short because programs put Unix sockets below `t`, and a socket's path ends at 107 bytes (unix(7)).
The lock is taken before the folder is made and its file goes after the folder went, so a folder whose lock nobody
holds belongs to nobody. A folder without such a file is not ours: the root may be one where the user keeps other things.
Folders that a job left as they were serve the next one: on a disk, making and removing them costs more than a short job
(measured on ext4: 0.2 ms to make, 0.3 to 10 ms to remove; 0.03 ms to see that nothing changed).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from dataclasses import dataclass

from skep.host.mounts import unmount
from skep.host.removal import remove_tree
from skep.model.errors import HostError
from skep.model.ids import RunId

LOCK = ".skep-run"
FOLDER_MODE = 0o755
MEMORY_NEEDED_BYTES = 64 << 20
REMOVAL_TRIES = 4
RETRY_S = 0.05
_OCTAL = re.compile(rb"\\([0-7]{3})")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlaces:
    """The folders of one job, all absolute."""

    root: str
    workspace: str
    temp: str
    home: str

    def make(self) -> None:
        """Makes the folders. Raises OSError."""
        for folder, _ in self._expected():
            os.mkdir(folder)
            os.chmod(folder, FOLDER_MODE)

    def are_untouched(self) -> bool:
        """Whether everything is as `make` left it; only to be asked when nobody can change it any more."""
        try:
            device = os.lstat(self.root).st_dev
            return all(
                _is_as_made(os.lstat(folder), device) and sorted(os.listdir(folder)) == inside
                for folder, inside in self._expected()
            )
        except OSError:
            return False

    def _expected(self) -> tuple[tuple[str, list[str]], ...]:
        """Each folder, outermost first, with what is in it."""
        inner, name = os.path.split(self.workspace)
        return (
            (self.root, ["h", "t", "w"]),
            (os.path.dirname(inner), [name]),
            (inner, [name]),
            (self.workspace, []),
            (self.temp, []),
            (self.home, []),
        )


def _is_as_made(found: os.stat_result, device: int) -> bool:
    """Whether a folder has its permissions, its owner, and nothing mounted on it."""
    return (found.st_mode, found.st_uid, found.st_dev) == (stat.S_IFDIR | FOLDER_MODE, os.geteuid(), device)


def job_places(root: str, repository: str) -> JobPlaces:
    """Where things of a job are whose root is `root`. Only the part of `repository` behind its last `/` counts."""
    name = safe_name(repository.rpartition("/")[2])
    return JobPlaces(root=root, workspace=f"{root}/w/{name}/{name}", temp=f"{root}/t", home=f"{root}/h")


def safe_name(name: str) -> str:
    """A folder's name for any text: letters, digits and `._-`, no more than 40 characters, never `.` or `..`."""
    name = _UNSAFE.sub("-", name)[:40]
    return name if name.strip(".") else "work"


class RunFolder:
    """The folder of one run, held until `release`."""

    def __init__(self, work_root: str, run_id: RunId) -> None:
        """Claims a folder. Raises HostError."""
        self._root = os.path.abspath(work_root)
        try:
            _make_work_root(self._root)
            self.path, self._lock = self._claim(run_id)
        except OSError as error:
            raise _cannot_make(self._root, error) from error

    def _claim(self, run_id: RunId) -> tuple[str, int]:
        base = safe_name(run_id.rpartition("-")[2])
        for attempt in range(1000):
            path = os.path.join(self._root, f"{base}{attempt or ''}")
            lock = _take_lock(path + LOCK, create=True)
            if lock < 0:
                continue
            try:
                os.mkdir(path, 0o700)
            except FileExistsError:  # of a dead run that was not swept yet: its lock is ours now
                os.close(lock)
                continue
            return path, lock
        raise HostError(f"no free folder below `{self._root}`", hint="remove what is old there")

    def release(self) -> str:
        """Removes the folder and lets go; gives what could not be removed, in words. Safe to repeat."""
        if self._lock < 0:
            return ""
        problem = remove_unmounted(self.path)
        _drop_lock(self.path + LOCK, self._lock, forget=not problem)
        self._lock = -1
        return problem


def default_memory_root(folder: str = "/dev/shm") -> str:  # noqa: S108 - what is made below it is ours alone
    """Where small files live in memory on this machine, for this user; '' where there is no room for them."""
    try:
        room = os.statvfs(folder)
    except OSError:
        return ""
    own = f"{folder}/skep-{os.geteuid()}"
    has_room = room.f_bavail * room.f_frsize >= MEMORY_NEEDED_BYTES
    return own if has_room and os.access(folder, os.W_OK | os.X_OK) and _is_free_or_ours(own) else ""


def _is_free_or_ours(path: str) -> bool:
    """Whether nobody stands at a path that anybody may take, or we do: a link or folder of another user is not for us."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return True
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def sweep_dead_runs(work_root: str) -> list[str]:
    """Removes what runs that no longer live have left; gives what could not be removed, in words. Raises nothing."""
    problems = []
    for path in dead_runs(work_root):
        lock = _take_lock(path + LOCK)
        if lock >= 0:
            problem = remove_unmounted(path)
            _drop_lock(path + LOCK, lock, forget=not problem)
            problems += [problem] if problem else []
    return problems


def dead_runs(work_root: str) -> list[str]:
    """Folders (or mere lock files) of runs whose process is gone. Cheap: one listing and one lock each."""
    try:
        names = os.listdir(work_root)
    except OSError:
        return []
    root = os.path.abspath(work_root)
    runs = [os.path.join(root, name.removesuffix(LOCK)) for name in names if name.endswith(LOCK)]
    return sorted(path for path in runs if _is_dead(path))


def remove_unmounted(path: str) -> str:
    """Like `remove`, after unmounting what is mounted below: removal would go on in what is mounted there."""
    for mount in mounts_below(path):
        try:
            unmount(mount)
        except OSError as error:
            return f"cannot remove `{path}`: `{mount}` is mounted there, and cannot be unmounted: {error.strerror}"
    return remove(path)


def mounts_below(path: str) -> list[str]:
    """Mount points at a path and below it, innermost first."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            points = [_unescape(line.split(b" ", 5)[4]) for line in file]
    except OSError:
        return []
    whole = os.fsencode(os.path.realpath(path))
    below = [point for point in points if point == whole or point.startswith(whole + b"/")]
    return [os.fsdecode(point) for point in sorted(below, key=len, reverse=True)]


def _unescape(field: bytes) -> bytes:
    """Blanks and backslashes are octal there. Source: proc_pid_mountinfo(5)."""
    return _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), field)


def remove(path: str) -> str:
    """Removes a tree, also while somebody still writes into it; gives what stands in the way, in words, or ''."""
    for attempt in range(REMOVAL_TRIES):
        try:
            remove_tree(path)
        except OSError as error:
            problem = f"cannot remove `{error.filename or path}`: {error.strerror}"
            if attempt < REMOVAL_TRIES - 1:
                time.sleep(RETRY_S * attempt)
        else:
            return ""
    return problem


def _make_work_root(path: str) -> None:
    os.makedirs(path, mode=0o700, exist_ok=True)
    found = os.stat(path)
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise HostError(
            f"others can write to the work folder `{path}`", hint=f"`chmod 700 {path}`, or choose another one"
        )


def _take_lock(path: str, *, create: bool = False) -> int:
    """An open file that holds the lock; -1 when somebody else holds it, or there is none. With `create`: raises OSError."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0), 0o600)
    except OSError:  # a step may also have put a link or a folder there
        if create:
            raise
        return -1
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_nlink:  # else a sweep removed it between our two calls
            return lock
    except BlockingIOError:
        pass
    os.close(lock)
    return -1


def _drop_lock(path: str, lock: int, *, forget: bool) -> None:
    if forget:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    os.close(lock)


def _is_dead(path: str) -> bool:
    lock = _take_lock(path + LOCK)
    if lock >= 0:
        os.close(lock)
    return lock >= 0


def _cannot_make(path: str, error: OSError) -> HostError:
    return HostError(
        f"cannot make folders below `{path}`: {error.strerror}",
        hint="free some space, or choose another work folder",
    )
