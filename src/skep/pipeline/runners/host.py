"""Runs the steps of jobs as processes of this machine, each job in folders of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from skep.host.environment import ShownVariable, home_seeds, job_environment
from skep.host.guard.child import Child
from skep.host.guard.client import Guard
from skep.host.guard.wire import TRACKING
from skep.model.errors import HostError
from skep.model.ids import LegKey, RunId
from skep.pipeline.ports import JobBox, ProcessEnd, ProcessSpec
from skep.pipeline.runners.places import (
    JobPlaces,
    RunFolder,
    dead_runs,
    default_memory_root,
    job_places,
    remove,
    remove_unmounted,
    sweep_dead_runs,
)


class HostProcess:
    """A StepProcess on this machine."""

    __slots__ = ("_child",)

    def __init__(self, child: Child) -> None:
        self._child = child

    async def wait(self) -> ProcessEnd:
        """See `StepProcess.wait`. Raises ProgramNotFound or HostError when it could not be started, RunnerLost."""
        end = await self._child.wait()
        return ProcessEnd(
            exit_code=end.exit_code,
            signal=end.signal,
            cpu_s=end.cpu_s,
            peak_memory_bytes=end.peak_memory_bytes,
        )

    def send(self, signal: Literal["INT", "TERM", "KILL"]) -> None:
        """See `StepProcess.send`."""
        self._child.send(signal)


class HostRunner:
    """A Runner that starts processes here, through one guard, below one folder of this run.

    Order: `open`, then as `Runner` says, `close`. `close` may be called twice, and without `open`.
    """

    def __init__(
        self,
        *,
        run_id: RunId,
        work_root: str,
        repository: str,
        tool_cache: str,
        environ: Mapping[str, str],
        extra_env: Sequence[str] = (),
        in_place: str = "",
        memory_root: str | None = None,
        guard: Guard | None = None,
        release: Callable[[str], Awaitable[None]] | None = None,
        report: Callable[[str], None] = lambda _problem: None,
    ) -> None:
        """`in_place`: the project's root as everybody's workspace, never removed. `environ`: the user's environment;
        `extra_env`: values of `--env`. `memory_root`: a folder in memory for Skep's own small files of each step; None =
        where this machine has one, '' = on disk. `report` gets what could not be cleaned up.
        """
        self._run_id, self._repository = run_id, repository
        memory_root = default_memory_root() if memory_root is None else memory_root
        self._roots = [root for root in (work_root, memory_root) if root]
        self._tool_cache, self._in_place, self._report = tool_cache, in_place, report
        self._release = release
        self._guard = guard or Guard()
        self._folders: list[RunFolder] = []  # on disk, and in memory
        self._spare: list[JobPlaces] = []  # untouched by the jobs they served
        self._boxes: dict[str, tuple[JobPlaces, str]] = {}  # root -> places and tracking id
        self._count = 0
        self._sweep: asyncio.Task[list[str]] | None = None
        self._env, self._shown = job_environment(environ, home="", temp="", extra=extra_env)
        self._own = {name for name in ("HOME", "TMPDIR") if not self._env[name]}  # not set by --env
        self._seeds = home_seeds(environ)
        self._git_config = _git_config(in_place)

    @property
    def environment(self) -> Sequence[ShownVariable]:
        """What steps see of this machine, for printing."""
        return self._shown

    async def open(self) -> None:
        """Starts the guard, claims the run's folders, and begins to remove what dead runs left. Raises HostError."""
        await self._guard.start()
        self._folders = [RunFolder(root, self._run_id) for root in self._roots]
        try:
            os.makedirs(self._tool_cache, exist_ok=True)
        except OSError as error:
            raise HostError(f"cannot make `{self._tool_cache}`: {error.strerror}") from error
        if any(map(dead_runs, self._roots)):
            self._sweep = asyncio.create_task(asyncio.to_thread(self._sweep_all))

    async def prepare(self, leg: LegKey) -> JobBox:
        """See `Runner.prepare`."""
        if not self._folders:
            raise HostError("the runner was not opened")
        self._count += 1
        commands = f"{self._folders[-1].path}/c{self._count}"
        places = job_places(f"{self._folders[0].path}/{self._count}", self._repository)
        try:
            os.mkdir(commands)
            places = self._spare.pop() if self._spare else self._made(places)
        except OSError as error:
            self._report_if(remove(commands))
            self._report_if(remove(places.root))
            raise HostError(
                f"cannot make the folders of job `{leg}`: {error.strerror}",
                hint="is the disk full? see `skep doctor`",
            ) from error
        tracking = _tracking_id()
        self._boxes[places.root] = places, tracking
        own = {"HOME": places.home, "TMPDIR": places.temp}
        return JobBox(
            leg=leg,
            root=places.root,
            workspace=self._in_place or places.workspace,
            temp=places.temp,
            home=places.home,
            tool_cache=self._tool_cache,
            commands=commands,
            env={**self._env, **{name: own[name] for name in self._own}, TRACKING: tracking},
        )

    async def start(self, box: JobBox, spec: ProcessSpec, on_output: Callable[[bytes], None]) -> HostProcess:
        """See `Runner.start`. That a program could not be started is said by `wait` of the process."""
        known = self._boxes.get(box.root)
        if known is None:
            raise HostError(f"job `{box.leg}` has no folders any more")
        return HostProcess(await self._guard.spawn(spec.argv, spec.cwd, spec.env, on_output, known[1]))

    async def dispose(self, box: JobBox) -> None:
        """See `Runner.dispose`. What cannot be killed or removed is reported, not raised."""
        known = self._boxes.get(box.root)
        tracking = box.env[TRACKING]
        if known is None or known[1] != tracking:  # disposed before; its folders may serve another job by now
            return
        places = self._boxes.pop(box.root)[0]
        was_quiet = self._guard.left_nothing(tracking)
        survivors = await self._guard.kill_tracked(tracking)
        if survivors:
            pids = ", ".join(map(str, survivors))
            self._report_if(f"processes of job `{box.leg}` could not be killed: {pids}")
        self._report_if(remove(box.commands))
        if was_quiet and places.are_untouched():
            self._spare.append(places)
        else:
            await self._remove(box, places)

    async def close(self) -> None:
        """Kills everything, removes the run's folders, ends the guard. Never raises."""
        await self._guard.close()
        if self._sweep is not None:
            for problem in await self._sweep:
                self._report_if(problem)
            self._sweep = None
        for folder in self._folders:
            self._report_if(await asyncio.to_thread(folder.release) if self._boxes else folder.release())
        self._folders = []
        self._boxes.clear()

    async def _remove(self, box: JobBox, places: JobPlaces) -> None:
        if self._release is not None:
            try:
                await self._release(box.workspace)
            except HostError as error:
                self._report_if(str(error))
        self._report_if(await asyncio.to_thread(remove_unmounted, places.root))

    def _made(self, places: JobPlaces) -> JobPlaces:
        places.make()
        self._furnish(places.home)
        return places

    def _furnish(self, home: str) -> None:
        """Puts into a new HOME what no variable can say."""
        if self._git_config:
            _write(f"{home}/.gitconfig", self._git_config)
        for inside, source in self._seeds:
            with open(source, "rb") as file:
                content = file.read()
            os.makedirs(os.path.dirname(f"{home}/{inside}"), exist_ok=True)
            _write(f"{home}/{inside}", content)

    def _sweep_all(self) -> list[str]:
        return [problem for root in self._roots for problem in sweep_dead_runs(root)]

    def _report_if(self, problem: str) -> None:
        if problem:
            self._report(problem)


def _tracking_id() -> str:
    """As GitHub's runner writes it: `github_` and a random UUID."""
    digits = os.urandom(16).hex()
    return f"github_{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _git_config(in_place: str) -> bytes:
    """Git refuses repositories of another user; in the user's own tree (`--in-place`, run as root) it must not."""
    if in_place and os.stat(in_place).st_uid != os.geteuid():
        return b"[safe]\n\tdirectory = *\n"
    return b""


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
