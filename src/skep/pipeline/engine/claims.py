"""The concurrency groups that the parts of one run hold or wait for: its workflows and its legs."""

from __future__ import annotations

from collections.abc import Callable

from skep.model.ids import RunId
from skep.pipeline.plan.concurrency import Concurrency
from skep.pipeline.ports import ConcurrencyGroups, GroupClaim


class Claims:
    """Claims by part: a workflow's key, or a leg's."""

    def __init__(self, groups: ConcurrencyGroups, run_id: RunId) -> None:
        self._groups = groups
        self._run_id = run_id
        self._claims: dict[str, GroupClaim] = {}

    def has(self, part: str) -> bool:
        """Whether the part holds a group, or waits for one."""
        return part in self._claims

    async def claim(self, part: str, group: Concurrency, cancelled: Callable[[], None]) -> bool:
        """Waits until the part holds the group; False when a newer claim took its place (see ConcurrencyGroups)."""
        claim = GroupClaim(
            group=group.group,
            holder=f"{self._run_id}/{part}",
            cancel_in_progress=group.cancel_in_progress,
            queue=group.queue,
        )
        self._claims[part] = claim
        held = await self._groups.claim(claim, cancelled)
        if not held:
            self._claims.pop(part, None)
        return held

    async def release(self, part: str) -> None:
        """Lets the part's group go, or gives up waiting. Safe to repeat."""
        claim = self._claims.pop(part, None)
        if claim is not None:
            await self._groups.release(claim)
