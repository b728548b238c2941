"""The steps of one leg, in order: condition, environment, work, effects, continue-on-error; then post steps in reverse.

The same loop runs a job's steps and, nested, those of a composite action; only a job's own steps are facts of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from skep.events.facts import Annotated, StepFinished, StepStarted
from skep.model.errors import HostError, RunnerLost, SkepError, UserError
from skep.model.ids import LegKey, StepId
from skep.model.outcome import Outcome
from skep.pipeline.expressions.values import Value
from skep.pipeline.ports import LogSink
from skep.pipeline.workflow.evaluate import evaluate_bool, evaluate_number, evaluate_text
from skep.pipeline.workflow.tree import Condition, Step, StepKind

from .effects import CommandRules
from .frame import JobFrame, StepsFrame
from .gate import Gate, located
from .invocation import Ending, Invocation, Stops
from .kept_outputs import STEPS_LIMIT_BYTES, Room, outputs_bytes
from .services import EngineServices
from .step_call import AroundSteps, PostStep, PrepareSteps, StepCall, StepWork
from .stopping import StopKind, StopSignal


class LegSteps:
    """Runs the steps of one leg. One instance per leg; `run` once."""

    def __init__(
        self, services: EngineServices, leg: LegKey, frame: JobFrame, log: LogSink, stop: StopSignal
    ) -> None:
        self.services = services
        self.leg = leg
        self.environment = ""  # the deployment environment of the job
        self.frame = frame
        self.log = log
        self.stop = stop
        self.works: dict[StepKind, StepWork] = {}
        self.around: AroundSteps | None = None
        self.prepare: PrepareSteps | None = None
        self.pres: list[PostStep] = []
        self.posts: list[PostStep] = []
        self.cpu_s = 0.0
        self.peak_memory_bytes = 0
        self._room = Room(STEPS_LIMIT_BYTES)
        self._number = 0
        self._files = 0
        self._current = StepId("")  # the job's own step that runs now; nested ones log under it

    async def run(self, steps: tuple[Step, ...], after: tuple[Step, ...] = ()) -> StepsFrame:
        """Runs the job's steps, then all post steps, then `after`; gives the job's list with status and `steps` context.
        What `prepare` adds to `pres` runs first. Raises SkepError when that fails."""
        top = StepsFrame(job=self.frame)
        if self.prepare is not None:
            self._current = StepId("job")
            await self.prepare(steps, top)
        for pre in self.pres:
            await self._run_top(pre.step, top, pre.work, pre)
        for step in steps:
            await self._run_top(step, top, self._work)
        while self.posts:
            post = self.posts.pop()
            await self._run_top(post.step, top, post.work, post)
        for step in after:
            await self._run_top(step, top, self._work)
        return top

    def invocation(self, call: StepCall) -> Invocation:
        """The output, files and command interpreter for one process or native action of a step."""
        self._files += 1
        options = self.services.options
        rules = CommandRules(
            debug=options.debug,
            allow_unsecure=self._allows_unsecure(call),
            workspace=self.frame.box.workspace,
            matchers=self.frame.matchers,
        )
        invocation = Invocation(
            self.services,
            self.leg,
            self._current,
            self.frame.box,
            self.log,
            rules=rules,
            file_number=self._files,
        )
        for name, path in invocation.files.variables().items():
            call.github[name[len("GITHUB_") :].lower()] = path
        return invocation

    def note(self, line: str) -> None:
        """Writes a line of Skep's own to the log of the step that runs now."""
        self.log.write(self._current, self.services.masking.mask(line).encode("utf-8", "replace") + b"\n")

    def annotate(self, level: str, message: str) -> None:
        """An annotation of Skep's own on the step that runs now, also a line of its log. `level`: error, warning, notice."""
        self.note(f"##[{level}]{message}")
        message, now = self.services.masking.mask(message), self.services.clock.now()
        self.services.publish(
            Annotated(at=now, leg=self.leg, step=self._current, level=level, message=message)
        )

    def apply(self, invocation: Invocation) -> None:
        """Lets what an ended process changed hold for later steps."""
        effects = invocation.effects
        self.frame.file_env.update(effects.env)
        for folder in effects.paths:
            self.frame.add_path(folder)

    async def run_nested_pre(self, pre: PostStep, outer: StepCall) -> None:
        """Runs the `pre` of an action inside that of the composite action that uses it."""
        call = await self._prepare(pre.step, pre.frame, outer.stops.signals, pre)
        if isinstance(call, Ending):
            return
        conclusion = await self._carry_out(call, pre.work)
        if conclusion not in (Outcome.SUCCESS, Outcome.SKIPPED):
            outer.ending.outcome = conclusion
            outer.ending.reason = outer.ending.reason or f"{pre.name}: {call.ending.reason}"

    async def run_nested(self, step: Step, frame: StepsFrame, outer: StepCall) -> Ending:
        """Runs a step of a composite action inside the step `outer`; gives how it ended after its continue-on-error."""
        call = await self._prepare(step, frame, outer.stops.signals)
        if isinstance(call, Ending):
            frame.record(step, {}, call.outcome, call.outcome)
            if call.outcome is not Outcome.SKIPPED:
                self.note(f"##[error]{call.reason}")
                outer.ending.reason = outer.ending.reason or call.reason
            return call
        conclusion = await self._carry_out(call, self._work)
        frame.record(step, self._kept(call), call.ending.outcome, conclusion)
        outer.ending.cpu_s += call.ending.cpu_s
        outer.ending.peak_memory_bytes = max(outer.ending.peak_memory_bytes, call.ending.peak_memory_bytes)
        if conclusion not in (Outcome.SUCCESS, Outcome.SKIPPED) and not outer.ending.reason:
            outer.ending.reason = f"{call.name}: {call.ending.reason}"
            outer.ending.exit_code = call.ending.exit_code
        return call.ending

    def add_post(self, call: StepCall, work: StepWork, condition: Condition | None = None) -> None:
        """Lets the action of a step run again after the job's steps. `condition` None: always."""
        name = f"Post {call.name}"
        self.posts.append(
            PostStep(step=call.step, name=name, frame=call.frame, condition=condition, work=work)
        )

    def _kept(self, call: StepCall) -> Mapping[str, str]:
        """The step's outputs, as far as there is room for those of this job's steps."""
        outputs = call.ending.outputs
        if not call.step.id_written or self._room.take(outputs_bytes(outputs)):
            return outputs
        limit = STEPS_LIMIT_BYTES // 1024**2
        self.annotate(
            "warning", f"No outputs of this step are kept: those of one job may take {limit} MiB together."
        )
        return {}

    async def _run_top(
        self, step: Step, top: StepsFrame, work: StepWork, post: PostStep | None = None
    ) -> None:
        self._number += 1
        number = self._number
        frame = post.frame if post else top
        self._current = StepId(f"{frame.id_prefix}{step.id}.{post.phase}") if post else step.id
        call = await self._prepare(step, frame, (self.stop,), post)
        name = post.name if post else ""
        clock = self.services.clock
        if isinstance(call, Ending):
            if call.outcome is Outcome.FAILURE:
                self._started(number, name or self._unevaluated_name(step))
                self.annotate("error", call.reason)
            self._finished(number, name or self._unevaluated_name(step), call, call.outcome, 0.0)
            if post:
                top.worsen(call.outcome)
            else:
                top.record(step, {}, call.outcome, call.outcome)
            return
        title = self.services.masking.mask(name or call.name)
        started = clock.monotonic()
        self._started(number, title)
        conclusion = await self._carry_out(call, work)
        if post:
            top.worsen(conclusion)
        else:
            top.record(step, self._kept(call), call.ending.outcome, conclusion)
        self.cpu_s += call.ending.cpu_s
        self.peak_memory_bytes = max(self.peak_memory_bytes, call.ending.peak_memory_bytes)
        self._finished(number, title, call.ending, conclusion, clock.monotonic() - started)

    async def _prepare(
        self,
        step: Step,
        frame: StepsFrame,
        signals: tuple[StopSignal, ...],
        post: PostStep | None = None,
    ) -> StepCall | Ending:
        """The call with its environment, or how the step ends without running."""
        if StopKind.KILL in self.stop.raised:
            return Ending(outcome=Outcome.CANCELLED, reason=self.stop.raised[StopKind.KILL])
        github: dict[str, Value] = {
            **self.frame.github,
            "action": step.id,
            "action_repository": "",
            "action_ref": "",
            **frame.github,
        }
        if frame.outer is not None:
            github["action_status"] = frame.status.value
        gate = Gate(
            step=step,
            frame=frame,
            github=github,
            condition=post.condition if post else step.condition,
            is_post=post is not None,
            mask=self.services.masking.mask,
        )
        self.frame.hashes.forget()
        admitted = await self.frame.hashes.settle(gate.open)
        if isinstance(admitted, Ending):
            return admitted
        if reason := _timed_out(signals):
            return Ending(outcome=Outcome.FAILURE, reason=reason, because=admitted.because)
        call = StepCall(
            step=step,
            frame=frame,
            github=github,
            env=admitted.env,
            scope=admitted.scope,
            stops=Stops.now(signals, admitted.survives_cancel),
            is_post=post is not None,
            ending=Ending(because=admitted.because),
        )
        call.name = await self.frame.hashes.settle(lambda: _display_name(call))
        return call

    async def _carry_out(self, call: StepCall, work: StepWork) -> Outcome:
        """Does the step's work within its time limit; gives the conclusion."""
        ending, step = call.ending, call.step
        timer: asyncio.TimerHandle | None = None
        try:
            timer = await self.frame.hashes.settle(lambda: self._start_timer(call))
            if self.around is None or call.frame.depth:
                await work(call)
            else:
                await self._work_with_hooks(call, work, self.around)
        except RunnerLost:
            raise
        except (SkepError, OSError) as exc:
            self._fail(call, exc)
        finally:
            if timer is not None:
                timer.cancel()
            self.frame.hashes.forget()
        if ending.outcome is Outcome.FAILURE and step.continue_on_error is not None:
            try:
                if not call.is_post:
                    call.frame.show_outputs(step, ending.outputs)
                node, scope = step.continue_on_error, call.scope
                if await self.frame.hashes.settle(lambda: evaluate_bool(node, scope)):
                    return Outcome.SUCCESS
            except SkepError as exc:
                ending.reason = located(exc)
        return ending.outcome

    async def _work_with_hooks(self, call: StepCall, work: StepWork, around: AroundSteps) -> None:
        await around.before(call, call.name)
        self.frame.hashes.forget()
        try:
            if call.ending.outcome is Outcome.SUCCESS:
                await work(call)
        except (SkepError, OSError) as exc:
            if isinstance(exc, RunnerLost):
                raise
            self._fail(call, exc)
        await around.after(call, call.name)

    def _start_timer(self, call: StepCall) -> asyncio.TimerHandle | None:
        """The step's time limit; one that cannot be evaluated is said and does not count, as on GitHub."""
        try:
            node = call.step.timeout_minutes
            minutes = 0.0 if node is None else evaluate_number(node, call.scope)
        except SkepError as exc:
            self.annotate("error", f"the step has no time limit: {located(exc)}")
            return None
        if minutes <= 0:
            return None
        signal = StopSignal()
        call.stops = call.stops.with_signal(signal)
        reason = (
            f"The action '{call.name}' has timed out after {minutes:g} minutes. "
            "Raise its `timeout-minutes`, or see what it waits for"
        )
        return asyncio.get_running_loop().call_later(minutes * 60, signal.fire, StopKind.TIMEOUT, reason)

    async def _work(self, call: StepCall) -> None:
        work = self.works.get(call.step.kind)
        if work is None:
            raise UserError(
                f"a `{call.step.kind.value}` step cannot run here yet",
                where=call.step.span,
                hint="write its steps one after the other",
            )
        await work(call)

    def _fail(self, call: StepCall, error: SkepError | OSError) -> None:
        if isinstance(error, OSError):
            error = HostError(
                f"{error.strerror or error}: `{error.filename}`" if error.filename else str(error)
            )
        error = UserError(located(error), hint=error.hint) if error.where else error
        invocation = self.invocation(call)
        invocation.fail(call.ending, error)
        invocation.finish(call.ending)

    def _started(self, number: int, name: str) -> None:
        self.services.publish(
            StepStarted(
                at=self.services.clock.now(),
                leg=self.leg,
                step=self._current,
                number=number,
                name=self.services.masking.mask(name),
                log_offset=self.log.tell(),
            )
        )

    def _finished(
        self, number: int, name: str, ending: Ending, conclusion: Outcome, duration_s: float
    ) -> None:
        mask = self.services.masking.mask
        self.services.publish(
            StepFinished(
                at=self.services.clock.now(),
                leg=self.leg,
                step=self._current,
                number=number,
                name=mask(name),
                outcome=ending.outcome.value,
                conclusion=conclusion.value,
                exit_code=ending.exit_code,
                reason=mask(ending.reason),
                because=ending.because,
                cpu_s=round(ending.cpu_s, 6),
                peak_memory_bytes=ending.peak_memory_bytes,
                duration_s=round(duration_s, 6),
                log_end=self.log.tell(),
            )
        )

    def _allows_unsecure(self, call: StepCall) -> bool:
        name = "ACTIONS_ALLOW_UNSECURE_COMMANDS"
        env = call.frame.env_context(call.env)
        return str(env.get(name, "")).lower() == "true"

    @staticmethod
    def _unevaluated_name(step: Step) -> str:
        for node in (step.name, step.uses, step.run):
            if node is not None and (text := getattr(node, "text", "").strip()):
                first: str = text.splitlines()[0]
                return first if node is step.name else f"Run {first}"
        return step.id


def _timed_out(signals: tuple[StopSignal, ...]) -> str:
    """Why a step inside a composite has no time left; '' when it has."""
    return next(
        (signal.raised[StopKind.TIMEOUT] for signal in signals if StopKind.TIMEOUT in signal.raised), ""
    )


def _display_name(call: StepCall) -> str:
    """The step's name as GitHub shows it: `name`, or `Run` and the first line, or `Run owner/action@v1`."""
    step = call.step
    try:
        if step.name is not None:
            return _first_line(evaluate_text(step.name, call.scope))
        if step.uses is not None:
            return f"Run {step.uses.text}"
        if step.run is not None:
            return f"Run {_first_line(evaluate_text(step.run, call.scope))}".rstrip()
    except SkepError:
        return step.id
    return step.kind.value


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0].rstrip()
