"""The processes of this machine as a tree: who is below whom, and how to end them all. Linux (`/proc`).

Killing is done in two passes, because a process may start another one between our look and our kill: first everything
found is stopped, until a look finds nothing new; then everything is killed. What escapes even that (it left the tree
between two looks) comes back as a child of the subreaper, where the caller's next look finds it.
"""

from __future__ import annotations

import errno
import os
import signal
import time

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
ENV_END = 48  # of /proc/PID/stat, counted from the state on
EXEC_LOOKS, EXEC_PAUSE_S = 20, 0.0005
LOOKS = 20  # a tree that still grows after so many looks is killed as far as it is known


def become_subreaper(on: bool = True) -> bool:
    """Makes orphans below this process its children (prctl(2)). False where the system cannot do that."""
    return _prctl(PR_SET_CHILD_SUBREAPER, int(on))


def forbid_inspection() -> bool:
    """Keeps this process's memory and environment from other programs of the same user, such as steps, and from core
    dumps (prctl(2), PR_SET_DUMPABLE); what it starts is not affected. Call it after entering namespaces, which needs
    `/proc/self`. Root's programs may look all the same. False where the system cannot do that.
    """
    return _prctl(PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> bool:
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def children_of(pid: int) -> list[int]:
    """Pids of the direct children, zombies included. Exact for our own children when only this thread reaps them."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        for thread in threads:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.extend(map(int, file.read().split()))
    except FileNotFoundError:
        return _children_by_scan(pid) if os.path.exists(f"/proc/{pid}") and not _HAS_CHILDREN_FILE else found
    except (ProcessLookupError, PermissionError):
        pass
    return found


_HAS_CHILDREN_FILE = os.path.exists("/proc/thread-self/children")  # needs CONFIG_PROC_CHILDREN


def _children_by_scan(pid: int) -> list[int]:
    return [child for child in map(int, filter(str.isdigit, os.listdir("/proc"))) if parent_of(child) == pid]


class OwnChildren:
    """Direct children of this single-threaded process, by one system call."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        path = f"/proc/{self._pid}/task/{self._pid}/children"
        self._file = os.open(path, os.O_RDONLY) if _HAS_CHILDREN_FILE else -1

    def pids(self) -> list[int]:
        """Zombies included. Exact when only the calling thread reaps."""
        if self._file < 0:
            return _children_by_scan(self._pid)
        text = b""
        while part := os.pread(self._file, 1 << 16, len(text)):
            text += part
            if len(part) < 2048:  # the kernel fills at least a page (less one entry) while there is more
                break
        return list(map(int, text.split()))


def parent_of(pid: int) -> int:
    """The parent's pid; 0 when there is no such process."""
    return int(_stat_fields(pid)[1])


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    return _stat_fields(pid)[0] not in (b"Z", b"X", b"")


def _stat_fields(pid: int) -> list[bytes]:
    """Fields of /proc/PID/stat from the state on. Source: proc_pid_stat(5); the name before may hold any byte."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return [b"", b"0"]


def descendants_of(roots: list[int]) -> dict[int, int]:
    """The roots and all below them: pid -> parent's pid (0 for the roots). Parents come before their children."""
    found = dict.fromkeys(roots, 0)
    todo = list(roots)
    while todo:
        parent = todo.pop()
        for child in children_of(parent):
            if child not in found:
                found[child] = parent
                todo.append(child)
    return found


def environ_value(pid: int, name: str) -> str | None:
    """A variable as the process's program was started with it; None without it, or when we may not look."""
    for _ in range(EXEC_LOOKS):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                environ = b"\0" + file.read()
        except OSError:
            return None
        if len(environ) > 1 or not _is_in_exec(pid):
            break
        time.sleep(EXEC_PAUSE_S)
    _, found, rest = environ.partition(b"\0" + name.encode() + b"=")
    return os.fsdecode(rest.partition(b"\0")[0]) if found else None


def _is_in_exec(pid: int) -> bool:
    """Whether the process is between two programs: the new one's memory is there, its environment not yet."""
    fields = _stat_fields(pid)
    return fields[0] not in (b"Z", b"X", b"") and fields[ENV_END] == b"0"


def signal_exactly(pid: int, number: int, parents: dict[int, int]) -> None:
    """Sends a signal to a process that is a child of one of `parents` or of us, never to a later one with its pid."""
    try:
        handle = os.pidfd_open(pid)  # from here on the number means this process, or none
    except OSError as error:
        if error.errno != errno.ESRCH and _is_below(
            pid, parents
        ):  # an old kernel, a sandbox: as good as it gets
            _kill(pid, number)
        return
    try:
        if _is_below(pid, parents):
            signal.pidfd_send_signal(handle, number)
    except OSError:  # already gone, or not ours to kill (setuid): the caller sees who survives
        pass
    finally:
        os.close(handle)


def _is_below(pid: int, parents: dict[int, int]) -> bool:
    parent = parent_of(pid)
    return parent in parents or parent == os.getpid()


def _kill(pid: int, number: int) -> None:
    try:  # noqa: SIM105 - contextlib would make the guard start later
        os.kill(pid, number)
    except OSError:
        pass


def kill_trees(roots: list[int]) -> None:
    """Kills these direct children of ours and everything below them. They still have to be reaped, and looked for again."""
    stopped: set[int] = set()
    family: dict[int, int] = {}
    for _ in range(LOOKS):
        family = descendants_of(roots)
        new = [pid for pid in family if pid not in stopped]
        if not new:
            break
        for pid in new:
            signal_exactly(pid, signal.SIGSTOP, family)
        stopped.update(new)
    for pid in reversed(family):  # children first: the parent by which we know them is still there
        signal_exactly(pid, signal.SIGKILL, family)
