"""The user's tree in workspaces, as the engine asks for it: async faces of `source.trees`, and the tree in place."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

from skep.model.errors import HostError
from skep.pipeline.ports import PlacedTree
from skep.source.gitfolder import LocalGit, read_local_git, write_git_folder
from skep.source.trees import Placed, WorkTrees


class HostTrees:
    """`ports.Trees` by mirror and overlay or copy. One per run; `close` at its end."""

    def __init__(self, trees: WorkTrees) -> None:
        self.trees = trees

    async def place(self, target: str) -> PlacedTree:
        """Fills the empty or missing folder `target`. Raises HostError."""
        return _seen(await asyncio.to_thread(self.trees.place, target))

    async def remove(self, target: str) -> None:
        """Unmounts and deletes what was placed at `target` and below. Safe to repeat."""
        await asyncio.to_thread(self.trees.remove, target)

    async def clear(self, target: str) -> None:
        """Like `remove`, but leaves the empty folder."""
        await asyncio.to_thread(self.trees.clear, target)

    def in_place(self) -> bool:
        """False: steps work in copies."""
        return False

    async def repository(self) -> LocalGit | None:
        """The user's repository as the run has taken it; None for a folder without git."""
        return await asyncio.to_thread(self.trees.repository)

    async def read_repository(self, path: str) -> LocalGit | None:
        """Another repository on this machine; None when there is none."""
        return await asyncio.to_thread(read_local_git, path)

    async def write_git(self, git: LocalGit, target: str) -> None:
        """A private `.git` without index in `target`."""
        await asyncio.to_thread(_write_git, git, target)

    async def place_submodules(self, target: str, *, recursive: bool) -> Sequence[str]:
        """Places the work trees of submodules into a placed tree; the paths that were not there to place."""
        return await asyncio.to_thread(lambda: self.trees.place_submodules(target, recursive=recursive))

    def notes(self) -> Sequence[str]:
        """What of the tree could not be placed, in words."""
        return self.trees.notes()

    async def close(self) -> None:
        """Lets the run's snapshot go. Safe to repeat."""
        await asyncio.to_thread(self.trees.close)


class TreesInPlace:
    """`ports.Trees` for `--in-place`: steps work in the user's own tree, so nothing is placed and nothing removed.

    Each job's workspace must be `root` itself; a target anywhere else stays as it is.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    async def place(self, target: str) -> PlacedTree:  # noqa: ARG002
        """Only says what stands there."""
        began = time.monotonic()
        return await asyncio.to_thread(_in_place, self.root, began)

    async def remove(self, target: str) -> None:
        """Removes nothing: the tree is the user's."""

    async def clear(self, target: str) -> None:
        """Removes nothing: the tree is the user's."""

    def in_place(self) -> bool:
        """True: whatever a step writes is written to the user's tree."""
        return True

    async def repository(self) -> LocalGit | None:
        """The user's repository now; None for a folder without git."""
        return await asyncio.to_thread(read_local_git, self.root)

    async def read_repository(self, path: str) -> LocalGit | None:
        """Another repository on this machine; None when there is none."""
        return await asyncio.to_thread(read_local_git, path)

    async def write_git(self, git: LocalGit, target: str) -> None:
        """A private `.git` without index in `target`."""
        await asyncio.to_thread(_write_git, git, target)

    async def place_submodules(self, target: str, *, recursive: bool) -> Sequence[str]:  # noqa: ARG002
        """Places nothing: what is checked out is there."""
        return ()

    def notes(self) -> Sequence[str]:
        """Nothing is placed."""
        return ()

    async def close(self) -> None:
        """Nothing is held."""


def _seen(placed: Placed) -> PlacedTree:
    return PlacedTree(method=placed.method, sha=placed.sha, ref=placed.ref, took_s=placed.took_s)


def _write_git(git: LocalGit, target: str) -> None:
    try:
        os.makedirs(target, exist_ok=True)
        write_git_folder(os.path.join(target, ".git"), git.place, git.state, with_index=False)
    except OSError as exc:
        raise HostError(f"no `.git` can be written in {target}: {exc}", hint="is the disk full?") from exc


def _in_place(root: str, began: float) -> PlacedTree:
    git = read_local_git(os.path.abspath(root))
    sha, ref = (git.state.sha, git.state.ref) if git else ("", "")
    return PlacedTree(method="in-place", sha=sha, ref=ref, took_s=time.monotonic() - began)
