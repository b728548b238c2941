"""Every runner keeps the contract of `pipeline.ports.Runner`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from skep.model.ids import RunId
from skep.pipeline.ports import Runner
from skep.pipeline.runners.host import HostRunner
from skep.testing.runner_contract import RunnerContract, scripted
from skep.testing.runners import FakeRunner


class TestFakeRunner(RunnerContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.root = tmp_path

    def runner(self) -> AbstractAsyncContextManager[Runner]:
        @asynccontextmanager
        async def make() -> AsyncIterator[Runner]:
            yield FakeRunner(str(self.root), lambda start: scripted(start.spec.argv[0], start.spec.argv[-1]))

        return make()


class TestHostRunner(RunnerContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.root = tmp_path

    def runner(self) -> AbstractAsyncContextManager[Runner]:
        @asynccontextmanager
        async def make() -> AsyncIterator[Runner]:
            problems: list[str] = []
            runner = HostRunner(
                run_id=RunId("20261120T101530-4f2a"),
                work_root=f"{self.root}/work",
                memory_root=f"{self.root}/memory",
                repository="octo/shop",
                tool_cache=f"{self.root}/tools",
                environ=os.environ,
                report=problems.append,
            )
            await runner.open()
            try:
                yield runner
            finally:
                await runner.close()
            assert problems == []
            assert os.listdir(f"{self.root}/work") == []
            assert os.listdir(f"{self.root}/memory") == []

        return make()
