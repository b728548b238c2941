"""`run:` steps: text -> script file -> shell process."""

from __future__ import annotations

import os
from dataclasses import dataclass

from skep.model.errors import UserError
from skep.pipeline.workflow.evaluate import evaluate_text
from skep.pipeline.workflow.nodes import Node

from .frame import exported_variables, passable
from .headers import script_header
from .shells import shell_script
from .step_call import StepCall
from .stepfiles import new_file
from .steps import LegSteps
from .toolkits import toolkit_variables


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptDefaults:
    """`defaults.run` as it holds for a job's own steps, evaluated. Steps inside composite actions do not see it."""

    shell: str | None = None
    working_directory: str | None = None


class RunScript:
    """The work of a `run:` step."""

    def __init__(self, steps: LegSteps, defaults: ScriptDefaults) -> None:
        self._steps = steps
        self._defaults = defaults
        self._count = 0

    async def __call__(self, call: StepCall) -> None:
        """Writes the script and runs it. Raises UserError for an unknown shell or working directory."""
        step = call.step
        assert step.run is not None
        invocation = self._steps.invocation(call)
        try:
            text, shell, folder = await self._steps.frame.hashes.settle(lambda: self._evaluated(call))
            cwd = self._existing(folder, call)
            env = process_environment(self._steps, call)
            find = self._steps.services.find_program
            script = shell_script(shell, text, lambda name: find(name, env["PATH"]))
            argv = script.command(self._write(script.text, script.suffix))
            env |= await toolkit_variables(self._steps, call, action=False)
            env_shown = call.frame.env_context(call.env)
            invocation.output.say(script_header(text, " ".join(script.argv), env_shown))
            argv[0] = find(argv[0], env["PATH"]) or argv[0]
            await invocation.run_process(argv, cwd, env, call.stops, call.ending)
        finally:
            invocation.finish(call.ending)
            self._steps.apply(invocation)

    def _setting(self, node: Node | None, call: StepCall, default: str | None) -> str | None:
        if node is not None:
            return evaluate_text(node, call.scope)
        return None if call.frame.depth else default

    def _evaluated(self, call: StepCall) -> tuple[str, str | None, str | None]:
        """Script, shell and working directory."""
        step = call.step
        assert step.run is not None
        text = evaluate_text(step.run, call.scope)
        shell = self._setting(step.shell, call, None) or self._setting(None, call, self._defaults.shell)
        return text, shell, self._setting(step.working_directory, call, self._defaults.working_directory)

    def _existing(self, folder: str | None, call: StepCall) -> str:
        workspace = self._steps.frame.box.workspace
        cwd = os.path.normpath(os.path.join(workspace, folder)) if folder else workspace
        if not os.path.isdir(cwd):
            hint = "run actions/checkout first, or create the folder" if folder else ""
            raise UserError(
                f"the working directory `{folder or workspace}` does not exist",
                where=call.step.span,
                hint=hint,
            )
        return cwd

    def _write(self, text: str, suffix: str) -> str:
        self._count += 1
        new, path = new_file(self._steps.frame.box.commands, f"script{self._count}{suffix}")
        with open(new, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
        return path


def process_environment(
    steps: LegSteps, call: StepCall, extra: dict[str, str] | None = None
) -> dict[str, str]:
    """The whole environment of a step's process. Last wins: machine, workflow and job, GITHUB_ENV, step, GITHUB_* and RUNNER_*."""
    frame = steps.frame
    env = dict(frame.box.env)
    for name, value in call.frame.env_context(call.env).items():
        env[name] = str(value)
    if frame.paths:
        env["PATH"] = ":".join([*frame.paths, env.get("PATH", "")])
    if extra:
        env.update(extra)
    env.update(exported_variables(call.github, frame.runner))
    env.setdefault("CI", "true")  # unlike GITHUB_*, a workflow may set it: `CI: false` is common
    return passable(env)
