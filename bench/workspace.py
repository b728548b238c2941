"""Workspaces of 10,000 files: by overlay and by copy, beside `cp -a` and a plain `git ls-files`, which only looks.

Each round runs every method once, in turn, so that what else the machine does falls on all alike. CPU is ours and our
children's. `overlay` and `copy` are the first of a run, with the whole stat scan on a warm mirror; `overlay_again` is a
later job of the same run. SKEP_BENCH_IN names another folder than the system's for temporary files.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.stopwatch import say
from skep.host.namespace import MountAbility, enter_private_mounts
from skep.host.removal import remove_tree
from skep.source.trees import WorkTrees

FILES = 10_000
BYTES = 84_000_000
SHAPES = (1000, 7029)
ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one use of a method took."""

    wall_s: float
    cpu_s: float


def make_tree(root: str, folders: int) -> None:
    """A repository of FILES files in `folders` folders, committed, with stamps old enough to be trusted."""
    rng = random.Random(1)
    names = [""]
    while len(names) <= folders:
        parent = rng.choice(names[-500:])
        if parent.count("/") < 6:
            names.append(f"{parent}/d{len(names)}" if parent else f"d{len(names)}")
    for name in names[1:]:
        os.makedirs(os.path.join(root, name), exist_ok=True)
    for number in range(FILES):
        name = names[1 + number % folders]
        size = int(rng.expovariate(FILES / BYTES)) + 1
        with open(os.path.join(root, name, f"module_{number}.py"), "wb") as file:
            file.write(rng.randbytes(min(size, 64)) * (size // 64 + 1))
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "tree"]):
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "gc.auto=0"]
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
    time.sleep(2.1)


def cpu_s() -> float:
    """CPU seconds of this process and its ended children so far."""
    parts = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def measure(method: Callable[[str], None], target: str) -> Sample:
    """Runs a method once."""
    wall, cpu = time.perf_counter(), cpu_s()
    method(target)
    return Sample(wall_s=time.perf_counter() - wall, cpu_s=cpu_s() - cpu)


class Skep:
    """A new run for each placing, so that each pays for the scan; `done` ends it outside the measured time."""

    def __init__(self, top: str, ability: MountAbility, *, one_run: bool = False) -> None:
        self._top, self._ability, self._one_run = top, ability, one_run
        self._trees = self._new()

    def _new(self) -> WorkTrees:
        return WorkTrees(
            f"{self._top}/root", f"{self._top}/mirror", f"{self._top}/scratch/{id(self)}", self._ability
        )

    def place(self, target: str) -> None:
        """Places the tree."""
        self._trees.place(target)

    def done(self, target: str) -> None:
        """Removes what was placed; the next placing is of a new run, unless all are of one."""
        self._trees.remove(target)
        if not self._one_run:
            self._trees.close()
            self._trees = self._new()

    def close(self) -> None:
        """Ends the run."""
        self._trees.close()


class Command:
    """A peer: a program that makes the target, or only looks."""

    def __init__(self, cwd: str, *argv: str) -> None:
        self._cwd, self._argv = cwd, argv

    def place(self, target: str) -> None:
        """Runs the program; `{}` in its words is the target."""
        argv = [word.replace("{}", target) for word in self._argv]
        subprocess.run(argv, cwd=self._cwd, stdout=subprocess.DEVNULL, check=True)

    def done(self, target: str) -> None:
        """Removes the target."""
        remove_tree(target)


def methods(top: str, ability: MountAbility) -> dict[str, Skep | Command]:
    """Every way to get at the tree, by name."""
    root = f"{top}/root"
    found: dict[str, Skep | Command] = {}
    if ability.overlay:
        found["overlay"] = Skep(top, ability)
        found["overlay_again"] = Skep(top, ability, one_run=True)
    found["copy"] = Skep(top, replace(ability, overlay=False))
    found["cp"] = Command(root, "cp", "-a", root, "{}")
    found["git_ls_files"] = Command(root, "git", "ls-files", "-z", "-c", "-o", "--exclude-standard")
    return found


def bench(folders: int, ability: MountAbility) -> None:
    """Measures one shape of tree."""
    with tempfile.TemporaryDirectory(prefix="skep-bench-", dir=os.environ.get("SKEP_BENCH_IN")) as top:
        make_tree(f"{top}/root", folders)
        ways = methods(top, ability)
        for way in ways.values():  # once unmeasured: the mirror is warm, and so are the caches
            way.place(f"{top}/target")
            way.done(f"{top}/target")
        samples: dict[str, list[Sample]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                samples[name].append(measure(way.place, f"{top}/target"))
                way.done(f"{top}/target")
        for way in ways.values():
            if isinstance(way, Skep):
                way.done(f"{top}/target")
                way.close()
    say_figures(folders, samples)


def say_figures(folders: int, samples: dict[str, list[Sample]]) -> None:
    """Three lines for each method."""
    peer = statistics.median(sample.cpu_s for sample in samples["cp"])
    for name, found in samples.items():
        label = f"workspace.{folders}_folders.{name}"
        cpu = statistics.median(sample.cpu_s for sample in found)
        say(f"{label}.wall", statistics.median(sample.wall_s for sample in found) * 1000, "ms")
        say(f"{label}.best_wall", min(sample.wall_s for sample in found) * 1000, "ms")
        say(f"{label}.cpu", cpu * 1000, "ms")
        say(f"{label}.cpu_to_cp", cpu / peer, "x")


def main() -> None:
    """Measures both shapes."""
    ability = enter_private_mounts()
    if not ability.overlay:
        print(f"no overlays here: {ability.reason}", file=sys.stderr)
    for folders in SHAPES:
        bench(folders, ability)


if __name__ == "__main__":
    main()
