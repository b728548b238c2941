"""A Runner without processes: what a step does is scripted. For tests of what drives runners."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from skep.host.process import ProgramNotFound
from skep.model.errors import HostError, RunnerLost
from skep.model.ids import LegKey
from skep.pipeline.ports import JobBox, ProcessEnd, ProcessSpec

NUMBERS = {"INT": 2, "TERM": 15, "KILL": 9}


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeStart:
    """A process that should be started, as the script of a FakeRunner sees it."""

    leg: LegKey
    spec: ProcessSpec
    script: str  # text of the file that is the last argument; else that argument


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """What a process of a FakeRunner does: writes `files` and `output`, lets others go on for `turns`, ends."""

    exit_code: int = 0
    output: bytes = b""
    files: Mapping[str, str] = field(
        default_factory=dict
    )  # name of a variable such as GITHUB_OUTPUT -> text to append
    turns: int = 1  # turns of the event loop before it ends
    hangs: bool = False  # runs until a signal it does not ignore
    ignores: frozenset[str] = frozenset()  # of INT and TERM
    fails: Literal["", "not found", "lost"] = ""
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0


class FakeProcess:
    """A StepProcess that follows its script."""

    def __init__(self, start: FakeStart, scripted: Scripted, on_output: Callable[[bytes], None]) -> None:
        self._start, self._scripted, self._on_output = start, scripted, on_output
        self._signalled: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.signals: list[str] = []
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(_look_at_error)

    async def wait(self) -> ProcessEnd:
        """See `StepProcess.wait`."""
        return await asyncio.shield(self._task)

    def send(self, signal: Literal["INT", "TERM", "KILL"]) -> None:
        """See `StepProcess.send`; every signal is kept in `signals`."""
        self.signals.append(signal)
        if not self._signalled.done() and signal not in self._scripted.ignores - {"KILL"}:
            self._signalled.set_result(NUMBERS[signal])

    async def settle(self) -> None:
        """Until it has ended, however."""
        await asyncio.wait([self._task])

    async def _run(self) -> ProcessEnd:
        scripted = self._scripted
        if scripted.fails == "not found":
            raise ProgramNotFound(f"program not found: `{self._start.spec.argv[0]}`")
        for name, text in scripted.files.items():
            _append(self._start.spec.env[name], text)
        if scripted.output:
            self._on_output(scripted.output)
        for _ in range(scripted.turns):
            await asyncio.sleep(0)
        if scripted.fails == "lost":
            raise RunnerLost("the process that runs steps is gone")
        number = await self._signalled if scripted.hangs else 0
        return ProcessEnd(
            exit_code=128 + number if number else scripted.exit_code,
            signal=number,
            cpu_s=scripted.cpu_s,
            peak_memory_bytes=scripted.peak_memory_bytes,
        )


class FakeRunner:
    """A Runner below `root` whose processes do what `script` says. Real folders, no processes, no time."""

    def __init__(
        self, root: str, script: Callable[[FakeStart], Scripted] = lambda _start: Scripted()
    ) -> None:
        self._root, self._script = root, script
        self.prepared: list[LegKey] = []
        self.starts: list[FakeStart] = []
        self.disposed: list[LegKey] = []
        self._processes: dict[str, list[FakeProcess]] = {}

    async def prepare(self, leg: LegKey) -> JobBox:
        """See `Runner.prepare`."""
        root = f"{self._root}/{len(self.prepared)}"
        self.prepared.append(leg)
        for name in ("w", "t", "h", "c", "tools"):
            os.makedirs(f"{root}/{name}")
        self._processes[root] = []
        return JobBox(
            leg=leg,
            root=root,
            workspace=f"{root}/w",
            temp=f"{root}/t",
            home=f"{root}/h",
            tool_cache=f"{root}/tools",
            commands=f"{root}/c",
            env={"PATH": os.defpath, "HOME": f"{root}/h", "TMPDIR": f"{root}/t"},
        )

    async def start(self, box: JobBox, spec: ProcessSpec, on_output: Callable[[bytes], None]) -> FakeProcess:
        """See `Runner.start`."""
        if box.root not in self._processes:
            raise HostError(f"job `{box.leg}` has no folders any more")
        start = FakeStart(leg=box.leg, spec=spec, script=_script_text(spec))
        self.starts.append(start)
        process = FakeProcess(start, self._script(start), on_output)
        self._processes[box.root].append(process)
        return process

    async def dispose(self, box: JobBox) -> None:
        """See `Runner.dispose`."""
        if box.root not in self._processes:
            return
        self.disposed.append(box.leg)
        for process in self._processes.pop(box.root):
            process.send("KILL")
            await process.settle()
        shutil.rmtree(box.root, ignore_errors=True)


def _look_at_error(task: asyncio.Task[ProcessEnd]) -> None:
    """Whoever does not wait does not want to know; asyncio would complain."""
    if not task.cancelled():
        task.exception()


def _script_text(spec: ProcessSpec) -> str:
    last = spec.argv[-1]
    if not os.path.isfile(last):
        return last
    with open(last, encoding="utf-8") as file:
        return file.read()


def _append(path: str, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)
