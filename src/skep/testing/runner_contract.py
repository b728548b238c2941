"""What every Runner promises, as tests: subclass `RunnerContract`, say how to make a runner, and let pytest collect it.

The commands the suite starts are in `SCRIPTS`, so that a runner without processes can be told what they do.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from skep.host.process import ProgramNotFound
from skep.model.errors import HostError
from skep.model.ids import LegKey
from skep.pipeline.ports import JobBox, ProcessEnd, ProcessSpec, Runner, StepProcess
from skep.testing.runners import Scripted

SLEEPS = "while :; do sleep 0.05; done"
SCRIPTS: Mapping[str, Scripted] = {
    "exit 0": Scripted(),
    "echo out; echo err >&2; exit 3": Scripted(output=b"out\nerr\n", exit_code=3),
    "printf '\\377\\376 no text'": Scripted(output=b"\xff\xfe no text"),
    SLEEPS: Scripted(hangs=True),
    f"trap '' INT TERM; echo up; {SLEEPS}": Scripted(
        output=b"up\n", hangs=True, ignores=frozenset({"INT", "TERM"})
    ),
}
DEAF = f"trap '' INT TERM; echo up; {SLEEPS}"
MISSING = "no-such-program-anywhere"


def scripted(name: str, script: str) -> Scripted:
    """What a fake does when the suite starts `name` with `script`."""
    return Scripted(fails="not found") if name == MISSING else SCRIPTS[script]


class RunnerContract:
    """The suite. `runner()` gives a context with a fresh, ready runner."""

    def runner(self) -> AbstractAsyncContextManager[Runner]:
        """A new runner; leaving the context closes it."""
        raise NotImplementedError

    def check(self, test: Callable[[Runner], Awaitable[None]]) -> None:
        """Runs one test with a fresh runner."""

        async def go() -> None:
            async with self.runner() as runner:
                await test(runner)

        asyncio.run(go())

    def test_output_of_both_streams_and_the_exit_code_arrive(self) -> None:
        """Both streams come as one, byte for byte."""

        async def test(runner: Runner) -> None:
            box = await runner.prepare(LegKey("a"))
            assert await _run(runner, box, "echo out; echo err >&2; exit 3") == (3, b"out\nerr\n")
            assert await _run(runner, box, "printf '\\377\\376 no text'") == (0, b"\xff\xfe no text")
            await runner.dispose(box)

        self.check(test)

    def test_each_job_has_empty_folders_of_its_own(self) -> None:
        """Jobs that overlap share no folder."""

        async def test(runner: Runner) -> None:
            boxes = [await runner.prepare(LegKey(name)) for name in "abc"]
            folders = [place for b in boxes for place in (b.workspace, b.temp, b.home, b.commands)]
            assert len({*folders}) == 12
            assert [os.listdir(folder) for folder in folders] == [[]] * 12
            for box in boxes:
                await runner.dispose(box)
            assert not any(map(_exists, (box.commands for box in boxes)))

        self.check(test)

    def test_nothing_of_a_job_is_left_for_the_next_one(self) -> None:
        """Folders may be used again, but only empty."""

        async def test(runner: Runner) -> None:
            for round_number in range(4):
                box = await runner.prepare(LegKey("a"))
                places = (box.workspace, box.temp, box.home, box.commands)
                assert [os.listdir(place) for place in places] == [[]] * 4
                for place in places[round_number:]:
                    _leave_something(place)
                await runner.dispose(box)

        self.check(test)

    def test_dispose_may_be_called_twice(self) -> None:
        """The second call does no harm, also when another job came meanwhile."""

        async def test(runner: Runner) -> None:
            box = await runner.prepare(LegKey("a"))
            await runner.dispose(box)
            other = await runner.prepare(LegKey("b"))
            await runner.dispose(box)
            assert _exists(other.workspace)
            assert await _run(runner, other, "exit 0") == (0, b"")

        self.check(test)

    def test_a_disposed_job_starts_nothing(self) -> None:
        """`start` after `dispose` is a HostError."""

        async def test(runner: Runner) -> None:
            box = await runner.prepare(LegKey("a"))
            await runner.dispose(box)
            assert isinstance(await _error(_run(runner, box, "exit 0")), HostError)

        self.check(test)

    def test_a_missing_program_can_be_told_from_other_failures(self) -> None:
        """It is ProgramNotFound, raised by `start` or by `wait`."""

        async def test(runner: Runner) -> None:
            box = await runner.prepare(LegKey("a"))
            error = await _error(_run(runner, box, "exit 0", program=MISSING))
            assert isinstance(error, ProgramNotFound)
            assert MISSING in str(error)

        self.check(test)

    def test_a_signal_ends_a_process_with_128_and_its_number(self) -> None:
        """As shells count."""

        async def test(runner: Runner) -> None:
            box = await runner.prepare(LegKey("a"))
            process = await _start(runner, box, SLEEPS)
            process.send("TERM")
            end = await process.wait()
            assert (end.exit_code, end.signal) == (143, 15)

        self.check(test)

    def test_kill_ends_a_process_that_ignores_everything_else(self) -> None:
        """INT and TERM may be ignored, KILL not."""

        async def test(runner: Runner) -> None:
            box = await runner.prepare(LegKey("a"))
            up = asyncio.Event()
            process = await _start(runner, box, DEAF, lambda _chunk: up.set())
            await up.wait()
            process.send("INT")
            process.send("TERM")
            assert await _ends_soon(process) is None
            process.send("KILL")
            assert (await process.wait()).exit_code == 137

        self.check(test)

    def test_signals_may_be_repeated_and_come_late(self) -> None:
        """After the end and after `dispose` they do nothing."""

        async def test(runner: Runner) -> None:
            box = await runner.prepare(LegKey("a"))
            process = await _start(runner, box, "exit 0")
            end = await process.wait()
            for _ in range(2):
                process.send("INT")
                process.send("TERM")
                process.send("KILL")
            assert await process.wait() == end
            await runner.dispose(box)
            process.send("KILL")

        self.check(test)

    def test_a_cancelled_wait_leaves_the_process_alone(self) -> None:
        """Waiting may be given up and begun again, by several at once."""

        async def test(runner: Runner) -> None:
            box = await runner.prepare(LegKey("a"))
            process = await _start(runner, box, SLEEPS)
            assert await _ends_soon(process) is None
            process.send("KILL")
            first, second = await asyncio.gather(process.wait(), process.wait())
            assert first == second
            assert first.exit_code == 137

        self.check(test)

    def test_dispose_kills_what_still_runs(self) -> None:
        """In its own job only."""

        async def test(runner: Runner) -> None:
            box = await runner.prepare(LegKey("a"))
            other = await runner.prepare(LegKey("b"))
            process, spared = await _start(runner, box, SLEEPS), await _start(runner, other, SLEEPS)
            await runner.dispose(box)
            assert (await process.wait()).exit_code == 137
            assert await _ends_soon(spared) is None
            await runner.dispose(other)

        self.check(test)

    def test_many_jobs_overlap(self) -> None:
        """Each gets its own output and end."""

        async def test(runner: Runner) -> None:
            async def job(number: int) -> tuple[int, bytes]:
                box = await runner.prepare(LegKey(f"job {number}"))
                result = await _run(runner, box, "echo out; echo err >&2; exit 3")
                await runner.dispose(box)
                return result

            assert await asyncio.gather(*map(job, range(20))) == [(3, b"out\nerr\n")] * 20

        self.check(test)


async def _start(
    runner: Runner, box: JobBox, script: str, on_output: Callable[[bytes], None] = lambda _chunk: None
) -> StepProcess:
    spec = ProcessSpec(argv=["sh", "-c", script], cwd=box.workspace, env=box.env)
    return await runner.start(box, spec, on_output)


async def _run(runner: Runner, box: JobBox, script: str, *, program: str = "sh") -> tuple[int, bytes]:
    output: list[bytes] = []
    argv: Sequence[str] = [program, "-c", script]
    process = await runner.start(box, ProcessSpec(argv=argv, cwd=box.workspace, env=box.env), output.append)
    end = await process.wait()
    return end.exit_code, b"".join(output)


async def _error(work: Awaitable[object]) -> Exception | None:
    try:
        await work
    except HostError as error:
        return error
    return None


async def _ends_soon(process: StepProcess) -> ProcessEnd | None:
    try:
        return await asyncio.wait_for(process.wait(), 0.15)
    except TimeoutError:
        return None


def _exists(path: str) -> bool:
    return os.path.lexists(path)


def _leave_something(folder: str) -> None:
    with open(f"{folder}/left", "w", encoding="utf-8") as file:
        file.write("behind")
