"""`hashFiles` in the expressions of one job. Expressions are evaluated at once, on the loop; files are hashed in a thread.

    settle(work) -> work asks for a hash that is not known -> it is given up, the hash made in a thread, work done again

So `work` must be an evaluation and nothing else. What is known holds until something may have changed files (`forget`).
Outside of `settle` a hash is made on the spot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from skep.model.errors import HostError, SkepError
from skep.pipeline.expressions.values import Value, to_text

from .stopping import StopKind, StopSignal

T = TypeVar("T")
Stopped = Callable[[], bool]


class _Wanted(Exception):  # noqa: N818 - no error: a wish
    def __init__(self, patterns: tuple[str, ...]) -> None:
        super().__init__(patterns)
        self.patterns = patterns


class FileHashes:
    """The function `hashFiles` of one job."""

    def __init__(self, compute: Callable[[Sequence[str], Stopped], str], stop: StopSignal) -> None:
        """`compute` hashes the files that patterns name, and may raise whatever it likes once its second argument says
        that the result is not wanted any more; it is called in threads. `stop`: of the job."""
        self._compute = compute
        self._stop = stop
        self._known: dict[tuple[str, ...], str | SkepError] = {}
        self._is_deferring = False
        self._is_frugal = False

    def __call__(self, arguments: Sequence[Value]) -> Value:
        """The hash. Raises what `compute` does."""
        patterns = tuple([to_text(argument) for argument in arguments])
        if patterns not in self._known:
            if self._is_frugal:
                raise HostError("files are not hashed for this")
            if self._is_deferring:
                raise _Wanted(patterns)
            return self._compute(patterns, lambda: False)
        known = self._known[patterns]
        if isinstance(known, SkepError):
            raise known
        return known

    async def settle(self, work: Callable[[], T]) -> T:
        """What `work`, an evaluation, gives or raises. Others may run meanwhile, when it asks for hashes."""
        while True:
            self._is_deferring = True
            try:
                return work()
            except _Wanted as wanted:
                patterns = wanted.patterns
            finally:
                self._is_deferring = False
            await self._learn(patterns)

    def only_known(self, work: Callable[[], T]) -> T:
        """What `work` gives when it is not worth hashing files for: what is not known then raises HostError."""
        self._is_frugal = True
        try:
            return work()
        finally:
            self._is_frugal = False

    def forget(self) -> None:
        """Files may have changed."""
        self._known.clear()

    async def _learn(self, patterns: tuple[str, ...]) -> None:
        """Makes a hash known; not when the job is stopped meanwhile: then the evaluation may not even want it any more."""
        raised = self._stop.raised
        if StopKind.KILL in raised:
            self._known[patterns] = ""  # nothing will run that could see it
            return
        before = len(raised)
        try:
            self._known[patterns] = await asyncio.to_thread(
                self._compute, patterns, lambda: len(raised) > before
            )
        except SkepError as error:
            if len(raised) == before:
                self._known[patterns] = error
