"""One thing a step starts: a process with its output, effects and ending. What runs in it is decided elsewhere (`steps`, `uses`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field

from skep.events.facts import Annotated, SummaryWritten
from skep.model.errors import HostError, SkepError
from skep.model.ids import LegKey, StepId
from skep.model.outcome import Outcome
from skep.pipeline.ports import JobBox, LogSink, ProcessEnd, ProcessSpec

from .effects import CommandInterpreter, CommandRules, StepEffects, annotation_place
from .kept_outputs import STEP_LIMIT_BYTES
from .output import StepOutput
from .services import EngineServices
from .stepfiles import StepFiles
from .stopping import GracefulStop, StopKind, StopSignal


@dataclass(slots=True, kw_only=True)
class Ending:
    """How a step's work ended, before continue-on-error."""

    outcome: Outcome = Outcome.SUCCESS
    exit_code: int | None = None
    reason: str = ""
    because: tuple[str, ...] = ()  # what decided the step's `if`; masked
    undecided: bool = False  # its `if` could not be evaluated
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    outputs: dict[str, str] = field(default_factory=dict)

    def add_use(self, end: ProcessEnd) -> None:
        """Counts what a process used."""
        self.cpu_s += end.cpu_s
        self.peak_memory_bytes = max(self.peak_memory_bytes, end.peak_memory_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """What may stop a step, and whether it goes on when its job is cancelled."""

    signals: tuple[StopSignal, ...]
    survives_cancel: Callable[[], bool]  # the step's `if`, evaluated again
    known: tuple[
        frozenset[StopKind], ...
    ]  # by signal: what had been asked when the step began; it runs all the same

    @classmethod
    def now(cls, signals: tuple[StopSignal, ...], survives_cancel: Callable[[], bool]) -> Stops:
        """For a step that begins at this moment."""
        known = tuple(frozenset(signal.raised) for signal in signals)
        return cls(signals=signals, survives_cancel=survives_cancel, known=known)

    def with_signal(self, signal: StopSignal) -> Stops:
        """The same with one more signal: the step's own time limit."""
        return Stops(
            signals=(*self.signals, signal),
            survives_cancel=self.survives_cancel,
            known=(*self.known, frozenset()),
        )

    def listen(self, on_stop: Callable[[StopKind], None]) -> Callable[[], None]:
        """Calls `on_stop` for each stop that ends the step: at once for those since the step began. The result ends that."""

        def take(kind: StopKind) -> None:
            if kind is not StopKind.CANCEL or not self.survives_cancel():
                on_stop(kind)

        undo = [signal.listen(take) for signal in self.signals]
        for signal, known in zip(self.signals, self.known, strict=True):
            for kind in signal.raised:
                if kind not in known:
                    take(kind)

        def stop_listening() -> None:
            for one in undo:
                one()

        return stop_listening

    def reason(self) -> str:
        """Why the first stop was asked for."""
        return next((reason for signal in self.signals for reason in signal.raised.values()), "")


class Invocation:
    """Runs one process or native action of a step: wires its output, its GITHUB_* files and its stops."""

    def __init__(
        self,
        services: EngineServices,
        leg: LegKey,
        step: StepId,
        box: JobBox,
        log: LogSink,
        *,
        rules: CommandRules,
        file_number: int,
    ) -> None:
        self._services = services
        self._leg = leg
        self._step = step
        self._box = box
        self._interpreter = CommandInterpreter(rules, services.masking.add, self._annotate)
        self._workspace = rules.workspace
        self.output = StepOutput(
            step, services.masking.stream(), log, self._interpreter.take_line, self._interpreter
        )
        self.files = StepFiles.create(box.commands, file_number)
        if self.files.problem:
            self._annotate("warning", f"the step has no GITHUB_OUTPUT and its like: {self.files.problem}", {})

    @property
    def effects(self) -> StepEffects:
        """What the step's commands and files did so far."""
        return self._interpreter.effects

    async def run_process(
        self, argv: Sequence[str], cwd: str, env: Mapping[str, str], stops: Stops, ending: Ending
    ) -> None:
        """Runs a process to its end and writes outcome, exit code and use into `ending`."""
        spec = ProcessSpec(argv=argv, cwd=cwd, env=env)
        process = await self._services.runner.start(self._box, spec, self.output.feed)
        stop = GracefulStop(process, self._services.options.cancel_timing)
        stop_listening = stops.listen(stop.begin)
        try:
            end = await process.wait()
        finally:
            stop.over()
            stop_listening()
        ending.add_use(end)
        ending.exit_code = end.exit_code
        if stop.begun is not None:
            ending.outcome = Outcome.FAILURE if stop.begun is StopKind.TIMEOUT else Outcome.CANCELLED
            ending.reason = stops.reason()
        elif end.exit_code:
            ending.outcome = Outcome.FAILURE
            ending.reason = _exit_reason(end)
            self.output.say(f"##[error]{ending.reason}")

    async def run_coroutine(self, work: Coroutine[None, None, bool], stops: Stops, ending: Ending) -> None:
        """Runs a native action's coroutine; False means it failed. A stop cancels it."""
        task = asyncio.ensure_future(work)
        begun: list[StopKind] = []

        def on_stop(kind: StopKind) -> None:
            begun.append(kind)
            task.cancel()

        stop_listening = stops.listen(on_stop)
        try:
            if not await task:
                ending.outcome = Outcome.FAILURE
        except asyncio.CancelledError:
            if not begun:
                raise
            ending.outcome = Outcome.FAILURE if begun[0] is StopKind.TIMEOUT else Outcome.CANCELLED
            ending.reason = stops.reason()
        finally:
            stop_listening()

    def fail(self, ending: Ending, error: SkepError | OSError) -> None:
        """The step could not run: says so in its log, as an annotation and in `ending`."""
        reason = (
            str(error)
            if isinstance(error, SkepError)
            else str(HostError(f"{error.strerror}: {error.filename}"))
        )
        hint = getattr(error, "hint", "")
        self.output.say(f"##[error]{reason}")
        if hint:
            self.output.say(f"hint: {hint}")
        self._annotate("error", reason + (f"\nhint: {hint}" if hint else ""), {})
        ending.outcome = Outcome.FAILURE
        ending.reason = reason

    def finish(self, ending: Ending) -> None:
        """Ends the output and reads the files. Problems in them fail a step that succeeded."""
        effects = self._interpreter.effects
        before = len(effects.problems)
        summary = self.files.collect(effects)
        for problem in (*effects.problems[before:], *effects.errors):
            self.output.say(f"##[error]{problem}")
            self._annotate("error", problem, {})
        for what, kept in (("outputs", effects.outputs), ("saved state", effects.state)):
            if kept.refused:
                limit = STEP_LIMIT_BYTES // 1024**2
                warning = f"Not all {what} of this step are kept ({kept.refused}): they may take {limit} MiB together."
                self.output.say(f"##[warning]{warning}")
                self._annotate("warning", warning, {})
        self.output.finish()
        if summary:
            markdown = self._services.masking.mask(summary)
            now = self._services.clock.now()
            self._services.publish(SummaryWritten(at=now, leg=self._leg, step=self._step, markdown=markdown))
        if effects.problems and ending.outcome is Outcome.SUCCESS:
            ending.outcome = Outcome.FAILURE
            ending.reason = effects.problems[0]
        ending.outputs.update(effects.outputs)

    def _annotate(self, level: str, message: str, properties: dict[str, str]) -> None:
        mask = self._services.masking.mask
        place = annotation_place(properties, self._workspace)
        self._services.publish(
            Annotated(
                at=self._services.clock.now(),
                leg=self._leg,
                step=self._step,
                level=level,
                message=mask(message),
                title=mask(properties.get("title", "")),
                path=mask(str(place["path"])),
                line=int(place["line"]),
                end_line=int(place["end_line"]),
                column=int(place["column"]),
                end_column=int(place["end_column"]),
            )
        )


def _exit_reason(end: ProcessEnd) -> str:
    if end.signal:
        return f"Process completed with exit code {end.exit_code} (signal {end.signal})."
    return f"Process completed with exit code {end.exit_code}."
