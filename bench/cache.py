"""Saving and restoring a cache of 200 MB, and artifacts of the same, beside GNU tar on the same files."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from skep.cache.archive import pack, unpack
from skep.cache.artifacts import ArtifactFile
from skep.cache.blobs import Blob, Blobs, never
from skep.cache.restore import restore_files
from skep.cache.zipped import zip_digest
from skep.pipeline.natives.artifact_writing import store_file

TOTAL_BYTES = 200_000_000
ROUNDS = 3


def main() -> None:
    """Prints the figures: medians of interleaved rounds."""
    for files in (200, 10_000):
        with tempfile.TemporaryDirectory(prefix="skep-bench-") as folder:
            measure(Path(folder), files)


def measure(root: Path, files: int) -> None:
    """One shape of tree."""
    tree = root / "tree"
    make_tree(tree, files)
    took: dict[str, list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for name, work in rounds(root, tree).items():
            took.setdefault(name, []).append(timed(work))
        for left in root.iterdir():
            if left != tree:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    for name, pairs in took.items():
        wall, cpu = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"{files} files, {name}  {wall:.2f} s wall  {cpu:.2f} s CPU")
    for ours, peer in (("cache save", "tar c"), ("cache restore", "tar x")):
        mine, other = (statistics.median(cpu for _, cpu in took[name]) for name in (ours, peer))
        print(f"{files} files, {ours} / {peer}  {mine / other:.2f} x CPU")


def rounds(root: Path, tree: Path) -> dict[str, Callable[[], object]]:
    """What is measured, in order; later ones use what earlier ones made."""
    blobs = Blobs(str(root / "blobs"))
    stored: list[ArtifactFile] = []
    archive: list[Blob] = []
    (root / "tar").mkdir()

    def save() -> None:
        with blobs.shared(), blobs.writer() as out:
            pack([(str(tree), "workspace/tree")], out.write)
            archive.append(out.commit())

    def restore() -> None:
        blobs.verify(archive[0].digest)
        with open(blobs.path(archive[0].digest), "rb") as file:
            unpack(file, lambda name: str(root / "restored" / name))

    def upload() -> None:
        paths = sorted(path for path in tree.rglob("*") if path.is_file())
        stored.extend(store_file(str(path), str(path.relative_to(tree)), blobs, never) for path in paths)
        zip_digest(stored, blobs)

    return {
        "tar c": lambda: run("tar", "--posix", "-cf", str(root / "a.tar"), "-C", str(root), "tree"),
        "cache save": save,
        "tar c | gzip -1": lambda: run(
            "tar", "-I", "gzip -1", "-cf", str(root / "a.tgz"), "-C", str(root), "tree"
        ),
        "tar x": lambda: run("tar", "-xf", str(root / "a.tar"), "-C", str(root / "tar")),
        "cache restore": restore,
        "artifact upload": upload,
        "artifact download": lambda: restore_files(stored, blobs, str(root / "downloaded")),
    }


def make_tree(root: Path, files: int) -> None:
    """Files of equal size, half noise and half text, as build outputs are."""
    size = TOTAL_BYTES // files // 2
    for number in range(files):
        path = root / f"d{number % 97}" / f"e{number % 13}" / f"file-{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size) + (b"line %d of a text\n" % number) * (size // 19))


def run(*command: str) -> None:
    """A peer's process."""
    subprocess.run(command, check=True)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds, children included."""
    before, started = _cpu(), time.perf_counter()
    work()
    return time.perf_counter() - started, _cpu() - before


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
