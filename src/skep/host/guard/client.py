"""The run's side of its guard: starts processes through it, reads their output, learns how they ended.

asyncio only, no threads: the guard's socket and every output pipe are readers of the loop. Nothing here waits for an
answer to a start: a process that could not be started says so in `Child.wait`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from skep.host.guard import wire
from skep.host.guard.child import Child, SignalName, start_error
from skep.host.guard.launch import GUARDS, LaunchedGuard, forget_guard, launch_guard
from skep.host.guard.tree import children_of, kill_trees
from skep.host.process import OWN_COMMANDS
from skep.model.errors import HostError, RunnerLost

SIGNALS = {"INT": int(signal.SIGINT), "TERM": int(signal.SIGTERM), "KILL": int(signal.SIGKILL)}
WATCH_AFTER_S = (
    0.004  # a process shorter than this costs one wake-up instead of three: its output is read at its end
)
CLOSE_S = 4.0  # longer than the guard itself tries
LOST_S = 1.5
KILLED = "it was killed or crashed"


class Guard:
    """One guard process for one run, used from one event loop.

    Order: `start`, any number of `spawn` and `kill_tracked`, `close`. `close` may be called twice, and after a failed
    `start`. When the guard dies, everything below it is killed and all calls and waits raise RunnerLost.
    """

    def __init__(self, launched: LaunchedGuard | None = None) -> None:
        self._launched = launched  # started early by somebody; else by `start`
        self._loop: asyncio.AbstractEventLoop | None = None
        self._frames = wire.Frames()
        self._numbers = 0
        self._children: dict[int, Child] = {}  # alive
        self._unwatched: list[Child] = []
        self._held: dict[str, list[Child]] = {}  # ended, but a daemon holds the output: by tracking id
        self._live: dict[str, int] = {}  # tracking id -> processes alive
        self._dirty: set[str] = set()  # tracking ids with daemons
        self._killing: dict[int, asyncio.Future[tuple[int, ...]]] = {}
        self._unsent: deque[tuple[memoryview, int]] = (
            deque()
        )  # frame, file descriptor that goes with it (-1: none)
        self._lost = ""

    async def start(self) -> None:
        """Attaches to the running loop. Raises HostError when the guard cannot be started."""
        self._launched = self._launched or launch_guard()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._launched.sock, self._on_message)

    async def spawn(
        self,
        argv: Sequence[str],
        cwd: str,
        env: Mapping[str, str],
        on_output: Callable[[bytes], None],
        tracking: str,
    ) -> Child:
        """Starts a process in its own session: stdin is empty, stdout and stderr go to `on_output`, on the loop's thread.

        `env` is everything it gets, but RUNNER_TRACKING_ID, which is `tracking`: one id for all processes of a job.
        Raises HostError; what only shows when it is really started (no such program) is raised by `Child.wait`.
        """
        loop = self._attached()
        self._numbers += 1
        frame = _spawn_frame(self._numbers, tracking, argv, cwd, env)
        try:
            read_end, write_end = os.pipe()
        except OSError as error:
            raise start_error(argv, cwd, "start", error.errno or 0, str(error.strerror)) from error
        os.set_blocking(read_end, False)
        child = Child(
            self.send_signal,
            loop,
            self._numbers,
            read_end,
            on_output=on_output,
            tracking=tracking,
            argv=argv,
            cwd=cwd,
        )
        self._children[child.number] = child
        self._live[tracking] = self._live.get(tracking, 0) + 1
        self._unwatched.append(child)
        if len(self._unwatched) == 1:
            loop.call_later(WATCH_AFTER_S, self._watch)
        self._send(frame, write_end)
        return child

    def _watch(self) -> None:
        for child in self._unwatched:
            child.open()
        self._unwatched.clear()

    def send_signal(self, number: int, name: SignalName) -> None:
        """For `Child.send`."""
        if self._launched is not None and not self._lost:
            self._send(wire.pack((wire.SIGNAL, number, SIGNALS[name])))

    def left_nothing(self, tracking: str) -> bool:
        """Whether no process of a job is alive, as far as it can be known: none we started, and no daemon."""
        return not self._lost and tracking not in self._dirty and tracking not in self._live

    async def kill_tracked(self, tracking: str) -> tuple[int, ...]:
        """Kills every process of a job, daemons included; gives the pids that could not be killed. Safe to repeat.

        Costs nothing when the job left nothing behind.
        """
        for child in self._held.pop(tracking, ()):
            child.close()
        if self._lost or self.left_nothing(tracking):
            return ()
        loop = self._attached()
        self._numbers += 1
        answer: asyncio.Future[tuple[int, ...]] = loop.create_future()
        self._killing[self._numbers] = answer
        self._send(wire.pack((wire.KILL_TRACKED, self._numbers, tracking)))
        survivors = await answer
        self._dirty.discard(tracking)
        for child in self._held.pop(tracking, ()):
            child.close()
        return survivors

    async def close(self) -> None:
        """Ends the guard, and with it everything below it. Never raises; what is alive ends with RunnerLost."""
        launched = self._launched
        if launched is None or launched.sock.fileno() < 0:
            return
        with contextlib.suppress(OSError):
            launched.sock.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + CLOSE_S
        pause_s = 0.0005
        while not _reaped(launched.pid) and time.monotonic() < deadline:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.02)
        self._lose("the run is over")

    # --- towards the guard ------------------------------------------------------------------------------------------
    def _attached(self) -> asyncio.AbstractEventLoop:
        if self._lost:
            raise RunnerLost(f"the guard process of this run is gone: {self._lost}")
        if self._loop is None:
            raise HostError("the guard was not started")
        return self._loop

    def _send(self, frame: bytes, fd: int = -1) -> None:
        self._unsent.append((memoryview(frame), fd))
        if len(self._unsent) == 1:
            self._flush()

    def _flush(self) -> None:
        assert self._launched is not None
        assert self._loop is not None
        sock = self._launched.sock
        while self._unsent:
            data, fd = self._unsent[0]
            try:
                if fd >= 0:
                    sent = sock.sendmsg(
                        [data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fd.to_bytes(4, sys.byteorder))]
                    )
                    os.close(fd)
                else:
                    sent = sock.send(data)
            except OSError as error:
                if error.errno in (
                    errno.EAGAIN,
                    errno.ETOOMANYREFS,
                ):  # the guard has not taken the earlier ones yet
                    self._loop.add_writer(sock, self._flush)
                else:
                    self._lose(KILLED)
                return
            if sent == len(data):
                self._unsent.popleft()
            else:
                self._unsent[0] = (data[sent:], -1)
        self._loop.remove_writer(sock)

    # --- from the guard ---------------------------------------------------------------------------------------------
    def _on_message(self) -> None:
        assert self._launched is not None
        try:
            data = self._launched.sock.recv(wire.CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        for message in self._frames.feed(data):
            self._understand(message)
        if not data:
            self._lose(KILLED)

    def _understand(self, message: wire.Message) -> None:
        kind, number = message[0], message[1]
        if kind == wire.ENDED:
            _, _, status, cpu_s, peak_bytes, leftovers = message
            child = self._take(number)
            if leftovers:
                self._dirty.add(child.tracking)
            child.ended(status, cpu_s, peak_bytes)
            if child.is_open:
                self._held.setdefault(child.tracking, []).append(child)
        elif kind == wire.FAILED:
            _, _, stage, code, text = message
            child = self._take(number)
            child.failed(start_error(child.argv, child.cwd, stage, code, text))
        elif kind == wire.KILLED:
            answer = self._killing.pop(number)
            if not answer.done():
                answer.set_result(tuple(message[2]))
        elif kind == wire.BROKEN:
            self._lose(message[1])

    def _take(self, number: int) -> Child:
        child = self._children.pop(number)
        left = self._live[child.tracking] - 1
        if left:
            self._live[child.tracking] = left
        else:
            del self._live[child.tracking]
        return child

    # --- the end ------------------------------------------------------------------------------------------------------
    def _lose(self, why: str) -> None:
        """The guard is gone, or must go: nothing below it may stay, nobody may wait for it any longer."""
        if self._lost or self._launched is None:
            return
        self._lost = why
        self._end_guard(self._launched)
        for _, fd in self._unsent:
            if fd >= 0:
                os.close(fd)
        self._unsent.clear()
        for child in [*self._children.values()]:
            child.failed(RunnerLost(f"the guard process of this run is gone: {why}"))
        self._children.clear()
        for held in self._held.values():
            for child in held:
                child.close()
        self._held.clear()
        for answer in self._killing.values():
            if not answer.done():
                answer.set_result(())
        self._killing.clear()
        self._live.clear()

    def _end_guard(self, launched: LaunchedGuard) -> None:
        if self._loop is not None:
            self._loop.remove_reader(launched.sock)
            self._loop.remove_writer(launched.sock)
        launched.sock.close()
        if not _reaped(launched.pid):
            os.kill(launched.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(launched.pid, 0)
        GUARDS.discard(launched.pid)
        kill_inherited()
        forget_guard(launched.pid)


def _spawn_frame(number: int, tracking: str, argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> bytes:
    variables = dict(env)
    variables[wire.TRACKING] = tracking
    try:
        return wire.pack((wire.SPAWN, number, tracking, list(argv), cwd, variables))
    except ValueError:  # a str of some subclass, which marshal does not know
        plain = {str(name): str(value) for name, value in variables.items()}
        return wire.pack((wire.SPAWN, number, str(tracking), [str(word) for word in argv], str(cwd), plain))


def kill_inherited() -> None:
    """Kills what came to us, a subreaper, from a dead guard: our children in sessions of their own.

    Helper commands and other guards are spared. Whoever starts children of this process in other ways and in new
    sessions must not do so while a guard runs.
    """
    mine = os.getsid(0)
    deadline = time.monotonic() + LOST_S
    while time.monotonic() < deadline:
        spared = OWN_COMMANDS | GUARDS
        roots = [pid for pid in children_of(os.getpid()) if pid not in spared and _session(pid) != mine]
        if not roots:
            return
        kill_trees(roots)
        for pid in roots:
            _reaped(pid)
        time.sleep(0.001)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _reaped(pid: int) -> bool:
    """Whether this child of ours has ended; takes it in."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
