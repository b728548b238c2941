"""Actions that lie in a folder: composite ones step by step, JavaScript ones on this machine's node."""

from __future__ import annotations

import os
from collections.abc import Mapping

from skep.host.files import read_regular
from skep.model.errors import UserError
from skep.pipeline.actions.manifest import Action, read_action
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.workflow.evaluate import evaluate_text

from .frame import StepsFrame, input_variables
from .headers import action_header
from .native_use import given_inputs
from .scripts import process_environment
from .step_call import StepCall
from .steps import LegSteps
from .toolkits import toolkit_variables

COMPOSITE_DEPTH = 9
"""How deep composite actions may nest (GitHub's limit)."""


class FolderAction:
    """Runs actions from folders of the machine, for one leg."""

    def __init__(self, steps: LegSteps) -> None:
        self._steps = steps

    async def run(self, call: StepCall, folder: str) -> None:
        """Reads the action in `folder` and runs it. Raises UserError when it is none, or cannot run here."""
        action = self._read(folder, call)
        inputs = self._action_inputs(action, call)
        assert call.step.uses is not None
        env = call.frame.env_context(call.env)
        self._steps.note(action_header(call.step.uses.text, inputs, env))
        if action.using == "composite":
            await self._run_composite(action, folder, inputs, call)
        elif action.using.startswith("node"):
            await self._run_node(action, folder, inputs, call)
        else:
            raise UserError(
                f"`{action.path}` is a docker action, and containers do not run here yet",
                where=call.step.span,
                hint="run its commands in a `run:` step, or make it a composite action",
            )

    def _read(self, folder: str, call: StepCall) -> Action:
        root = self._steps.frame.box.workspace
        for name in ("action.yml", "action.yaml"):
            path = os.path.join(folder, name)
            try:
                text = read_regular(path, 2 << 20).decode("utf-8", "surrogateescape")
            except (FileNotFoundError, NotADirectoryError):
                continue
            action, findings = read_action(text, os.path.relpath(path, root))
            if action is None:
                first = next(finding for finding in findings if finding.is_error)
                raise UserError(f"{first.message} [{first.rule}]", where=first.where, hint=first.hint)
            return action
        assert call.step.uses is not None
        raise UserError(
            f"`{call.step.uses.text}` has no action.yml, action.yaml or Dockerfile",
            where=call.step.uses.span,
            hint="did you forget actions/checkout before a local action?",
        )

    def _action_inputs(self, action: Action, call: StepCall, *, warn: bool = True) -> dict[str, str]:
        """What is given, declared or not, then defaults (actions/runner `ActionRunner.cs`)."""
        given = given_inputs(call)
        known = {spec.name.lower(): spec for spec in action.inputs}
        if warn:
            self._warn_of_inputs(given, action)
        inputs: dict[str, str] = {}
        for name, value in given.items():
            inputs[known[name].name if name in known else name] = value
        for name, spec in known.items():
            if name not in given:
                inputs[spec.name] = "" if spec.default is None else evaluate_text(spec.default, call.scope)
        return inputs

    def _warn_of_inputs(self, given: Mapping[str, str], action: Action) -> None:
        names = [spec.name for spec in action.inputs]
        for spec in action.inputs:
            if spec.deprecation_message and spec.name.lower() in given:
                message = f"Input '{spec.name}' has been deprecated with message: {spec.deprecation_message}"
                self._steps.annotate("warning", message)
        if unexpected := [name for name in given if name not in {known.lower() for known in names}]:
            listed, valid = "', '".join(unexpected), "', '".join(names)
            self._steps.annotate("warning", f"Unexpected input(s) '{listed}', valid inputs are ['{valid}']")

    # --- composite ---------------------------------------------------------------------------------------------------
    async def _run_composite(
        self, action: Action, folder: str, inputs: dict[str, str], call: StepCall
    ) -> None:
        if call.frame.depth >= COMPOSITE_DEPTH:
            raise UserError(
                f"composite actions nest deeper than {COMPOSITE_DEPTH}",
                where=call.step.span,
                hint="does one use itself?",
            )
        inner = StepsFrame(
            job=self._steps.frame,
            inputs=dict(inputs),
            outer_env={**call.frame.outer_env, **call.env},
            # Steps inside keep the name of the outermost step that uses an action.
            github={"action": call.github["action"], "action_path": folder},
            outer=call.frame,
            id_prefix=f"{call.frame.id_prefix}{call.step.id}.",
            depth=call.frame.depth + 1,
        )
        for step in action.steps:
            ending = await self._steps.run_nested(step, inner, call)
            if ending.undecided:
                break
        call.ending.outcome = inner.status
        scope = inner.scope({**call.github, **inner.github}, call.env)
        call.ending.outputs.update(self._composite_outputs(action, scope))

    @staticmethod
    def _composite_outputs(action: Action, scope: Scope) -> dict[str, str]:
        return {
            output.name: evaluate_text(output.value, scope)
            for output in action.outputs
            if output.value is not None
        }

    # --- JavaScript --------------------------------------------------------------------------------------------------
    async def _run_node(self, action: Action, folder: str, inputs: dict[str, str], call: StepCall) -> None:
        if action.pre:
            self._steps.annotate(
                "warning", f"`pre` execution is not supported for local action from '{action.path}'"
            )
        state: dict[str, str] = {}

        async def post(post_call: StepCall) -> None:
            # Evaluated once more, as GitHub does: `env` and `steps` may have changed since.
            again = self._action_inputs(action, post_call, warn=False)
            await self._run_script(folder, action.post, again, state, post_call)

        if action.post:
            self._steps.add_post(call, post, action.post_if)  # before main: it runs even if main cannot start
        await self._run_script(folder, action.main, inputs, state, call)

    async def _run_script(
        self, folder: str, script: str, inputs: Mapping[str, str], state: dict[str, str], call: StepCall
    ) -> None:
        """Runs one script of a JavaScript action; adds the state it saves to `state`."""
        path = os.path.join(folder, script)
        if not _is_file(path):
            raise UserError(
                f"the action's script `{script}` does not exist",
                where=call.step.span,
                hint=f"looked for `{path}`",
            )
        invocation = self._steps.invocation(call)
        extra = input_variables(inputs) | {f"STATE_{name}": value for name, value in state.items()}
        env = process_environment(self._steps, call, extra)
        node = self._steps.services.find_program("node", env["PATH"])
        try:
            if node is None:
                raise UserError(
                    "JavaScript actions need `node`, and it is not on PATH",
                    hint="install it: `apt-get install nodejs`",
                )
            env |= await toolkit_variables(self._steps, call, action=True)
            await invocation.run_process(
                [node, path], self._steps.frame.box.workspace, env, call.stops, call.ending
            )
        finally:
            invocation.finish(call.ending)
            self._steps.apply(invocation)
            state.update(invocation.effects.state)


def _is_file(path: str) -> bool:
    return os.path.isfile(path)
