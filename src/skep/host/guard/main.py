"""The guard: starts processes when told, reaps them, reports their ends, and kills everything when its run is gone.

    start -> [request | a child ended | time to look again]* -> socket closed or parent dead -> kill all -> end

Single-threaded. The only blocking call besides poll(2) is sending to the run, which a dying run unblocks.
Started as a program by `launch`; the socket is file descriptor 3.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import time

from .family import Family, Started
from .tree import become_subreaper, forbid_inspection, is_alive, kill_trees
from .wire import (
    BROKEN,
    CHUNK_BYTES,
    ENDED,
    FAILED,
    KILL_TRACKED,
    KILLED,
    SIGNAL,
    SPAWN,
    Frames,
    pack,
)

TYPE_CHECKING = False  # as in `typing`, without its import
if TYPE_CHECKING:
    from .wire import Message

SOCKET_FD = 3
LOOK_AGAIN_MS = 10
GIVE_UP_S = (
    3.0  # a process in uninterruptible sleep, or one that is not ours to kill, is reported, not waited for
)
KEPT_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTSTP,
)  # meant for the run, not for its guard


class Doom:
    """A wish that processes die: asked again and again until none is left."""

    __slots__ = ("deadline", "number", "request", "tracking")

    def __init__(self, *, number: int = 0, request: int = 0, tracking: str = "") -> None:
        self.number = number
        self.request = request
        self.tracking = tracking
        self.deadline = time.monotonic() + GIVE_UP_S


class Guard:
    """The state of one guard and what it does at each turn."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.family = Family()
        self.frames = Frames()
        self.received_fds: list[int] = []  # one for each SPAWN; -1: lost, we were out of file descriptors
        self.dooms: list[Doom] = []
        self.path: str | None = ""  # what posix_spawnp searches now
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.default_signals = [
            number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN
        ]

    # --- what the run says ----------------------------------------------------------------------------------------
    def receive(self) -> bool:
        """Reads and obeys what has come. False when the run closed the socket."""
        try:
            data, ancillary, flags, _ = self.sock.recvmsg(
                CHUNK_BYTES, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionError:
            return False
        for _, _, payload in ancillary:
            self.received_fds.append(int.from_bytes(payload[:4], "little"))
        if flags & socket.MSG_CTRUNC and not ancillary:
            self.received_fds.append(-1)
        for message in self.frames.feed(data):
            self.obey(message)
        return bool(data)

    def obey(self, message: Message) -> None:
        """Carries out one request."""
        kind = message[0]
        if kind == SPAWN:
            _, number, tracking, argv, cwd, env = message
            self.spawn(number, tracking, argv, cwd, env)
        elif kind == SIGNAL:
            _, number, signal_number = message
            self.signal(number, signal_number)
        elif kind == KILL_TRACKED:
            _, request, tracking = message
            self.family.adopt([])
            self.dooms.append(Doom(request=request, tracking=tracking))
            self.execute_dooms()

    def spawn(self, number: int, tracking: str, argv: list[str], cwd: str, env: dict[str, str]) -> None:
        """Starts a process, or says why not."""
        output = self.received_fds.pop(0)
        stage, code, text = "start", 0, ""
        try:
            self.use_path(env.get("PATH"))
            if output < 0:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            stage = "cwd"
            os.chdir(cwd)
            stage = "start"
            pid = os.posix_spawnp(
                argv[0],
                argv,
                env,
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, self.null, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                ),
                setsid=True,
                setsigmask=(),
                setsigdef=self.default_signals,
            )
            self.family.add(number, pid, tracking)
        except OSError as error:
            code, text = error.errno or 0, str(error.strerror)
            if code == errno.ENOENT and stage == "start" and not is_there(argv[0], env):
                stage = "find"
        except (ValueError, IndexError) as error:  # NUL byte, `=` in a name, text that no encoding can write
            code, text = errno.EINVAL, str(error)
        finally:
            os.chdir("/")  # else a workspace could not be unmounted
            if output >= 0:
                os.close(output)
        if code:
            self.send((FAILED, number, stage, code, text))

    def use_path(self, path: str | None) -> None:
        """Makes posix_spawnp search this PATH: it asks our own environment, in C, not that of the new process."""
        if path == self.path:
            return
        if path is None:
            os.unsetenv("PATH")
        else:
            os.putenv("PATH", path)  # ValueError: a step may have written anything into GITHUB_PATH
        self.path = path

    def signal(self, number: int, signal_number: int) -> None:
        """INT or TERM to the process group while its leader lives; KILL to all that came of it."""
        if signal_number == signal.SIGKILL:
            self.family.adopt([])
            self.dooms.append(Doom(number=number))
            self.execute_dooms()
            return
        process = self.family.by_number.get(number)
        if process is not None:
            try:  # noqa: SIM105 - contextlib would make the guard start later
                os.killpg(process.pid, signal_number)
            except OSError:  # gone, or setuid
                pass

    # --- what the children do -------------------------------------------------------------------------------------
    def reap(self) -> None:
        """Takes in all ended children and reports those we started."""
        ended: list[tuple[Started, int, float, int]] = []
        while self.family.started or self.family.orphans or not ended:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            process = self.family.reaped(pid)
            if process is not None:
                ended.append((process, status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024))
        if not ended:
            return
        self.family.adopt([process for process, *_ in ended])
        for process, status, cpu_s, peak_bytes in ended:
            leftovers = self.family.has_leftovers(process.tracking)
            self.send((ENDED, process.number, status, cpu_s, peak_bytes, leftovers))

    def execute_dooms(self) -> None:
        """Kills what is doomed; what is dead is answered, what does not die in time is reported."""
        for doom in self.dooms[:]:
            roots = self.doomed_roots(doom)
            kill_trees(roots)
            self.reap()
            self.family.adopt([])
            left = [pid for pid in self.doomed_roots(doom) if is_alive(pid)]
            if left and time.monotonic() < doom.deadline:
                continue
            self.dooms.remove(doom)
            if doom.request:
                self.family.forget_job(doom.tracking)
                self.send((KILLED, doom.request, left))

    def doomed_roots(self, doom: Doom) -> list[int]:
        """Our direct children that this doom means."""
        if doom.request:
            return self.family.roots_of_job(doom.tracking)
        return self.family.roots_of_process(doom.number)

    def send(self, message: Message) -> None:
        """Tells the run; when it is gone, the main loop sees that by itself."""
        try:  # noqa: SIM105
            self.sock.sendall(pack(message))
        except OSError:
            pass

    # --- turns ------------------------------------------------------------------------------------------------------
    def serve(self, parent_pid: int) -> None:
        """Runs until the run closes the socket or dies."""
        woken, wake = os.pipe()
        for fd in (woken, wake):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, _noticed)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(woken, select.POLLIN)
        poll.register(self.sock, select.POLLIN)
        parent = watch(parent_pid)
        if parent >= 0:  # our end of the socket stays open while any forked copy of the run holds the other
            poll.register(parent, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll(LOOK_AGAIN_MS if self.dooms else None)}
            if parent in ready:
                return
            if woken in ready:
                os.read(woken, 4096)
                self.reap()
            if self.dooms:
                self.execute_dooms()
            if self.sock.fileno() in ready and not self.receive():
                return

    def kill_everything(self) -> None:
        """Ends all processes below the guard; gives up on those that cannot be killed."""
        children = self.family.children
        deadline = time.monotonic() + GIVE_UP_S
        pause_s = 0.0005
        while roots := children.pids():
            kill_trees(roots)
            while _reap_any():
                pass
            if time.monotonic() > deadline:
                return
            if children.pids():
                time.sleep(pause_s)
                pause_s = min(pause_s * 2, 0.05)


def is_there(name: str, env: dict[str, str]) -> bool:
    """Whether there is a file of that name where execvp(3) looks: it may lack what it needs to run (an interpreter)."""
    folders = env.get("PATH", os.defpath).split(os.pathsep)
    places = [name] if "/" in name else [os.path.join(folder or ".", name) for folder in folders]
    return any(map(os.path.isfile, places))


def watch(pid: int) -> int:
    """A file descriptor that becomes readable when the process ends; -1 where there is no such thing."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return -1


def _noticed(_number: int, _frame: object) -> None:
    """SIGCHLD must have a handler for the wake-up byte to be written."""


def _reap_any() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] > 0
    except ChildProcessError:
        return False


def main(parent_pid: int) -> None:
    """The guard as a program. `parent_pid` is the run's process."""
    os.closerange(SOCKET_FD + 1, 1 << 20)  # whatever the user's shell left open: steps would inherit it
    for number in KEPT_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    become_subreaper()
    forbid_inspection()  # what it is told to start comes with the secrets in its environment
    guard = Guard(socket.socket(fileno=SOCKET_FD))
    guard.sock.set_inheritable(False)
    try:
        guard.serve(parent_pid)
    except SystemExit:
        pass
    except BaseException as error:  # noqa: BLE001 - whatever it is, the run must hear of it and no process may stay
        guard.send((BROKEN, f"{type(error).__name__}: {error}"))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        guard.kill_everything()


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit
