"""Carries out a plan: asks the scheduler, starts legs, claims groups, and writes down what happened. Holds no rule of its own."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import assert_never

from skep.events.facts import (
    CancelRequested,
    Fact,
    JobExpanded,
    JobFinished,
    JobSkipped,
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
from skep.pipeline.workflow.tree import Job

from . import schedule
from .claims import Claims
from .decide import Ancestry, JobQuestion, Verdict, decide_job
from .legs import LegPlan, LegRun
from .messages import (
    CancelAsked,
    CancelLeg,
    ClaimGroup,
    Command,
    DecideJob,
    DropLeg,
    GroupHeld,
    GroupLost,
    Happening,
    JobDecided,
    JobNode,
    LegEnded,
    RunEnded,
    StartLeg,
    WorkflowAdmitted,
    WorkflowEnded,
)
from .results import JobResults, run_status
from .services import EngineServices
from .support import unsupported_job


def job_key(workflow: str, job_id: str) -> JobKey:
    """The key of a job in its run."""
    return JobKey(f"{workflow}:{job_id}")


class RunExecution:
    """One run. `run` once, on an asyncio loop; `cancel` and `kill` from the loop's thread."""

    def __init__(self, services: EngineServices, plan: Plan) -> None:
        self._services = services
        self._plan = plan
        self._plans: dict[str, WorkflowPlan] = {item.key: item for item in plan.workflows}
        self._jobs: dict[JobKey, tuple[WorkflowPlan, Job]] = {
            job_key(item.key, job.id): (item, job) for item in plan.workflows for job in item.workflow.jobs
        }
        self._events = {
            item.key: json.dumps(item.github.get("event") or {}).encode() for item in plan.workflows
        }
        self._ids = {
            (item.key, job.id.lower()): job.id for item in plan.workflows for job in item.workflow.jobs
        }
        self._results = JobResults()
        self._leg_plans: dict[LegKey, LegPlan] = {}
        self._legs: dict[LegKey, LegRun] = {}
        self._claims = Claims(services.groups, services.run_id)
        self._groups: dict[LegKey, Concurrency] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._inbox: deque[Happening] = deque()
        self._busy = False
        self._bug: BaseException | None = None
        self._cancelled = False
        nodes = [
            JobNode(
                key=key,
                workflow=item.key,
                needs=tuple(self._need_key(item.key, need.job_id) for need in job.needs),
            )
            for key, (item, job) in self._jobs.items()
        ]
        self._state, self._first = schedule.begin(nodes, list(self._plans), services.options.jobs)

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
            run_name=item.run_name,
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
        item, job = self._jobs[key]
        verdict = decide_job(
            JobQuestion(
                key=key,
                plan=item,
                job=job,
                event_json=self._events[item.key],
                needs=self._needs(item, job),
                ancestry=Ancestry.of(
                    (ancestor.outcome for ancestor in self._state.ancestors(key)),
                    cancelled=item.key in self._state.cancelled,
                ),
                vars=self._services.options.vars,
                matrix=self._services.options.matrix,
                unsupported_job=lambda job: unsupported_job(job, self._has_native),
                unsupported_labels=self._services.runner_facts.unsupported_reason,
                mask=self._services.masking.mask,
            )
        )
        self._answer(key, verdict)

    def _answer(self, key: JobKey, verdict: Verdict) -> None:
        for missing in verdict.unsupported:
            self._results.unsupported(missing.name, missing.reason)
            self._skipped(key, missing.key, missing.name, missing.reason, "unsupported")
        if not verdict.legs:
            outcome = verdict.outcome
            if not verdict.unsupported:
                self._skipped(
                    key, LegKey(key), verdict.name, verdict.reason, outcome.value, because=verdict.because
                )
            self._results.end_job(key, outcome)
            self._feed(JobDecided(job=key, outcome=outcome))
            return
        legs = tuple(leg.key for leg in verdict.legs)
        names = tuple(leg.name for leg in verdict.legs)
        self._publish(JobExpanded(at=self._now(), job=key, legs=legs, names=names, because=verdict.because))
        self._leg_plans.update((leg.key, leg) for leg in verdict.legs)
        self._groups.update(verdict.groups)
        strategy = verdict.legs[0].strategy
        blocked = bool(verdict.unsupported) and not self._services.options.allow_unsupported
        floor = Outcome.SKIPPED if blocked else Outcome.SUCCESS
        self._results.end_job(key, floor)
        self._feed(
            JobDecided(
                job=key,
                legs=legs,
                claiming=frozenset(verdict.groups),
                fail_fast=strategy.fail_fast,
                max_parallel=strategy.max_parallel,
                floor=floor,
            )
        )

    def _needs(self, item: WorkflowPlan, job: Job) -> dict[str, Value]:
        needs: dict[str, Value] = {}
        for need in job.needs:
            key = self._need_key(item.key, need.job_id)
            outputs: Mapping[str, Value] = self._results.outputs(key)
            needs[need.job_id] = {"result": self._state.jobs[key].outcome.value, "outputs": dict(outputs)}
        return needs

    def _need_key(self, workflow: str, job_id: str) -> JobKey:
        """A need by the job's own spelling: GitHub compares ids without case."""
        return job_key(workflow, self._ids.get((workflow, job_id.lower()), job_id))

    def _has_native(self, name: str, ref: str) -> bool:
        return self._services.native_action(name, ref) is not None

    # --- legs ------------------------------------------------------------------------------------------------------------
    async def _run_leg(self, key: LegKey) -> None:
        plan = self._leg_plans[key]
        self._legs[key] = leg = LegRun(self._services, plan)
        try:
            finished: JobFinished = await leg.run()
        finally:
            del self._legs[key]
        if self._claims.has(key):
            await self._claims.release(key)
        self._results.end_leg(plan.job_key, finished)
        self._feed(LegEnded(leg=key, conclusion=Outcome(finished.conclusion)))

    async def _claim_leg(self, key: LegKey) -> None:
        held = await self._claims.claim(key, self._groups[key], partial(self._cancel_leg, key))
        self._feed(GroupHeld(leg=key) if held else GroupLost(leg=key))

    def _cancel_leg(self, key: LegKey) -> None:
        if key in self._legs:
            self._legs[key].cancel(self._replaced(self._groups[key]))
        else:
            self._feed(GroupLost(leg=key))

    def _replaced(self, group: Concurrency) -> str:
        name = self._services.masking.mask(group.group)
        return f"a newer run took its place in the concurrency group `{name}`"

    def _drop(self, key: LegKey, reason: str) -> None:
        plan = self._leg_plans[key]
        if self._claims.has(key):
            self._spawn(self._claims.release(key))
        self._results.end_job(plan.job_key, Outcome.CANCELLED)
        because: tuple[str, ...] = ()
        if key in self._groups:
            name = self._services.masking.mask(self._groups[key].group)
            because = (f"it waited for the concurrency group `{name}`",)
        self._skipped(plan.job_key, key, plan.name, reason, Outcome.CANCELLED.value, because=because)

    def _skipped(
        self, job: JobKey, leg: LegKey, name: str, reason: str, outcome: str, *, because: tuple[str, ...] = ()
    ) -> None:
        mask = self._services.masking.mask
        self._publish(
            JobSkipped(
                at=self._now(),
                job=job,
                leg=leg,
                name=mask(name),
                reason=mask(reason),
                outcome=outcome,
                because=because,
            )
        )

    def _publish(self, fact: Fact) -> None:
        self._services.publish(fact)

    def _now(self) -> float:
        return self._services.clock.now()
