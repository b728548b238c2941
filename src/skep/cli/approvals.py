"""Approvals of deployments: given on the command line or in the settings, else asked for on a terminal, else refused."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection, Iterator
from typing import TextIO

from skep.cli.log_text import for_terminal
from skep.pipeline.plan.values import Plan
from skep.pipeline.ports import Approval
from skep.pipeline.workflow.nodes import MappingNode, Scalar
from skep.pipeline.workflow.tree import Job


class CommandLineApprovals:
    """`ports.Approvals` for one person at a terminal, or for nobody. Questions are asked one at a time."""

    def __init__(
        self,
        approved: Collection[str],
        *,
        person: str = "terminal",
        answers: TextIO | None = None,
        suspend: Callable[[], Callable[[], None]] | None = None,
    ) -> None:
        """`approved`: names of environments, in any case. `person`: who sits at the terminal. `answers`: where a person
        types; None: nobody does.

        `suspend` clears the screen for a question; what it gives goes on with the display."""
        self._approved = {name.lower() for name in approved}
        self._answered: set[str] = set()
        self._person = person
        self._answers = answers
        self._suspend = suspend or (lambda: lambda: None)
        self._lock = asyncio.Lock()
        self._waiting: asyncio.Future[str] | None = None
        self._closed = False

    async def ask(self, environment: str, job: str) -> Approval:
        """See `Approvals.ask`. A yes to one job of an environment holds for the rest of the run."""
        async with self._lock:
            if environment.lower() in self._approved:
                return Approval(granted=True, by="command line or settings")
            if environment.lower() in self._answered:
                return Approval(granted=True, by=self._person)
            if self._answers is None or self._closed:
                return Approval(granted=False, by="nobody: there is no terminal to ask at")
            resume = self._suspend()
            try:
                answer = await self._question(environment, job, self._answers)
            finally:
                resume()
            if answer.strip().lower() in ("y", "yes"):
                self._answered.add(environment.lower())
                return Approval(granted=True, by=self._person)
            return Approval(granted=False, by=self._person)

    def close(self) -> None:
        """Answers open and later questions with no: the run is cancelled."""
        self._closed = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result("")

    async def _question(self, environment: str, job: str, answers: TextIO) -> str:
        text = f"`{job}` deploys to `{environment}`. Go on? [y/N] "
        print(
            for_terminal(text.encode("utf-8", "replace"), colour=False), end="", file=sys.stderr, flush=True
        )
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[str] = loop.create_future()
        self._waiting = waiting

        def read() -> None:
            if not waiting.done():
                waiting.set_result(answers.readline())

        loop.add_reader(answers, read)
        try:
            return await waiting
        finally:
            loop.remove_reader(answers)
            self._waiting = None


def unapproved_environments(plan: Plan, approved: Collection[str]) -> tuple[str, ...]:
    """Environments that jobs of the plan name and nobody has approved, sorted; those made by an expression are not known."""
    known = {name.lower() for name in approved}
    names = {name for item in plan.workflows for job in item.workflow.jobs for name in _environments(job)}
    return tuple(sorted(name for name in names if name.lower() not in known))


def _environments(job: Job) -> Iterator[str]:
    if job.called is not None:
        for inner in job.called.jobs:
            yield from _environments(inner)
    node = job.environment.get("name") if isinstance(job.environment, MappingNode) else job.environment
    if isinstance(node, Scalar) and node.text.strip():
        yield node.text.strip()
