"""Wall time, CPU time and peak memory of commands with everything they start, measured interleaved."""

import ctypes
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One run of a command. `peak_bytes` is that of the largest process in it."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    exit_code: int


def adopt_orphans() -> None:
    """Makes daemons of measured commands our children, so that their CPU time is counted."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def lap(argv: Sequence[str], *, cwd: str, env: Mapping[str, str] | None = None) -> Lap:
    """Runs a command to its end, its output thrown away. Waits for what it left behind, but does not count that as wall time."""
    before = _children_cpu()
    started = time.perf_counter()
    with subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=None if env is None else dict(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    _reap_orphans()
    return Lap(
        wall_s=wall,
        cpu_s=_children_cpu() - before,
        peak_bytes=usage.ru_maxrss * 1024,
        exit_code=process.returncode,
    )


def interleave(rounds: int, *runs: Callable[[], Lap]) -> list[list[Lap]]:
    """Each run once per round, after one round that does not count."""
    laps: list[list[Lap]] = [[] for _ in runs]
    for number in range(rounds + 1):
        for taken, run in zip(laps, runs, strict=True):
            one = run()
            if one.exit_code:
                raise SystemExit(f"a measured command failed with exit code {one.exit_code}")
            if number:
                taken.append(one)
    return laps


def wall(laps: Sequence[Lap]) -> float:
    """Median wall time, seconds."""
    return statistics.median(one.wall_s for one in laps)


def cpu(laps: Sequence[Lap]) -> float:
    """Median CPU time of the whole tree, seconds."""
    return statistics.median(one.cpu_s for one in laps)


def say(name: str, value: float, unit: str) -> None:
    """One figure."""
    print(f"{name} {value:.4g} {unit}", flush=True)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _reap_orphans() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
