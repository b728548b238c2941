"""Carries out a plan: asks the scheduler, starts legs, claims groups, and writes down what happened. Holds no rule of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from functools import partial
from typing import assert_never

from skep.events.facts import (
    CancelRequested,
    EnvironmentJudged,
    Fact,
    JobFinished,
    WorkflowFinished,
    WorkflowSkipped,
    WorkflowStarted,
)
from skep.model.errors import SkepError
from skep.model.ids import JobKey, LegKey
from skep.model.outcome import Outcome, RunStatus
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.concurrency import Concurrency, read_concurrency
from skep.pipeline.plan.values import Plan, WorkflowPlan

from . import schedule
from .claims import Claims
from .jobs import RunJobs
from .legs import LegPlan, LegRun
from .messages import (
    CancelAsked,
    CancelLeg,
    ClaimGroup,
    Command,
    DecideJob,
    DropLeg,
    EndCall,
    GroupHeld,
    GroupLost,
    Happening,
    JobDecided,
    LegEnded,
    RunEnded,
    StartLeg,
    WorkflowAdmitted,
    WorkflowEnded,
)
from .results import JobResults, run_status
from .services import EngineServices


def job_key(workflow: str, job_id: str) -> JobKey:
    """The key of a job in its run."""
    return JobKey(f"{workflow}:{job_id}")


class RunExecution:
    """One run. `run` once, on an asyncio loop; `cancel` and `kill` from the loop's thread."""

    def __init__(self, services: EngineServices, plan: Plan) -> None:
        self._services = services
        self._plan = plan
        self._plans: dict[str, WorkflowPlan] = {item.key: item for item in plan.workflows}
        self._results = JobResults()
        self._jobs = RunJobs(services, plan, self._results)
        self._legs: dict[LegKey, LegRun] = {}
        self._claims = Claims(services.groups, services.run_id)
        self._tasks: set[asyncio.Task[None]] = set()
        self._inbox: deque[Happening] = deque()
        self._busy = False
        self._bug: BaseException | None = None
        self._cancelled = False
        self._state, self._first = schedule.begin(
            self._jobs.nodes(), list(self._plans), services.options.jobs
        )

    async def run(self) -> RunStatus:
        """Runs everything to its end. Raises only bugs of ours, after all steps were stopped."""
        self._over = asyncio.get_running_loop().create_future()
        for decision in self._plan.decisions:
            if not decision.starts:
                self._publish(WorkflowSkipped(at=self._now(), path=decision.path, reason=decision.reason))
        for item in self._plan.workflows:
            self._publish(self._workflow_started(item))
        for command in self._first:
            self._do(command)
        for item in self._plan.workflows:
            self._admit(item)
        await self._over
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._bug is not None:
            raise self._bug
        return run_status(
            self._results,
            cancelled=self._cancelled,
            allow_unsupported=self._services.options.allow_unsupported,
        )

    @property
    def problems(self) -> list[str]:
        """What failed other than a job."""
        return self._results.problems

    def cancel(self, reason: str) -> None:
        """Asks the whole run to stop, with grace."""
        if not self._cancelled:
            self._cancelled = True
            self._publish(CancelRequested(at=self._now(), target="run", reason=reason))
            self._feed(CancelAsked())

    def kill(self, reason: str) -> None:
        """Ends all steps now."""
        self.cancel(reason)
        for leg in list(self._legs.values()):
            leg.kill(reason)

    # --- the loop: facts in, commands out ------------------------------------------------------------------------------
    def _feed(self, happening: Happening) -> None:
        self._inbox.append(happening)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox:
                self._state, commands = schedule.advance(self._state, self._inbox.popleft())
                for command in commands:
                    self._do(command)
        finally:
            self._busy = False

    def _do(self, command: Command) -> None:
        match command:
            case DecideJob(job=job):
                self._decide(job)
            case ClaimGroup(leg=leg):
                self._spawn(self._claim_leg(leg))
            case StartLeg(leg=leg):
                self._spawn(self._run_leg(leg))
            case CancelLeg(leg=leg, reason=reason):
                self._legs[leg].cancel(reason)
            case DropLeg(leg=leg, reason=reason):
                self._drop(leg, reason)
            case EndCall(job=job):
                self._jobs.end_call(job, self._state)
                self._release_calls(job)
            case WorkflowEnded(workflow=workflow):
                self._end_workflow(workflow)
            case RunEnded():
                if not self._over.done():
                    self._over.set_result(None)
            case _:
                assert_never(command)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """A bug of ours: stop all steps, let `run` raise it."""
        self._bug = self._bug or error
        for leg in list(self._legs.values()):
            leg.kill("Skep failed")
        if not self._over.done():
            self._over.set_result(None)

    # --- workflows -------------------------------------------------------------------------------------------------------
    def _workflow_started(self, item: WorkflowPlan) -> WorkflowStarted:
        keys = [job_key(item.key, job.id) for job in item.workflow.jobs]
        return WorkflowStarted(
            at=self._now(),
            workflow=item.key,
            path=item.workflow.path,
            name=item.workflow.name or item.workflow.path,
            run_name=self._services.masking.mask(item.run_name),
            jobs=tuple(keys),
            needs={key: tuple(self._state.jobs[key].node.needs) for key in keys},
            reason=next((one.reason for one in self._plan.decisions if one.path == item.workflow.path), ""),
        )

    def _admit(self, item: WorkflowPlan) -> None:
        try:
            group = self._workflow_group(item)
        except SkepError as exc:
            self._results.problem(f"{item.workflow.path}: `concurrency`: {exc}")
            self._feed(CancelAsked(workflow=item.key))
            return
        if group is None:
            self._feed(WorkflowAdmitted(workflow=item.key))
        else:
            self._spawn(self._claim_workflow(item.key, group))

    def _workflow_group(self, item: WorkflowPlan) -> Concurrency | None:
        if item.workflow.concurrency is None:
            return None
        contexts: dict[str, Value] = {
            "github": item.github,
            "inputs": item.inputs,
            "vars": self._services.options.vars,
        }
        return read_concurrency(item.workflow.concurrency, Scope(contexts=contexts))

    async def _claim_workflow(self, workflow: str, group: Concurrency) -> None:
        cancel = partial(self._cancel_workflow, workflow, group)
        if not await self._claims.claim(workflow, group, cancel):
            cancel()
        self._feed(WorkflowAdmitted(workflow=workflow))

    def _cancel_workflow(self, workflow: str, group: Concurrency) -> None:
        reason = self._replaced(group)
        self._results.cancel_workflow(workflow)
        self._publish(CancelRequested(at=self._now(), target=workflow, reason=reason))
        self._feed(CancelAsked(workflow=workflow))

    def _end_workflow(self, workflow: str) -> None:
        if self._claims.has(workflow):
            self._spawn(self._claims.release(workflow))
        conclusion = self._results.workflow_conclusion(workflow)
        self._publish(WorkflowFinished(at=self._now(), workflow=workflow, conclusion=conclusion.value))

    # --- jobs ------------------------------------------------------------------------------------------------------------
    def _decide(self, key: JobKey) -> None:
        decided = self._jobs.decide(key, self._state)
        calls = {node.call for node in decided.called}
        grouped = [LegKey(call) for call in sorted(calls) if LegKey(call) in self._jobs.groups]
        if grouped:
            self._spawn(self._claim_calls(decided, grouped))
        else:
            self._feed(decided)

    async def _claim_calls(self, decided: JobDecided, calls: list[LegKey]) -> None:
        """A job that calls a workflow holds its group before the called jobs begin."""
        for call in calls:
            group = self._jobs.groups[call]
            if not await self._claims.claim(call, group, partial(self._cancel_call, decided, group)):
                self._cancel_call(decided, group)
        self._feed(decided)

    def _cancel_call(self, decided: JobDecided, group: Concurrency) -> None:
        workflow = decided.called[0].workflow
        self._publish(CancelRequested(at=self._now(), target=workflow, reason=self._replaced(group)))
        self._feed(CancelAsked(workflow=workflow))

    def _release_calls(self, key: JobKey) -> None:
        for call in {self._state.jobs[one].node.call for one in self._state.jobs[key].called}:
            if self._claims.has(call):
                self._spawn(self._claims.release(call))

    # --- legs ------------------------------------------------------------------------------------------------------------
    async def _run_leg(self, key: LegKey) -> None:
        plan = self._jobs.legs[key]
        finished = self._jobs.reuse(key) or await self._run(key, plan)
        if self._claims.has(key):
            await self._claims.release(key)
        self._jobs.end_leg(plan, finished)
        self._feed(LegEnded(leg=key, conclusion=Outcome(finished.conclusion)))

    async def _run(self, key: LegKey, plan: LegPlan) -> JobFinished:
        self._legs[key] = leg = LegRun(self._services, plan)
        try:
            return await leg.run()
        finally:
            del self._legs[key]

    async def _claim_leg(self, key: LegKey) -> None:
        environment = self._jobs.legs[key].environment
        if environment and not await self._approved(key, environment):
            self._jobs.unapproved(key)
            self._feed(GroupLost(leg=key))
            return
        if key not in self._jobs.groups:
            self._feed(GroupHeld(leg=key))
            return
        held = await self._claims.claim(key, self._jobs.groups[key], partial(self._cancel_leg, key))
        self._feed(GroupHeld(leg=key) if held else GroupLost(leg=key))

    async def _approved(self, key: LegKey, environment: str) -> bool:
        name = self._services.masking.mask(environment)
        approval = await self._services.approvals.ask(
            name, self._services.masking.mask(self._jobs.legs[key].name)
        )
        self._publish(
            EnvironmentJudged(
                at=self._now(), leg=key, environment=name, approved=approval.granted, by=approval.by
            )
        )
        return approval.granted

    def _cancel_leg(self, key: LegKey) -> None:
        if key in self._legs:
            self._legs[key].cancel(self._replaced(self._jobs.groups[key]))
        else:
            self._feed(GroupLost(leg=key))

    def _replaced(self, group: Concurrency) -> str:
        name = self._services.masking.mask(group.group)
        return f"a newer run took its place in the concurrency group `{name}`"

    def _drop(self, key: LegKey, reason: str) -> None:
        if self._claims.has(key):
            self._spawn(self._claims.release(key))
        self._jobs.dropped(key, reason)

    def _publish(self, fact: Fact) -> None:
        self._services.publish(fact)

    def _now(self) -> float:
        return self._services.clock.now()
