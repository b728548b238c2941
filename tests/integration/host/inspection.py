"""A run as `skep run` begins it, for a user who is not root: what may its steps see of it? Started by `test_inspection`."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile

from skep.cli.project import Project
from skep.cli.run_start import start_early
from skep.host.files import atomic_write
from skep.host.guard.client import Guard
from skep.host.mounts import mount_overlay, unmount
from skep.settings import Settings
from skep.store.local.paths import state_paths

LOOK = """
for pid in "$@"; do
  for file in environ mem maps root/etc/hostname; do
    cat "/proc/$pid/$file" >/dev/null 2>&1 && echo "$file can be read"
  done
  ls "/proc/$pid/task" >/dev/null || echo "not even its threads are seen"
done
sh -c 'while :; do sleep 0.1; done' daemon "$MARKER" &
setsid sh -c 'while :; do sleep 0.1; done' daemon "$MARKER" &
echo looked
"""


async def main(marker: str, folder: str) -> None:
    """Prints what a step could see, then kills what it left behind."""
    os.makedirs(f"{folder}/.github/workflows")
    atomic_write(f"{folder}/.github/workflows/w.yml", b"# actions/checkout")
    settings = Settings(work_dir=folder, state_dir=f"{folder}/state")
    project = Project(root=folder, settings=settings, paths=state_paths(settings.state_dir, folder))
    start = start_early(project, in_place=False)
    print(f"overlay {start.mounts.overlay} {start.mounts.reason}")
    if start.mounts.overlay:
        for name in ("lower", "upper", "work", "target"):
            os.mkdir(f"{folder}/{name}")
        mount_overlay(
            [f"{folder}/lower"],
            f"{folder}/upper",
            f"{folder}/work",
            f"{folder}/target",
            options=start.mounts.options,
        )
        unmount(f"{folder}/target")
    launched = start.take_guard()
    guard = Guard(launched)
    await guard.start()
    pids = [str(os.getpid()), str(launched.pid)]
    env = {"PATH": os.environ["PATH"], "MARKER": marker}
    step = await guard.spawn(
        ["sh", "-c", LOOK, "sh", *pids], "/", env, lambda chunk: print(chunk.decode(), end=""), "job"
    )
    ended = await step.wait()
    print(f"ended {ended.exit_code}")
    print(f"left {await guard.kill_tracked('job')}")
    await guard.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(sys.argv[1], place))
