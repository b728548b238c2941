"""In-memory records ports for tests: a fact list, logs in memory, and concurrency groups within one loop.

They keep the promises of `pipeline.ports`; the suite in tests/contract holds them and the sqlite driver to
one set
of cases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from skep.events.facts import Fact
from skep.model.ids import LegKey, StepId
from skep.pipeline.ports import GroupClaim

F = TypeVar("F", bound=Fact)


class FakeSink:
    """An EventSink that keeps every fact in `facts`, in order."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def publish(self, fact: Fact) -> None:
        """Keeps the fact."""
        self.facts.append(fact)

    def of(self, kind: type[F]) -> list[F]:
        """The facts of one class, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


class FakeLogSink:
    """The log of one leg in memory: `data`, and each step's share in `by_step`."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.by_step: dict[StepId, bytearray] = {}
        self.closed = False

    def write(self, step: StepId, chunk: bytes) -> None:
        """Appends. Writing after `close` is an error of the caller's."""
        assert not self.closed, "log written after close"
        self.data += chunk
        self.by_step.setdefault(step, bytearray()).extend(chunk)

    def tell(self) -> int:
        """Bytes kept so far."""
        return len(self.data)

    def close(self) -> None:
        """Ends the log. Safe to repeat."""
        self.closed = True


class FakeLogStore:
    """A LogStore in memory: `logs[leg]` is the sink that was opened."""

    def __init__(self) -> None:
        self.logs: dict[LegKey, FakeLogSink] = {}

    def open(self, leg: LegKey) -> FakeLogSink:
        """The sink of a leg; each leg is opened once per run."""
        assert leg not in self.logs, f"log of {leg} opened twice"
        self.logs[leg] = FakeLogSink()
        return self.logs[leg]

    def text(self, leg: str) -> str:
        """What a leg has logged, as text."""
        return self.logs[LegKey(leg)].data.decode("utf-8", "replace")


@dataclass(slots=True, kw_only=True, eq=False)
class _Waiter:
    claim: GroupClaim
    cancelled: Callable[[], None]
    turn: asyncio.Future[bool]
    told: bool = False


@dataclass(slots=True, kw_only=True)
class _Group:
    holder: _Waiter | None = None
    waiting: list[_Waiter] = field(default_factory=list)


class FakeConcurrencyGroups:
    """ConcurrencyGroups within one event loop."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    def holder_of(self, group: str) -> str | None:
        """Who holds a group now."""
        holder = self._groups.get(group, _Group()).holder
        return holder.claim.holder if holder else None

    def waiting_for(self, group: str) -> list[str]:
        """Who waits for a group, first in line first."""
        return [waiter.claim.holder for waiter in self._groups.get(group, _Group()).waiting]

    async def claim(self, claim: GroupClaim, cancelled: Callable[[], None]) -> bool:
        """See ConcurrencyGroups."""
        group = self._groups.setdefault(claim.group, _Group())
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(claim=claim, cancelled=cancelled, turn=turn)
        if group.holder is None and not group.waiting:
            group.holder = waiter
            return True
        if claim.queue == "single":
            for older in group.waiting:
                older.turn.set_result(False)
            group.waiting.clear()
        group.waiting.append(waiter)
        if claim.cancel_in_progress and group.holder is not None and not group.holder.told:
            group.holder.told = True
            group.holder.cancelled()
        try:
            return await turn
        except asyncio.CancelledError:
            self._drop(claim)
            raise

    async def release(self, claim: GroupClaim) -> None:
        """See ConcurrencyGroups."""
        self._drop(claim)

    def _drop(self, claim: GroupClaim) -> None:
        group = self._groups.get(claim.group)
        if group is None:
            return
        for waiter in [one for one in group.waiting if one.claim.holder == claim.holder]:
            group.waiting.remove(waiter)
            if not waiter.turn.done():
                waiter.turn.set_result(False)
        if group.holder is not None and group.holder.claim.holder == claim.holder:
            group.holder = group.waiting.pop(0) if group.waiting else None
            if group.holder is not None:
                group.holder.turn.set_result(True)
