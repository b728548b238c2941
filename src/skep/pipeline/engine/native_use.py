"""An action that Skep does itself, as a step: inputs in, effects out, the post phase kept for the end of the job."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from skep.events.facts import ArtifactStored, Fact
from skep.model.errors import UserError
from skep.pipeline.expressions.values import to_text
from skep.pipeline.ports import NativeAction, NativeCall, NativeResult, Phase, ProcessEnd, ProcessSpec
from skep.pipeline.workflow.evaluate import evaluate_node

from .frame import before_nul, input_variables
from .headers import action_header
from .invocation import Invocation
from .scripts import process_environment
from .step_call import StepCall
from .steps import LegSteps


def given_inputs(call: StepCall) -> dict[str, str]:
    """What the step gives `with`, by lower-cased name. Raises UserError."""
    if call.step.with_ is None:
        return {}
    value = evaluate_node(call.step.with_, call.scope)
    if not isinstance(value, Mapping):
        raise UserError("`with` must be a mapping of names to values", where=call.step.with_.span)
    return {name.lower(): to_text(item) for name, item in value.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeUse:
    """One use of a native action in a leg."""

    steps: LegSteps
    action: NativeAction
    name: str  # owner/name[/path], lower-cased
    ref: str
    inputs: Mapping[str, str]

    async def run(self, call: StepCall) -> None:
        """The main phase; the post phase is added to the job's when the action wants one."""
        result = await self._run(call, Phase.MAIN, {})
        if result is None or not result.post:
            return
        state = dict(result.state)

        async def post(post_call: StepCall) -> None:
            await self._run(post_call, Phase.POST, state)

        self.steps.add_post(call, post)

    async def _run(self, call: StepCall, phase: Phase, state: Mapping[str, str]) -> NativeResult | None:
        call.github["action_repository"] = "/".join(self.name.split("/")[:2])
        call.github["action_ref"] = self.ref
        invocation = self.steps.invocation(call)
        native_call = self._call(call, phase, state, invocation)
        results: list[NativeResult] = []

        if phase is Phase.MAIN:
            env = call.frame.env_context(call.env)
            invocation.output.say(action_header(f"{self.name}@{self.ref}", native_call.inputs, env))

        async def work() -> bool:
            results.append(await self.action(native_call))
            return results[0].ok

        try:
            await invocation.run_coroutine(work(), call.stops, call.ending)
            for result in results:
                for name, value in result.outputs.items():
                    invocation.effects.outputs.save(name, value)
                invocation.effects.env.update(result.env)
                invocation.effects.paths.extend(result.paths)
                if not result.ok and not call.ending.reason:
                    call.ending.reason = f"{self.name} failed; its log says why"
        finally:
            invocation.finish(call.ending)
            self.steps.apply(invocation)
        return results[0] if results else None

    def _publish(self, fact: Fact) -> None:
        """Publishes a fact of the action; names are made of anything, secrets too."""
        services = self.steps.services
        if isinstance(fact, ArtifactStored):
            fact = replace(fact, name=services.masking.mask(fact.name))
        services.publish(fact)

    def _call(
        self, call: StepCall, phase: Phase, state: Mapping[str, str], invocation: Invocation
    ) -> NativeCall:
        services, frame = self.steps.services, self.steps.frame
        inputs = {name: before_nul(value) for name, value in self.inputs.items()}
        env = process_environment(self.steps, call, input_variables(inputs))

        async def run(argv: Sequence[str], cwd: str) -> ProcessEnd:
            spec = ProcessSpec(argv=argv, cwd=cwd, env=env)
            process = await services.runner.start(frame.box, spec, invocation.output.feed)
            try:
                end = await process.wait()
            except asyncio.CancelledError:
                process.send("KILL")  # later steps must not meet it
                raise
            call.ending.add_use(end)
            return end

        return NativeCall(
            action=self.name,
            ref=self.ref,
            phase=phase,
            inputs=inputs,
            env=env,
            github=call.github,
            box=frame.box,
            run_id=services.run_id,
            leg=self.steps.leg,
            state=state,
            job_status=call.frame.job_status(),
            log=invocation.output.line,
            publish=self._publish,
            run=run,
        )
