"""A step's output arrives whole and in order, whatever the step does with its pipe."""

from __future__ import annotations

import asyncio
import os

import pytest

from skep.host.guard.client import Guard

from .running import eventually, sh, with_guard


def test_fifty_megabytes_without_a_newline_arrive_whole() -> None:
    async def test(guard: Guard) -> None:
        size, chunks = 0, 0

        def take(chunk: bytes) -> None:
            nonlocal size, chunks
            assert not chunk.strip(b"\0")
            size += len(chunk)
            chunks += 1

        argv = ["head", "-c", str(50 << 20), "/dev/zero"]
        step = await guard.spawn(argv, "/", dict(os.environ), take, "job")
        await step.wait()
        assert size == 50 << 20
        assert chunks < 3000

    with_guard(test)


def test_all_output_is_there_when_wait_returns() -> None:
    async def test(guard: Guard) -> None:
        for size in (0, 1, 4096, 65535, 65536, 65537, 300_000):
            output: list[bytes] = []
            step = await sh(guard, f"head -c {size} /dev/zero; exit 7", output=output)
            assert (await step.wait()).exit_code == 7
            assert len(b"".join(output)) == size
            assert not step.is_open

    with_guard(test)


def test_wait_returns_although_a_child_holds_the_pipe() -> None:
    async def test(guard: Guard) -> None:
        output: list[bytes] = []
        step = await sh(guard, "(sleep 60; echo late) & echo now", output=output)
        async with asyncio.timeout(10):
            await step.wait()
        assert b"".join(output) == b"now\n"
        assert step.is_open
        await guard.kill_tracked("job")
        assert not step.is_open

    with_guard(test)


def test_a_daemon_goes_on_writing_after_its_step_and_nobody_hears_it() -> None:
    async def test(guard: Guard) -> None:
        output: list[bytes] = []
        step = await sh(
            guard,
            "(for i in $(seq 100); do sleep 0.001; head -c 20000 /dev/zero || exit; done; echo done > $0) & sleep 0.05; echo x",
            mark := f"/tmp/skep-test-{os.getpid()}-{id(guard)}",
            output=output,
        )
        await step.wait()
        heard = len(b"".join(output))
        assert await eventually(lambda: _exists(mark))
        assert len(b"".join(output)) == heard
        await guard.kill_tracked("job")
        _remove(mark)

    with_guard(test)


def test_a_daemon_that_never_stops_writing_does_not_hold_up_wait() -> None:
    async def test(guard: Guard) -> None:
        step = await sh(guard, "yes & sleep 0.1; exit 5")
        async with asyncio.timeout(20):
            assert (await step.wait()).exit_code == 5
            await guard.kill_tracked("job")

    with_guard(test)


def test_bytes_that_are_no_text_pass_unchanged() -> None:
    async def test(guard: Guard) -> None:
        output: list[bytes] = []
        step = await sh(guard, 'for i in $(seq 0 255); do printf "\\\\x$(printf %x $i)"; done', output=output)
        await step.wait()
        assert b"".join(output) == bytes(range(256))

    with_guard(test)


def test_a_slow_reader_slows_the_step_down_instead_of_filling_memory() -> None:
    async def test(guard: Guard) -> None:
        counted = 0

        def take(chunk: bytes) -> None:
            nonlocal counted
            counted += len(chunk)

        step = await guard.spawn(["yes"], "/", dict(os.environ), take, "job")
        assert await eventually(lambda: counted > 1_000_000)
        step.send("KILL")
        await step.wait()
        assert not step.is_open

    with_guard(test)


def test_an_error_of_whoever_takes_the_output_is_raised_by_wait_and_hurts_no_other_step() -> None:
    async def test(guard: Guard) -> None:
        def refuse(_chunk: bytes) -> None:
            raise KeyError("our bug")

        steps = [await guard.spawn(["echo", "x"], "/", dict(os.environ), refuse, "job") for _ in range(3)]
        other = await sh(guard, "echo x; exit 3")
        for step in steps:
            with pytest.raises(KeyError, match="our bug"):
                await step.wait()
        assert (await other.wait()).exit_code == 3

    with_guard(test)


def test_the_pipes_are_closed_when_the_steps_have_ended() -> None:
    async def test(guard: Guard) -> None:
        before = len(_open_files())
        for _ in range(50):
            await (await sh(guard, "echo hello")).wait()
        assert len(_open_files()) == before

    with_guard(test)


def _open_files() -> list[str]:
    return os.listdir("/proc/self/fd")


def _exists(path: str) -> bool:
    return os.path.exists(path)


def _remove(path: str) -> None:
    os.unlink(path)
