"""An action of 1,000 files from a mirror: the first fetch, beside `git clone --depth 1`, and the look of a locked run."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from skep.pipeline.actions.lock import Locked
from skep.pipeline.actions.remote import RemotePolicy
from skep.pipeline.natives.remote_shelf import RemoteShelf, Shelf
from skep.source.actions import ActionStore
from skep.source.remote_git import Origin

FILES = 1000
ROUNDS = 7


def main() -> None:
    """Prints the figures: medians of interleaved rounds, wall time and CPU time with children."""
    with tempfile.TemporaryDirectory(prefix="skep-bench-") as folder:
        root = Path(folder)
        sha, tree = make_mirror(root)
        origin = Origin(repository="octo/big", where=str(root / "big.git"))
        took: dict[str, list[tuple[float, float]]] = {}
        for _ in range(ROUNDS):
            for name, work in rounds(root, origin, Locked(sha=sha, tree=tree)).items():
                took.setdefault(name, []).append(timed(work))
            subprocess.run(["chmod", "-R", "u+w", str(root / "store")], check=True)
            shutil.rmtree(root / "store")
            shutil.rmtree(root / "clone")
    medians = {name: tuple(map(statistics.median, zip(*pairs, strict=True))) for name, pairs in took.items()}
    for name, (wall, cpu) in medians.items():
        print(f"{FILES} files, {name}  {wall * 1000:.1f} ms wall  {cpu * 1000:.1f} ms CPU")
    print(f"cold fetch / git clone  {medians['cold'][1] / medians['clone'][1]:.2f} x CPU")


def rounds(root: Path, origin: Origin, locked: Locked) -> dict[str, Callable[[], object]]:
    """What is measured, in order; `warm` uses what `cold` made, with the mirror out of reach."""
    store = ActionStore(str(root / "store"))
    gone = Origin(repository=origin.repository, where="/nowhere")
    policy = RemotePolicy(offline=True)
    lock = {"octo/big@v1": locked}

    def cold() -> None:
        store.obtain(origin, store.resolve(origin, "v1"))

    def warm() -> None:
        RemoteShelf(Shelf(store=store, policy=policy, lock=lock, origin=lambda _: gone)).obtain("octo/big@v1")

    def clone() -> None:
        words = [
            "git",
            "clone",
            "-q",
            "--depth=1",
            "--branch=v1",
            f"file://{origin.where}",
            str(root / "clone"),
        ]
        subprocess.run(words, check=True, stderr=subprocess.DEVNULL)

    return {"cold": cold, "warm": warm, "clone": clone}


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds, children included."""
    before, started = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - started, os.times()
    return wall, sum(after[:4]) - sum(before[:4])


def make_mirror(root: Path) -> tuple[str, str]:
    """A bare repository whose `v1` has many files: commit and tree."""
    work = root / "work"
    for number in range(FILES):
        path = work / f"lib{number % 25}" / f"module{number}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"// module {number}\n" + "exports.x = 1;\n" * 150)

    def git(*words: str) -> str:
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
        done = subprocess.run(
            ["git", *identity, *words], cwd=work, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "an action")
    git("tag", "v1")
    git("clone", "-q", "--bare", ".", str(root / "big.git"))
    return git("rev-parse", "v1"), git("rev-parse", "v1^{tree}")


if __name__ == "__main__":
    main()
