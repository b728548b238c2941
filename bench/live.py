"""The live view beside plain lines: CPU of whole runs, on a terminal that is read, and the wall time on one that nobody reads."""

from __future__ import annotations

import fcntl
import os
import resource
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Sequence

from bench.engine import LINES, Bench, _diamond, _one_step, skep_command
from bench.stopwatch import Lap, adopt_orphans, cpu, interleave, say, wall

ROUNDS = 7
HISTORY = 10
_FLOOD = f"seq -f 'line %0060.0f of the build' 1 {LINES}"


class Screen:
    """A pseudo terminal whose output is thrown away once `start_reading` was called."""

    def __init__(self) -> None:
        self._master, self.slave = os.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
        self._over = False
        self._thread = threading.Thread(target=self._drain)

    def start_reading(self) -> None:
        """From now on output is taken."""
        self._thread.start()

    def close(self) -> None:
        """Takes what is left, then lets go."""
        self._over = True
        self._thread.join()
        os.close(self._master)
        os.close(self.slave)

    def _drain(self) -> None:
        while select.select([self._master], [], [], 0.05)[0] or not self._over:
            if select.select([self._master], [], [], 0)[0]:
                os.read(self._master, 1 << 16)


def run_on_terminal(bench: Bench, name: str, *words: str, read_after_s: float = 0.0) -> Lap:
    """One run in the foreground of a terminal of its own."""
    screen = Screen()
    before = _children_cpu()
    started = time.perf_counter()
    with subprocess.Popen(
        [*skep_command(), "run", "--workflow", f"{name}.yml", "--event", "workflow_dispatch", *words],
        cwd=bench.root,
        env={**bench.env, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
        stdin=screen.slave,
        stdout=screen.slave,
        stderr=screen.slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no thread runs yet
    ) as process:
        time.sleep(read_after_s)
        screen.start_reading()
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    screen.close()
    return Lap(
        wall_s=took,
        cpu_s=_children_cpu() - before,
        peak_bytes=usage.ru_maxrss * 1024,
        exit_code=process.returncode,
    )


def main() -> None:
    """Prints the figures."""
    adopt_orphans()
    folder = tempfile.mkdtemp(prefix="skep-bench-")
    try:
        bench = Bench(folder)
        bench.env["SKEP_KEEP_COUNT"] = "30"
        bench.workflow("diamond", _diamond())
        bench.workflow("flood", _one_step(_FLOOD))
        for _ in range(HISTORY):
            bench.skep("diamond", "-j", "2")
        compare("live_diamond", ROUNDS, _on(bench, "diamond", "-j", "2"))
        compare("live_lines", 3, _on(bench, "flood"))
        compare("live_logs", 3, _on(bench, "flood", "--logs"))
        measure_unread(bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compare(name: str, rounds: int, run: Callable[[Sequence[str]], Lap]) -> None:
    """CPU of the live view beside plain lines on the same terminal."""
    live, plain = interleave(rounds, lambda: run([]), lambda: run(["--plain"]))
    say(f"{name}_cpu", cpu(live) * 1000, "ms")
    say(f"{name}_plain_cpu", cpu(plain) * 1000, "ms")
    say(f"{name}_cpu_to_plain", cpu(live) / cpu(plain), "x")
    say(f"{name}_wall_to_plain", wall(live) / wall(plain), "x")


def measure_unread(bench: Bench) -> None:
    """How long the run itself takes, by its record, on a terminal that nobody reads for its first seconds."""
    run_on_terminal(bench, "flood", "--logs")
    read = _newest_duration(bench)
    run_on_terminal(bench, "flood", "--logs", read_after_s=max(read * 3, 3.0))
    unread = _newest_duration(bench)
    say("live_unread_run_to_read", unread / read, "x")


def _on(bench: Bench, name: str, *words: str) -> Callable[[Sequence[str]], Lap]:
    return lambda more: run_on_terminal(bench, name, *words, *more)


def _newest_duration(bench: Bench) -> float:
    import json

    listed = subprocess.run(
        [*skep_command(), "runs", "--json", "--limit", "1"],
        cwd=bench.root,
        env=bench.env,
        capture_output=True,
        text=True,
        check=True,
    )
    (row,) = json.loads(listed.stdout)
    assert row["status"] == "success", row
    return float(row["duration_s"])


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
