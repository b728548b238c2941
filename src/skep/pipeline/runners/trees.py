"""The user's tree in workspaces, as the engine asks for it: async faces of `source.trees`, and the tree in place."""

from __future__ import annotations

import asyncio
import os
import time

from skep.pipeline.ports import PlacedTree
from skep.source.gitfolder import GitReading
from skep.source.listing import find_git
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

    async def close(self) -> None:
        """Lets the run's snapshot go. Safe to repeat."""
        await asyncio.to_thread(self.trees.close)


class TreesInPlace:
    """`ports.Trees` for `--in-place`: steps work in the user's own tree, so nothing is placed and nothing removed.

    Each job's workspace must be `root` itself; a target anywhere else stays as it is.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    async def place(self, target: str) -> PlacedTree:
        """Only says what stands there."""
        began = time.monotonic()
        return await asyncio.to_thread(_in_place, self.root, began)

    async def remove(self, target: str) -> None:
        """Removes nothing: the tree is the user's."""

    async def clear(self, target: str) -> None:
        """Removes nothing: the tree is the user's."""

    async def close(self) -> None:
        """Nothing is held."""


def _seen(placed: Placed) -> PlacedTree:
    return PlacedTree(method=placed.method, sha=placed.sha, ref=placed.ref, took_s=placed.took_s)


def _in_place(root: str, began: float) -> PlacedTree:
    place = find_git(os.path.abspath(root))
    state = GitReading(place).finish() if place else None
    return PlacedTree(
        method="in-place",
        sha=state.sha if state else "",
        ref=state.ref if state else "",
        took_s=time.monotonic() - began,
    )
