"""Logs in files: safe names, large pieces, limits, times, a full disk."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.errors import StoreError
from skep.model.ids import LegKey, StepId
from skep.store.local.logs import FileLogSink, FileLogStore, log_path, read_times, time_at

from .recording import never

LEG, STEP, OTHER = LegKey("ci.yml:build"), StepId("__run"), StepId("__run_2")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def store(
    folder: Path,
    *,
    limit: int = 1 << 30,
    clock: Callable[[], float] | None = None,
    on_failure: Callable[[StoreError], None] = never,
    timers: list[Callable[[], None]] | None = None,
) -> FileLogStore:
    return FileLogStore(
        str(folder),
        clock=clock or Clock(),
        step_limit_bytes=limit,
        on_failure=on_failure,
        schedule=None if timers is None else lambda after_s, action: timers.append(action),
    )


def text_of(sink: FileLogSink) -> str:
    return Path(sink.path).read_text(encoding="utf-8")


def test_what_is_written_is_what_is_in_the_file(tmp_path: Path) -> None:
    sink = store(tmp_path).open(LEG)
    sink.write(STEP, b"one\ntw")
    sink.write(OTHER, b"o\n\xff\x00")
    assert sink.tell() == 10
    sink.close()
    assert Path(sink.path).read_bytes() == b"one\ntwo\n\xff\x00"
    assert stat.S_IMODE(os.stat(sink.path).st_mode) == 0o600


@given(st.lists(st.binary(max_size=40)), st.integers(1, 60))
def test_tell_is_the_size_of_the_file_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], limit: int
) -> None:
    sink = store(tmp_path_factory.mktemp("logs"), limit=limit).open(LEG)
    for chunk in chunks:
        sink.write(STEP, chunk)
    assert sink.dropped.get(STEP, 0) == max(0, sum(map(len, chunks)) - limit)
    sink.close()
    assert sink.tell() == os.path.getsize(sink.path)


@pytest.mark.parametrize(
    "leg", ["ci.yml:test (a/b, ../../etc)", "ci.yml:" + "x" * 300, "ä ö:/\0", "", "CI.yml:Build"]
)
def test_any_leg_gets_a_safe_file_name_of_its_own(leg: str) -> None:
    path = log_path("/logs", leg)
    folder, name = os.path.split(path)
    assert folder == "/logs"
    assert len(name) < 110
    assert name.isascii()
    assert "\0" not in name
    assert name.lower() != os.path.basename(log_path("/logs", leg + " ")).lower()
    assert name.lower() != os.path.basename(log_path("/logs", "ci.yml:build")).lower()


def test_a_leg_is_readable_in_its_file_name() -> None:
    assert os.path.basename(log_path("/logs", "ci.yml:test (3.11)")).startswith("ci-yml-test-3-11-")


def test_a_million_lines_are_written_in_few_pieces(tmp_path: Path) -> None:
    clock = Clock()
    sink = store(tmp_path, clock=clock).open(LEG)
    chunk = b"a line of output, not a long one\n" * 1000
    for _ in range(1000):
        sink.write(STEP, chunk)
    sink.close()
    assert os.path.getsize(sink.path) == len(chunk) * 1000
    assert len(read_times(sink.path)[0]) < 200


def test_output_waits_for_one_timer_and_is_then_in_the_file(tmp_path: Path) -> None:
    timers: list[Callable[[], None]] = []
    sink = store(tmp_path, timers=timers).open(LEG)
    sink.write(STEP, b"a\n")
    sink.write(STEP, b"b\n")
    assert (text_of(sink), len(timers)) == ("", 1)
    timers.pop()()
    assert text_of(sink) == "a\nb\n"
    sink.write(STEP, b"c\n")
    sink.close()
    timers.pop()()  # a timer that comes too late does nothing
    assert text_of(sink) == "a\nb\nc\n"


def test_the_time_of_every_piece_is_kept(tmp_path: Path) -> None:
    timers: list[Callable[[], None]] = []
    clock = Clock()
    sink = store(tmp_path, clock=clock, timers=timers).open(LEG)
    sink.write(STEP, b"first\n")
    timers.pop()()
    clock.now = 200.0
    sink.write(STEP, b"second\n")
    sink.close()
    times = read_times(sink.path)
    assert [time_at(times, offset) for offset in (0, 5, 6, 12)] == [100.0, 100.0, 200.0, 200.0]
    assert time_at(((), ()), 3) is None
    assert read_times(str(tmp_path / "absent.log")) == ((), ())


def test_beyond_its_limit_a_step_is_counted_and_dropped_and_the_log_says_so(tmp_path: Path) -> None:
    sink = store(tmp_path, limit=10).open(LEG)
    sink.write(STEP, b"12345678")
    sink.write(STEP, b"90abcdef")
    sink.write(STEP, b"more")
    sink.write(OTHER, b"other\n")
    sink.close()
    assert text_of(sink) == (
        "1234567890\n[skep] more than 10 bytes of output: the rest of this step is not kept\n"
        "other\n[skep] 10 bytes of step `__run` were not kept\n"
    )
    assert sink.dropped == {STEP: 10}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="not run: no /dev/full here")
def test_a_full_disk_is_said_once_per_run_and_output_goes_on_being_taken(tmp_path: Path) -> None:
    errors: list[StoreError] = []
    logs = store(tmp_path, on_failure=errors.append)
    sinks = []
    for leg in (LEG, LegKey("ci.yml:test")):
        os.symlink("/dev/full", log_path(str(tmp_path), leg))
        sinks.append(logs.open(leg))
    for sink in sinks:
        for _ in range(3):
            sink.write(STEP, b"x" * 300_000)
        assert sink.tell() == 900_000
        sink.close()
        sink.close()
    assert [str(error).partition(":")[0] for error in errors] == ["the disk is full"]


def test_a_log_that_cannot_be_opened_is_said_and_drops_its_output(tmp_path: Path) -> None:
    errors: list[StoreError] = []
    sink = store(tmp_path / "absent", on_failure=errors.append).open(LEG)
    sink.write(STEP, b"x")
    sink.close()
    assert len(errors) == 1


def test_a_write_that_the_system_cuts_short_is_completed(tmp_path: Path) -> None:
    leader, follower = os.pipe()
    os.set_blocking(follower, True)
    sink = store(tmp_path).open(LEG)
    os.dup2(
        follower, sink._fd
    )  # a signal may cut a write to a pipe; a file of ours cannot be made to do that
    os.close(follower)
    written: list[int] = []
    real = os.write

    def short(fd: int, data: bytes) -> int:
        count = real(fd, bytes(data[:3]))
        written.append(count)
        return count

    with pytest.MonkeyPatch.context() as patched:
        sink.write(STEP, b"0123456789")
        patched.setattr(os, "write", short)
        sink._times_fd, times = os.open(os.devnull, os.O_WRONLY), sink._times_fd
        sink.close()
    os.close(times)
    assert os.read(leader, 100) == b"0123456789"
    os.close(leader)
    assert written[1:] == [3, 3, 3, 1]
