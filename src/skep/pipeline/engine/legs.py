"""One leg from its first to its last moment: box, contexts, steps, outputs, conclusion."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from skep.events.facts import Annotated, Deployed, JobFinished, JobStarted
from skep.model.errors import RunnerLost, SkepError, UserError
from skep.model.ids import JobKey, LegKey, StepId
from skep.model.outcome import Outcome
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.values import MatrixLeg, Strategy, WorkflowPlan
from skep.pipeline.ports import JobBox, LogSink
from skep.pipeline.workflow.evaluate import evaluate_bool, evaluate_number, evaluate_text
from skep.pipeline.workflow.nodes import MappingNode, Node
from skep.pipeline.workflow.tree import Job, StepKind

from .file_hashes import FileHashes, Stopped
from .frame import JobFrame, StepsFrame
from .gate import evaluate_env
from .hooks import StepHooks, job_hook
from .kept_outputs import JOB_LIMIT_BYTES, RUN_LIMIT_BYTES, Room, text_bytes
from .scripts import RunScript, ScriptDefaults
from .services import EngineServices, RunOptions
from .steps import LegSteps
from .stopping import StopKind, StopSignal
from .uses import UseAction

_AUTOMATIC = "GITHUB_TOKEN"
CANCEL_TIMEOUT_MINUTES = 5.0
"""How long a cancelled job's remaining steps may take (GitHub's default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegPlan:
    """One leg as the run decided it."""

    key: LegKey
    job_key: JobKey
    plan: WorkflowPlan
    job: Job
    name: str
    leg: MatrixLeg
    strategy: Strategy
    labels: tuple[str, ...]
    event_json: bytes  # what GITHUB_EVENT_PATH holds
    environment: str = ""  # it deploys to
    secrets: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, Value] = field(default_factory=dict)


class LegRun:
    """Runs one leg. `run` once; `cancel` and `kill` at any time, from the loop's thread."""

    def __init__(self, services: EngineServices, plan: LegPlan) -> None:
        self._services = replace(services, masking=services.masking.child())
        self._plan = plan
        self._stop = StopSignal()
        self._timers: list[asyncio.TimerHandle] = []
        self._cancel_timeout_minutes = CANCEL_TIMEOUT_MINUTES
        self._ended = False

    def cancel(self, reason: str) -> None:
        """Lets running steps end with grace and only `always()` and `cancelled()` steps follow, for a limited time."""
        if self._stop or self._ended:
            return
        self._stop.fire(StopKind.CANCEL, reason)
        self._later(self._cancel_timeout_minutes, "the cancelled job did not end in time")

    def kill(self, reason: str) -> None:
        """Ends everything now."""
        self._stop.fire(StopKind.CANCEL, reason)
        self._stop.fire(StopKind.KILL, reason)

    async def run(self) -> JobFinished:
        """Runs the leg to its end; publishes and gives the last fact about it. Raises nothing but bugs of ours."""
        plan, services = self._plan, self._services
        clock = services.clock
        started = clock.monotonic()
        name = services.masking.mask(plan.name)
        services.publish(
            JobStarted(at=clock.now(), job=plan.job_key, leg=plan.key, name=name, runs_on=plan.labels)
        )
        log = services.logs.open(plan.key)
        work = _LegWork(services, plan, self._stop, log)
        try:
            await self._work(work)
        finally:
            self._ended = True
            for timer in self._timers:
                timer.cancel()
            log.close()
        finished = JobFinished(
            at=clock.now(),
            job=plan.job_key,
            leg=plan.key,
            name=services.masking.mask(plan.name),
            outcome=work.outcome.value,
            conclusion=work.conclusion.value,
            outputs=work.outputs,
            reason=services.masking.mask(work.reason or next(iter(self._stop.raised.values()), "")),
            cpu_s=round(work.cpu_s, 6),
            peak_memory_bytes=work.peak_memory_bytes,
            duration_s=round(clock.monotonic() - started, 6),
        )
        services.publish(finished)
        return finished

    async def _work(self, work: _LegWork) -> None:
        try:
            await work.open()
            self._start_timers(work)
            await work.run_steps()
        except SkepError as exc:
            work.fail(exc)
        except OSError as exc:
            work.fail(UserError(f"{exc.strerror or exc}: `{exc.filename or ''}`", hint="see `skep doctor`"))
        finally:
            await work.close()

    def _start_timers(self, work: _LegWork) -> None:
        minutes, self._cancel_timeout_minutes = work.limits()
        loop = asyncio.get_running_loop()
        if minutes > 0:
            reason = (
                f"The job running has exceeded the maximum execution time of {minutes:g} minutes. "
                "Raise its `timeout-minutes`, or see what it waits for"
            )
            self._timers.append(loop.call_later(minutes * 60, self.cancel, reason))

    def _later(self, minutes: float, reason: str) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(max(minutes, 0) * 60, self.kill, reason))


class _LegWork:
    """The parts of one leg, in the order `LegRun` calls them: open, limits, run_steps (or fail), close."""

    def __init__(self, services: EngineServices, plan: LegPlan, stop: StopSignal, log: LogSink) -> None:
        self.outcome = Outcome.SUCCESS
        self.conclusion = Outcome.SUCCESS
        self.outputs: dict[str, str] = {}
        self.reason = ""
        self.cpu_s = 0.0
        self.peak_memory_bytes = 0
        self._services = services
        self._plan = plan
        self._stop = stop
        self._log = log
        self._box: JobBox | None = None
        self._frame: JobFrame | None = None
        self._continues = False  # continue-on-error

    async def open(self) -> None:
        plan, services = self._plan, self._services
        self._box = box = await services.runner.prepare(plan.key)
        github: dict[str, Value] = dict(plan.plan.github)
        secrets = with_token(plan.secrets, services.options)
        github.update(
            token=secrets[_AUTOMATIC],
            job=plan.job.id,
            workspace=box.workspace,
            event_path=f"{box.commands}/event.json",
        )
        _write(f"{box.commands}/event.json", plan.event_json)
        stop = self._stop
        self._frame = frame = JobFrame(
            plan=plan.plan,
            job=plan.job,
            leg=plan.leg,
            strategy=plan.strategy,
            box=box,
            github=github,
            runner=self._runner_context(box),
            needs=plan.needs,
            secrets=secrets,
            vars=services.options.vars,
            cancelled=lambda: bool(stop.raised),
            hashes=FileHashes(partial(self._hash_files, box.workspace), stop),
        )
        frame.written_env.update(self._env(plan.plan.workflow.env))
        frame.written_env.update(self._env(plan.job.env))

    def limits(self) -> tuple[float, float]:
        """Minutes the job may run, and minutes it has after a cancel.

        `continue-on-error` is read here too: a wrong one fails the job before its steps, as on GitHub.
        """
        job, scope = self._plan.job, self._scope()
        if job.continue_on_error is not None:
            self._continues = evaluate_bool(job.continue_on_error, scope)
        timeout = self._services.options.job_timeout_minutes
        grace = CANCEL_TIMEOUT_MINUTES
        if job.timeout_minutes is not None:
            timeout = evaluate_number(job.timeout_minutes, scope)
        if job.cancel_timeout_minutes is not None:
            grace = evaluate_number(job.cancel_timeout_minutes, scope)
        return timeout, grace

    async def run_steps(self) -> None:
        assert self._frame is not None
        steps = LegSteps(self._services, self._plan.key, self._frame, self._log, self._stop)
        steps.environment = self._plan.environment
        steps.works[StepKind.RUN] = RunScript(steps, self._script_defaults())
        steps.works[StepKind.USES] = UseAction(steps)
        hooks = self._services.options.hooks
        if hooks.step_started or hooks.step_completed:
            steps.around = StepHooks(steps, hooks)
        try:
            started = job_hook(hooks.job_started, "started")
            top = await steps.run(
                (*started, *self._plan.job.steps), job_hook(hooks.job_completed, "completed")
            )
        finally:
            self.cpu_s, self.peak_memory_bytes = steps.cpu_s, steps.peak_memory_bytes
        self.outcome = top.job_status()
        self.outputs = self._job_outputs(top)
        self.conclusion = self._concluded()
        if self._plan.environment:
            self._tell_deployment(top)

    def _tell_deployment(self, top: StepsFrame) -> None:
        node, url = self._plan.job.environment, ""
        if isinstance(node, MappingNode) and (written := node.get("url")) is not None:
            url = evaluate_text(written, self._scope(top)).strip()
            if url and not url.startswith(("http://", "https://")):
                self._say(
                    "warning",
                    f"the environment's url `{url}` is no http address, and GitHub would not show it",
                )
        mask, now = self._services.masking.mask, self._services.clock.now()
        self._services.publish(
            Deployed(
                at=now,
                leg=self._plan.key,
                environment=mask(self._plan.environment),
                url=mask(url),
                outcome=self.outcome.value,
            )
        )

    def fail(self, error: SkepError) -> None:
        self.outcome = Outcome.FAILURE
        self.conclusion = Outcome.FAILURE if isinstance(error, RunnerLost) else self._concluded()
        self.reason = f"{error.where}: {error}" if error.where else str(error)
        text = f"{self.reason}\n" + (f"hint: {error.hint}\n" if error.hint else "")
        self._say("error", text.rstrip())

    def _say(self, level: str, message: str) -> None:
        """An annotation of the job itself, also lines of its log."""
        masked, now = self._services.masking.mask(message), self._services.clock.now()
        self._log.write(StepId("job"), f"##[{level}]{masked}\n".encode("utf-8", "replace"))
        self._services.publish(
            Annotated(at=now, leg=self._plan.key, step=StepId("job"), level=level, message=masked)
        )

    async def close(self) -> None:
        if self._box is not None:
            try:
                await self._services.runner.dispose(self._box)
            except RunnerLost as exc:
                self.fail(exc)

    def _concluded(self) -> Outcome:
        return Outcome.SUCCESS if self.outcome is Outcome.FAILURE and self._continues else self.outcome

    def _job_outputs(self, top: StepsFrame) -> dict[str, str]:
        outputs: dict[str, str] = {}
        scope, room = self._scope(top), Room(JOB_LIMIT_BYTES)
        for name, node in self._plan.job.outputs or ():
            value = evaluate_text(node, scope)
            if self._services.masking.contains_secret(value):
                self._say("warning", f"Skip output '{name}' since it may contain secret.")
            elif too_long := self._too_long(value, room):
                self._say("warning", f"Skip output '{name}': {too_long}.")
            elif value:
                outputs[name] = value
        return outputs

    def _too_long(self, value: str, room: Room) -> str:
        """Why there is no room for an output; '' when it was taken."""
        size = text_bytes(value)
        if not room.take(size):
            return f"the outputs of a job may take {JOB_LIMIT_BYTES // 1024**2} MiB together"
        if not self._services.outputs_room.take(size):
            return f"the outputs of all jobs may take {RUN_LIMIT_BYTES // 1024**2} MiB together"
        return ""

    def _script_defaults(self) -> ScriptDefaults:
        scope = self._scope()
        job, workflow = self._plan.job.defaults, self._plan.plan.workflow.defaults

        def text(node: Node | None, fallback: Node | None) -> str | None:
            chosen = node if node is not None else fallback
            return None if chosen is None else evaluate_text(chosen, scope)

        return ScriptDefaults(
            shell=text(job.shell, workflow.shell),
            working_directory=text(job.working_directory, workflow.working_directory),
        )

    def _env(self, node: Node | None) -> dict[str, str]:
        return {} if node is None else evaluate_env(node, self._scope())

    def _scope(self, top: StepsFrame | None = None) -> Scope:
        assert self._frame is not None
        return (top or StepsFrame(job=self._frame)).scope(self._frame.github)

    def _runner_context(self, box: JobBox) -> dict[str, Value]:
        facts = self._services.runner_facts
        return {
            "os": facts.os,
            "arch": facts.arch,
            "name": facts.name,
            "environment": "self-hosted",
            "temp": box.temp,
            "tool_cache": box.tool_cache,
            "workspace": os.path.dirname(box.workspace),
            "debug": "1" if self._services.options.debug else "",
        }

    def _hash_files(self, workspace: str, patterns: Sequence[str], stopped: Stopped) -> str:
        return self._services.hash_files(patterns, workspace, stopped)


def with_token(secrets: Mapping[str, str], options: RunOptions) -> dict[str, str]:
    """The secrets of a job: GITHUB_TOKEN is always among them, as `--token` or else as a secret of that name in any case."""
    given = (value for name, value in options.secrets.items() if name.upper() == _AUTOMATIC)
    others = {name: value for name, value in secrets.items() if name.upper() != _AUTOMATIC}
    return {**others, _AUTOMATIC: options.token or next(given, "")}


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
