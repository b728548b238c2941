"""Scripts of whoever owns this machine, around every job and every step of it: set-up, clean-up, measuring.

Job hooks are steps of their own before the first and after the last one, by GitHub's variables ACTIONS_RUNNER_HOOK_JOB_STARTED and
ACTIONS_RUNNER_HOOK_JOB_COMPLETED or by the settings; step hooks, which GitHub does not have, are part of the step they stand around.
A hook that fails fails its job, or its step. Source: GitHub's documentation, "Running scripts before or after a job".
"""

from __future__ import annotations

from skep.model.errors import UserError
from skep.model.finding import Location
from skep.model.ids import StepId
from skep.model.outcome import Outcome
from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.workflow.nodes import Scalar
from skep.pipeline.workflow.tree import Condition, Step, StepKind

from .invocation import Ending
from .scripts import process_environment
from .services import HookScripts
from .step_call import StepCall
from .steps import LegSteps


def job_hook(path: str, moment: str) -> tuple[Step, ...]:
    """The step that runs a job hook, () without one. `moment`: started or completed."""
    if not path:
        return ()
    span = Location(path=path)
    text = "always()"
    condition = Condition(
        expression=compile_expression(text, functions={"always": (0, 0)}), written=text, span=span
    )
    return (
        Step(
            id=StepId(f"__hook_{moment}"),
            kind=StepKind.RUN,
            span=span,
            condition=condition,
            name=Scalar(f"Hook: job {moment}", span, f"Hook: job {moment}"),
            run=Scalar(f'. "{path}"', span, f'. "{path}"'),
            shell=Scalar("bash -e {0}", span, "bash -e {0}"),
            working_directory=Scalar(".", span, "."),
        ),
    )


class StepHooks:
    """Runs the step hooks of one leg."""

    def __init__(self, steps: LegSteps, scripts: HookScripts) -> None:
        self._steps = steps
        self._scripts = scripts

    async def before(self, call: StepCall, name: str) -> None:
        """Runs before a step of the job; a failure is written into the step's ending."""
        if self._scripts.step_started:
            await self._run(self._scripts.step_started, call, call.ending, {"SKEP_STEP_NAME": name})

    async def after(self, call: StepCall, name: str) -> None:
        """Runs after a step of the job, however it ended."""
        if self._scripts.step_completed:
            ending = Ending()
            outcome = call.ending.outcome
            extra = {"SKEP_STEP_NAME": name, "SKEP_STEP_OUTCOME": outcome.value}
            await self._run(self._scripts.step_completed, call, ending, extra)
            call.ending.cpu_s += ending.cpu_s
            if ending.outcome is not Outcome.SUCCESS and outcome is Outcome.SUCCESS:
                call.ending.outcome, call.ending.reason = ending.outcome, ending.reason

    async def _run(self, path: str, call: StepCall, ending: Ending, extra: dict[str, str]) -> None:
        invocation = self._steps.invocation(call)
        env = process_environment(self._steps, call, {**extra, "SKEP_STEP_ID": str(call.step.id)})
        bash = self._steps.services.find_program("bash", env["PATH"])
        try:
            if bash is None:
                raise UserError(
                    "step hooks need `bash`, and it is not on PATH", hint="install it, or drop the hook"
                )
            workspace = self._steps.frame.box.workspace
            await invocation.run_process([bash, "-e", path], workspace, env, call.stops, ending)
            if ending.outcome is not Outcome.SUCCESS:
                ending.reason = f"the hook `{path}` failed: {ending.reason}"
        finally:
            invocation.finish(ending)
            self._steps.apply(invocation)
