"""Setting up Python and Node for a job: the first time on a machine, and when everything is there."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from skep.cache.blobs import Blobs
from skep.cache.entries import CacheEntries
from skep.host.clock import SystemClock
from skep.host.environment import job_environment
from skep.host.removal import remove_tree
from skep.model.ids import LegKey, RunId
from skep.pipeline.natives.setup_cache import DependencyMarks
from skep.pipeline.natives.setup_node import SetupNode
from skep.pipeline.natives.setup_python import SetupPython
from skep.pipeline.ports import JobBox, NativeAction, NativeCall, NativeResult, Phase, ProcessEnd

ROUNDS = 20


def main() -> None:
    """Prints the figures: medians of warm rounds, beside what they spare."""
    with tempfile.TemporaryDirectory(prefix="skep-bench-") as folder:
        root = Path(folder)
        marks = DependencyMarks(Blobs(f"{root}/blobs"), CacheEntries(f"{root}/entries"), SystemClock())
        measure(root, "actions/setup-python", SetupPython(marks), {"python-version": "3.x"})
        if shutil.which("node"):
            measure(root, "actions/setup-node", SetupNode(marks), {"node-version": "*"})
        report(
            "python -m venv",
            lambda: asyncio.run(_run([sys.executable, "-m", "venv", f"{root}/venv", "--clear"])),
            3,
        )


def measure(root: Path, name: str, action: NativeAction, inputs: dict[str, str]) -> None:
    """One action: its first use, then warm ones, and what removing its folder costs."""
    numbers = iter(range(10_000))

    def use() -> NativeResult:
        return asyncio.run(_use(root, next(numbers), name, action, inputs))

    report(f"{name}, first use", use, 1)
    report(f"{name}, warm", use, ROUNDS)
    jobs = iter(sorted(jobs_of(root, name).iterdir()))
    report(f"{name}, removing a job's copy", lambda: remove_tree(str(next(jobs))), ROUNDS)


def jobs_of(root: Path, name: str) -> Path:
    """Where the jobs of an action have their folders."""
    return root / f"jobs of {name.rpartition('/')[2]}"


def report(what: str, work: Callable[[], object], rounds: int) -> None:
    """Prints medians."""
    pairs = [timed(work) for _ in range(rounds)]
    wall, cpu = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"{what}  {wall * 1000:.1f} ms wall  {cpu * 1000:.1f} ms CPU")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds, children's included."""
    begun, used = time.perf_counter(), _cpu_s()
    work()
    return time.perf_counter() - begun, _cpu_s() - used


def _cpu_s() -> float:
    kinds = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in kinds)


async def _use(
    root: Path, number: int, name: str, action: NativeAction, inputs: dict[str, str]
) -> NativeResult:
    job = jobs_of(root, name) / f"{number:04}"
    places = {place: str(job / place) for place in ("workspace", "temp", "home", "commands")}
    for place in places.values():
        os.makedirs(place)
    env, _ = job_environment(os.environ, home=places["home"], temp=places["temp"])
    leg = LegKey("bench.yml:job")
    box = JobBox(leg=leg, root=str(job), tool_cache=str(root / "tools"), env=env, **places)

    async def run(argv: Sequence[str], cwd: str) -> ProcessEnd:
        raise AssertionError(f"no process is needed: {argv} in {cwd}")

    call = NativeCall(
        action=name,
        ref="v5",
        phase=Phase.MAIN,
        inputs=inputs,
        env=env,
        github={},
        box=box,
        run_id=RunId("bench"),
        leg=leg,
        log=lambda _line: None,
        publish=lambda _fact: None,
        run=run,
    )
    return await action(call)


async def _run(argv: Sequence[str]) -> None:
    process = await asyncio.create_subprocess_exec(*argv)
    await process.wait()
