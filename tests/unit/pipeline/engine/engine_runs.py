"""Runs a workflow text on the engine with fakes for every port: no processes, no time, no store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from skep.events.facts import JobFinished, JobSkipped, StepFinished
from skep.host.masking import Masker
from skep.model.ids import RunId
from skep.model.outcome import RunStatus
from skep.pipeline.engine.execute import RunExecution
from skep.pipeline.engine.services import CancelTiming, EngineServices, RunnerFacts, RunOptions
from skep.pipeline.plan.build import build_plan
from skep.pipeline.plan.values import RepositoryFacts, TriggerFacts
from skep.pipeline.ports import Approval, NativeAction
from skep.pipeline.workflow.reader import read_workflow
from skep.testing.records import FakeConcurrencyGroups, FakeLogStore, FakeSink
from skep.testing.runners import FakeRunner, FakeStart, Scripted

Script = Callable[[FakeStart], Scripted]
HashFiles = Callable[[Sequence[str], str, Callable[[], bool]], str]


class TickingClock:
    """A clock that goes on by a millisecond at every look."""

    def __init__(self) -> None:
        self.time_s = 1_700_000_000.0

    def now(self) -> float:
        self.time_s += 0.001
        return self.time_s

    def monotonic(self) -> float:
        return self.now()


class FakeApprovals:
    """Approves the environments it was given."""

    def __init__(self, *approved: str) -> None:
        self.approved = approved
        self.asked: list[tuple[str, str]] = []

    async def ask(self, environment: str, job: str) -> Approval:
        self.asked.append((environment, job))
        return Approval(granted=environment in self.approved, by="test")


@dataclass
class EngineRun:
    """What a run did."""

    status: RunStatus
    sink: FakeSink
    logs: FakeLogStore
    runner: FakeRunner
    problems: list[str] = field(default_factory=list)

    def jobs(self) -> dict[str, str]:
        """Leg's name -> conclusion."""
        ended = {fact.name: fact.conclusion for fact in self.sink.of(JobFinished)}
        return ended | {fact.name: fact.outcome for fact in self.sink.of(JobSkipped)}

    def steps(self) -> dict[str, str]:
        """Step's name -> outcome."""
        return {fact.name: fact.outcome for fact in self.sink.of(StepFinished)}

    def scripts(self) -> list[str]:
        """What was started, in order."""
        return [start.script.strip() for start in self.runner.starts]


def run_workflow(
    tmp_path: Path,
    *texts: str,
    script: Script = lambda _start: Scripted(),
    options: RunOptions | None = None,
    natives: Mapping[str, NativeAction] | None = None,
    during: Callable[[RunExecution], None] | None = None,
    groups: FakeConcurrencyGroups | None = None,
    approvals: FakeApprovals | None = None,
    unsupported: Callable[[Sequence[str]], str | None] = lambda _labels: None,
    hash_files: HashFiles = lambda patterns, _root, _stopped: "hash of " + " ".join(patterns),
) -> EngineRun:
    """Runs workflow texts for a push. `during` is called when everything that can start has started."""
    workflows = []
    for index, text in enumerate(texts):
        workflow, findings = read_workflow(text, f".github/workflows/w{index or ''}.yml")
        assert workflow is not None, findings
        workflows.append(workflow)
    trigger = TriggerFacts(
        event="push", ref="refs/heads/main", sha="a" * 40, payload={"ref": "refs/heads/main"}
    )
    repository = RepositoryFacts(
        repository="o/r", owner="o", actor="me", default_branch="main", root=str(tmp_path)
    )
    plan = build_plan(workflows, trigger, repository, run_id="1", run_number=1)
    sink, logs, runner = FakeSink(), FakeLogStore(), FakeRunner(str(tmp_path / "boxes"), script)
    chosen = options or RunOptions(cancel_timing=CancelTiming(after_interrupt_s=0.01, after_terminate_s=0.01))
    services = EngineServices(
        run_id=RunId("r"),
        run_number=1,
        runner=runner,
        runner_facts=RunnerFacts(os="Linux", arch="X64", name="test", unsupported_reason=unsupported),
        native_action=lambda name, _ref: (natives or {}).get(name),
        hash_files=hash_files,
        events=sink,
        logs=logs,
        groups=groups or FakeConcurrencyGroups(),
        approvals=approvals or FakeApprovals(),
        masking=Masker(list(chosen.secrets.values())),
        clock=TickingClock(),
        find_program=lambda name, _path: f"/bin/{name}" if name in ("bash", "sh", "node") else None,
        options=chosen,
        project_root=str(tmp_path),
    )
    os.makedirs(tmp_path / "boxes", exist_ok=True)
    execution = RunExecution(services, plan)

    async def go() -> RunStatus:
        if during is not None:
            asyncio.get_running_loop().call_later(0.02, during, execution)
        return await asyncio.wait_for(execution.run(), 10)

    return EngineRun(asyncio.run(go()), sink, logs, runner, execution.problems)


def job(body: str, head: str = "on: push") -> str:
    """A workflow with the one job `a`; `body` is its content without `runs-on`."""
    lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    return f"{head}\njobs:\n  a:\n    runs-on: ubuntu-latest\n{lines}\n"
