"""Output that never waits for its reader: pipes, sockets, terminals, files."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skep.cli.outlet import TERMINAL_QUEUE_BYTES, Outlet


@contextmanager
def _ends(kind: str) -> Iterator[tuple[int, io.TextIOWrapper]]:
    """A descriptor to read from, and the stream that leads to it."""
    if kind == "pipe":
        reader, writer = os.pipe()
    elif kind == "terminal":
        reader, writer = pty.openpty()
    else:
        ours, theirs = socket.socketpair()
        reader, writer = ours.detach(), theirs.detach()
    stream = io.TextIOWrapper(io.FileIO(writer, "w"), encoding="utf-8")
    try:
        yield reader, stream
    finally:
        stream.detach().close()
        os.close(reader)


async def _read_all(reader: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await asyncio.to_thread(os.read, reader, 1 << 16)
    return data


@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal"])
def test_a_reader_that_sleeps_stops_nobody_and_gets_everything_later(kind: str) -> None:
    data = b"0123456789abcde\n" * (1 << 15)

    async def run() -> None:
        with _ends(kind) as (reader, stream):
            outlet = Outlet(stream)
            assert outlet.never_waits
            outlet.write(data)
            assert 0 < outlet.queued_bytes < len(data)
            expected = data.replace(b"\n", b"\r\n") if kind == "terminal" else data
            assert await _read_all(reader, len(expected)) == expected
            assert outlet.queued_bytes == 0
            outlet.close()

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_reader_that_went_away_ends_the_output_without_an_error(kind: str) -> None:
    with _ends(kind) as (reader, stream):
        outlet = Outlet(stream)
        outlet.print("one")
        os.dup2(os.open(os.devnull, os.O_RDONLY), reader)  # the last reader's end is closed
        outlet.print("two")
        outlet.print("three")
        assert outlet.closed
        assert outlet.drain()
        outlet.close()
        outlet.close()


def test_a_slow_terminal_misses_what_may_be_missed_and_nothing_else() -> None:
    async def run() -> None:
        with _ends("terminal") as (reader, stream):
            outlet = Outlet(stream)
            chunk = b"x" * 10_000
            offered = sum(outlet.offer(chunk) for _ in range(300))
            assert outlet.queued_bytes <= TERMINAL_QUEUE_BYTES
            assert offered < 300
            outlet.write(b"END")
            assert (await _read_all(reader, offered * len(chunk) + 3)).endswith(b"xEND")
            outlet.close()

    asyncio.run(run())


def test_without_a_loop_writing_waits() -> None:
    with _ends("terminal") as (reader, stream):
        outlet = Outlet(stream)
        outlet.print("now")
        assert os.read(reader, 100) == b"now\r\n"
        assert outlet.queued_bytes == 0
        outlet.close()


def test_draining_a_terminal_that_takes_nothing_ends_in_time() -> None:
    async def run() -> None:
        with _ends("terminal") as (_, stream):
            outlet = Outlet(stream)
            outlet.write(b"x" * 1_000_000)
            assert not outlet.drain(within_s=0.01)
            outlet.close()

    asyncio.run(run())


def test_a_file_is_written_as_usual_behind_what_was_printed(tmp_path: Path) -> None:
    with open(tmp_path / "out", "w", encoding="utf-8") as file:
        file.write("before\n")
        outlet = Outlet(file)
        outlet.print("ü")
        assert not outlet.never_waits
        outlet.close()
    assert (tmp_path / "out").read_text(encoding="utf-8") == "before\nü\n"


def test_a_stream_without_a_descriptor_gets_the_text() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    outlet = Outlet(stream)
    outlet.print("a ü b")
    assert stream.buffer.getvalue() == b"a ? b\n"
    assert not outlet.is_unicode


def test_the_flag_of_others_is_left_alone() -> None:
    with _ends("terminal") as (_, stream):
        outlet = Outlet(stream)
        assert os.get_blocking(stream.fileno())
        outlet.close()
