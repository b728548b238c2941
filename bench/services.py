"""The services of GitHub's toolkits: their start, restoring 200 MB through them and natively beside tar, 300 MB in blocks."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.cache import make_tree
from skep.cache.archive import unpack
from skep.cache.artifacts import Artifacts
from skep.cache.blobs import Blobs
from skep.cache.decompress import open_archive
from skep.cache.entries import CacheEntries, Compression
from skep.host.clock import SystemClock
from skep.model.ids import LegKey, RunId
from skep.pipeline.ports import JobBox, ToolkitJob
from skep.pipeline.services.toolkits import Stores, Toolkits

PACKAGES = Path(__file__).parents[1] / "tests" / "npm"
ROUNDS = 5
LARGE_BYTES = 300_000_000
METHODS: dict[Compression, list[str]] = {
    "none": [],
    "gzip": ["-z"],
    "zstd": ["--use-compress-program", "zstdmt"],
}
UNDO: dict[Compression, list[str]] = {
    "none": [],
    "gzip": ["-z"],
    "zstd": ["--use-compress-program", "unzstd"],
}
START = """
import asyncio, sys, time, urllib.request
import skep.wiring
from skep.cache.artifacts import Artifacts
from skep.cache.blobs import Blobs
from skep.cache.entries import CacheEntries
from skep.host.clock import SystemClock
from skep.pipeline.ports import JobBox, ToolkitJob
root = sys.argv[1]
box = JobBox(leg='a', root=root, workspace=root, temp=root, home=root, tool_cache='', commands='', env={})
async def main():
    begun, cpu = time.perf_counter(), time.process_time()
    from skep.pipeline.services.toolkits import Stores, Toolkits
    stores = Stores(blobs=Blobs(root), entries=CacheEntries(root), artifacts=Artifacts(root), keys=root, clock=SystemClock())
    toolkits = Toolkits(stores)
    await toolkits.variables(ToolkitJob(run_id='r', leg='a', box=box, github={}), action=True)
    print(time.perf_counter() - begun, time.process_time() - cpu)
    await toolkits.close()
asyncio.run(main())
"""
SAVE = "await cache.saveCache(['tree'], 'k');"
RESTORE = "if (await cache.restoreCache(['tree'], 'k') !== 'k') process.exit(1);"
NOTHING = "await cache.restoreCache(['tree'], 'other');"
LARGE = """
import {DefaultArtifactClient} from '@actions/artifact';
import fs from 'fs';
const client = new DefaultArtifactClient(), ws = process.env.GITHUB_WORKSPACE, said = {};
let begun = performance.now();
const {id, digest} = await client.uploadArtifact('large', [`${ws}/large`], ws, {compressionLevel: 0});
said.up = performance.now() - begun;
begun = performance.now();
const got = await client.downloadArtifact(id, {path: `${ws}/out`, expectedHash: `sha256:${digest}`});
said.down = performance.now() - begun;
if (got.digestMismatch) process.exit(1);
fs.writeFileSync(process.env.ANSWER, JSON.stringify(said));
"""


def main() -> None:
    """Prints the figures: medians of interleaved rounds."""
    with tempfile.TemporaryDirectory(prefix="skep-bench-") as folder:
        measure_start(folder)
        measure_native(Path(folder))
    with tempfile.TemporaryDirectory(prefix="skep-bench-") as folder:
        asyncio.run(measure_toolkits(Path(folder)))


def measure_start(folder: str) -> None:
    """From the first need to a server that listens, imports included, in a process that has begun a run."""
    laps = [[float(part) for part in run(sys.executable, "-c", START, folder).split()] for _ in range(ROUNDS)]
    wall, cpu = (statistics.median(values) * 1000 for values in zip(*laps, strict=True))
    print(f"service start  {wall:.0f} ms wall  {cpu:.0f} ms CPU  (goal 150 ms)")


def measure_native(root: Path) -> None:
    """The native action's way with archives that toolkits saved, digest checked, beside tar alone."""
    make_tree(root / "tree", 200)
    blobs = Blobs(str(root / "blobs"))
    for compression, options in METHODS.items():
        archive = root / f"tree.{compression}"
        run("tar", "--posix", *options, "-cf", str(archive), "-C", str(root), "tree")
        blob = blobs.add_file(str(archive))

        def ours(digest: str = blob.digest, compression: Compression = compression) -> None:
            blobs.verify(digest)
            with open_archive(blobs.path(digest), compression) as tar:
                unpack(tar, lambda name: str(root / "ours" / name))

        def theirs(archive: Path = archive, compression: Compression = compression) -> None:
            (root / "theirs").mkdir()
            run("tar", "-x", *UNDO[compression], "-f", str(archive), "-C", str(root / "theirs"))

        compare(
            f"200 MB restored natively from {compression} / tar",
            ours,
            theirs,
            [root / "ours", root / "theirs"],
        )


async def measure_toolkits(root: Path) -> None:
    """GitHub's packages over our services."""
    stores = Stores(
        blobs=Blobs(str(root / "blobs")),
        entries=CacheEntries(str(root / "entries")),
        artifacts=Artifacts(str(root / "artifacts")),
        keys=str(root / "keys"),
        clock=SystemClock(),
    )
    toolkits = Toolkits(stores)
    workspace, temp = root / "workspace", root / "temp"
    make_tree(workspace / "tree", 200)
    temp.mkdir()
    places = {"root": root, "workspace": workspace, "temp": temp, "home": root, "commands": root}
    box = JobBox(leg=LegKey("a"), tool_cache="", env={}, **{name: str(path) for name, path in places.items()})
    job = ToolkitJob(run_id=RunId("r"), leg=LegKey("a"), box=box, github={"ref": "refs/heads/main"})
    given = await toolkits.variables(job, action=True)
    env = {
        **os.environ,
        **given,
        "GITHUB_WORKSPACE": str(workspace),
        "RUNNER_TEMP": str(temp),
        "ANSWER": str(root / "said"),
    }
    await asyncio.to_thread(measure_toolkit_cache, workspace, stores, env)
    (workspace / "large").write_bytes(os.urandom(1_000_000) * (LARGE_BYTES // 1_000_000))
    await asyncio.to_thread(node, LARGE, env)
    said = json.loads((root / "said").read_text(encoding="utf-8"))
    print(
        f"300 MB artifact in blocks  up {said['up'] / 1000:.2f} s  down {said['down'] / 1000:.2f} s (@actions/artifact)"
    )
    await toolkits.close()


def measure_toolkit_cache(workspace: Path, stores: Stores, env: dict[str, str]) -> None:
    """Restoring by @actions/cache, beside the same package finding nothing and tar unpacking the same archive."""
    node(cache_script(SAVE), env)
    (entry,) = stores.entries
    archive, other = stores.blobs.path(entry.archive.digest), workspace.parent / "other"

    def theirs() -> None:
        other.mkdir()
        node(cache_script(NOTHING), env)
        run("tar", "-x", "--use-compress-program", "unzstd", "-f", archive, "-C", str(other))

    compare(
        "200 MB restored by @actions/cache / a miss and tar",
        lambda: node(cache_script(RESTORE), env),
        theirs,
        [workspace / "tree", other],
    )


def compare(name: str, ours: Callable[[], object], theirs: Callable[[], object], remove: list[Path]) -> None:
    """Prints both medians and their ratio."""
    laps: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, taken in zip((ours, theirs), laps, strict=True):
            begun = time.perf_counter()
            work()
            taken.append(time.perf_counter() - begun)
            for folder in remove:
                shutil.rmtree(folder, ignore_errors=True)
    mine, other = (statistics.median(taken) for taken in laps)
    print(f"{name}  {mine:.2f} s / {other:.2f} s = {mine / other:.2f} x wall  (goal 1.2 x)")


def cache_script(work: str) -> str:
    """A script in the workspace."""
    return f"import * as cache from '@actions/cache'; process.chdir(process.env.GITHUB_WORKSPACE); {work}"


def node(script: str, env: dict[str, str]) -> None:
    """Runs a script with the packages of the tests."""
    subprocess.run(
        ["node", "--input-type=module", "-e", script],
        cwd=PACKAGES,
        env=env,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def run(*argv: str) -> str:
    """Runs a command; what it says."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
