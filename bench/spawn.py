"""What starting a step costs: 200 shells through the guard, against `make -j2` starting the same ones.

A diamond of 1, 198 and 1 nodes, each `sh -e n.sh` where the file holds `true`; two at a time. Rounds alternate between the
contestants, so that all see the same machine. CPU is user and system time of everything a contestant started; for Skep
also what its own two processes took for each start. `guard`: processes alone; `jobs`: each in a job with its folders.
"""

import asyncio
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.stopwatch import say
from skep.host.guard.client import Guard
from skep.host.guard.launch import launch_guard
from skep.model.ids import LegKey, RunId
from skep.pipeline.ports import ProcessSpec
from skep.pipeline.runners.host import HostRunner
from skep.pipeline.runners.places import default_memory_root

NODES = 200
ROUNDS = 7

Figures = dict[str, float]


def children_cpu_s() -> float:
    """CPU of all children taken in so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def own_cpu_s(pid: int | str) -> float:
    """CPU of one process so far, without its children, by the scheduler's nanosecond counter."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def drop(_chunk: bytes) -> None:
    """Output nobody reads: there is none."""


def make_round(makefile: Path) -> Figures:
    """`make -s -j2` over the diamond."""
    began, cpu = time.perf_counter(), children_cpu_s()
    subprocess.run(["make", "-s", "-j2", "-f", makefile], check=True)
    return {"wall_s": time.perf_counter() - began, "cpu_s": children_cpu_s() - cpu}


async def skep_round(nodes: int, script: str, *, jobs: bool) -> Figures:
    """The same diamond through the guard; with `jobs`, each in a job of its own with folders."""
    began, cpu, main = time.perf_counter(), children_cpu_s(), own_cpu_s("self")
    launched = launch_guard()
    with tempfile.TemporaryDirectory() as folder:
        runner = HostRunner(
            run_id=RunId("bench-1"),
            work_root=folder,
            memory_root=default_memory_root(),
            repository="bench",
            tool_cache=folder,
            environ=os.environ,
            guard=(guard := Guard(launched)),
        )
        await runner.open()
        env = {
            **os.environ,
            **{f"GITHUB_VARIABLE_{i}": f"/some/value/of/usual/length/{i}" for i in range(40)},
        }

        async def node(number: int) -> None:
            argv = ["sh", "-e", script]
            if jobs:
                box = await runner.prepare(LegKey(str(number)))
                process = await runner.start(box, ProcessSpec(argv=argv, cwd=box.workspace, env=env), drop)
                end = (await process.wait()).exit_code
                await runner.dispose(box)
            else:
                child = await guard.spawn(argv, folder, env, drop, str(number))
                end = (await child.wait()).exit_code
                await guard.kill_tracked(str(number))
            assert end == 0

        async def worker(numbers: list[int]) -> None:
            while numbers:
                await node(numbers.pop())

        await node(0)
        middle = list(range(1, nodes - 1))
        await asyncio.gather(worker(middle), worker(middle))
        await node(nodes - 1)
        guard_cpu_s = own_cpu_s(launched.pid)
        await runner.close()
    main_cpu_s = own_cpu_s("self") - main
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": children_cpu_s() - cpu + main_cpu_s,
        "main_ms_per_spawn": main_cpu_s / nodes * 1e3,
        "guard_ms_per_spawn": guard_cpu_s / nodes * 1e3,
    }


def measure(nodes: int, rounds: int) -> dict[str, Figures]:
    """Medians of alternating rounds, by contestant."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "n.sh")
        script.write_text("true\n")
        middle = " ".join(f"n{i}" for i in range(1, nodes - 1))
        makefile = Path(folder, "Makefile")
        makefile.write_text(
            f".PHONY: last first {middle}\nlast: {middle}\n\tsh -e {script}\n{middle}: first\n\tsh -e {script}\n"
            f"first:\n\tsh -e {script}\n"
        )
        all_rounds: dict[str, list[Figures]] = {"make": [], "guard": [], "jobs": []}
        for _ in range(rounds + 1):
            all_rounds["make"].append(make_round(makefile))
            all_rounds["guard"].append(asyncio.run(skep_round(nodes, str(script), jobs=False)))
            all_rounds["jobs"].append(asyncio.run(skep_round(nodes, str(script), jobs=True)))
    return {
        name: {
            key: statistics.median(r[key] for r in found[1:]) for key in found[0]
        }  # the first one warms up
        for name, found in all_rounds.items()
    }


def main() -> None:
    """Prints the figures."""
    results = measure(NODES, ROUNDS)
    base = results["make"]
    say("spawn.make_j2", base["wall_s"] * 1e3, "ms")
    for name in ("guard", "jobs"):
        figures = results[name]
        say(f"spawn.{name}_wall_over_make", figures["wall_s"] / base["wall_s"], "x")
        say(f"spawn.{name}_cpu_over_make", figures["cpu_s"] / base["cpu_s"], "x")
        say(f"spawn.{name}_cpu_of_the_run", figures["main_ms_per_spawn"], "ms/start")
        say(f"spawn.{name}_cpu_of_the_guard", figures["guard_ms_per_spawn"], "ms/start")
