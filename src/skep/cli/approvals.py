"""Approvals of deployments: given on the command line or in the settings, else asked for on a terminal, else refused."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection
from typing import TextIO

from skep.cli.log_text import for_terminal


class CommandLineApprovals:
    """`ports.Approvals` for one person at a terminal, or for nobody. Questions are asked one at a time."""

    def __init__(
        self,
        approved: Collection[str],
        *,
        answers: TextIO | None = None,
        suspend: Callable[[], Callable[[], None]] | None = None,
    ) -> None:
        """`approved`: names of environments, in any case. `answers`: where a person types; None: nobody does.

        `suspend` clears the screen for a question; what it gives goes on with the display."""
        self._approved = {name.lower() for name in approved}
        self._answers = answers
        self._suspend = suspend or (lambda: lambda: None)
        self._lock = asyncio.Lock()
        self._waiting: asyncio.Future[str] | None = None
        self._closed = False

    async def ask(self, environment: str, job: str) -> bool:
        """See `Approvals.ask`. A yes to one job of an environment holds for the rest of the run."""
        async with self._lock:
            if environment.lower() in self._approved:
                return True
            if self._answers is None or self._closed:
                return False
            resume = self._suspend()
            try:
                answer = await self._question(environment, job, self._answers)
            finally:
                resume()
            if answer.strip().lower() in ("y", "yes"):
                self._approved.add(environment.lower())
                return True
            return False

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
