"""Workspaces of 10,000 files: Skep by overlay and by copy, beside `cp -a` and a plain `git ls-files`.

Each round runs every method once, in turn, so that what else the machine does falls on all alike. Printed: median wall
and CPU time (ours and our children's), and CPU as a ratio to `cp -a`. A warm overlay includes the whole stat scan.

    python bench/workspace.py [--rounds N] [--folders 1000 7029] [--in FOLDER]
"""

from __future__ import annotations

import argparse
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

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src"))

from skep.host.namespace import MountAbility, enter_private_mounts
from skep.host.removal import remove_tree
from skep.source.trees import WorkTrees

FILES = 10_000
BYTES = 84_000_000


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
        return WorkTrees(f"{self._top}/root", f"{self._top}/mirror", f"{self._top}/scratch", self._ability)

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
        found["skep overlay, first of a run"] = Skep(top, ability)
        found["skep overlay, later in a run"] = Skep(top, ability, one_run=True)
    found["skep copy, first of a run"] = Skep(top, replace(ability, overlay=False))
    found["cp -a"] = Command(root, "cp", "-a", root, "{}")
    found["git ls-files, looks only"] = Command(
        root, "git", "ls-files", "-z", "-c", "-o", "--exclude-standard"
    )
    return found


def bench(folders: int, rounds: int, within: str | None, ability: MountAbility) -> None:
    """Measures one shape of tree and prints a table."""
    with tempfile.TemporaryDirectory(prefix="skep-bench-", dir=within) as top:
        make_tree(f"{top}/root", folders)
        ways = methods(top, ability)
        for way in ways.values():  # once unmeasured: the mirror is warm, and so are the caches
            way.place(f"{top}/target")
            way.done(f"{top}/target")
        samples: dict[str, list[Sample]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                samples[name].append(measure(way.place, f"{top}/target"))
                way.done(f"{top}/target")
        for way in ways.values():
            if isinstance(way, Skep):
                way.done(f"{top}/target")
                way.close()
    print(f"{FILES} files in {folders} folders, {rounds} rounds; load {os.getloadavg()[0]:.1f}")
    print_table(samples)


def print_table(samples: dict[str, list[Sample]]) -> None:
    """One line for each method."""
    peer = statistics.median(sample.cpu_s for sample in samples["cp -a"])
    print(f"  {'':32}{'wall':>9}{'best':>9}{'CPU':>9}   CPU / cp -a")
    for name, found in samples.items():
        wall = statistics.median(sample.wall_s for sample in found)
        best = min(sample.wall_s for sample in found)
        cpu = statistics.median(sample.cpu_s for sample in found)
        print(f"  {name:32}{wall * 1000:6.0f} ms{best * 1000:6.0f} ms{cpu * 1000:6.0f} ms   {cpu / peer:.2f}")


def main() -> None:
    """Reads the words typed and measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folders", type=int, nargs="+", default=[1000, 7029])
    parser.add_argument(
        "--in", dest="within", default=None, help="where to make the trees; default: the temp folder"
    )
    options = parser.parse_args()
    ability = enter_private_mounts(options.within)
    if not ability.overlay:
        print(f"no overlays here: {ability.reason}")
    for folders in options.folders:
        bench(folders, options.rounds, options.within, ability)


if __name__ == "__main__":
    main()
