"""Actions that lie in a folder: composite ones step by step, JavaScript ones on this machine's node."""

from __future__ import annotations

import os
from collections.abc import Mapping

from skep.model.errors import UserError
from skep.model.outcome import Outcome
from skep.pipeline.actions.manifest import Action, read_action
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
from skep.pipeline.workflow.evaluate import evaluate_text

from .frame import StepsFrame, input_variables
from .native_use import given_inputs
from .scripts import process_environment
from .steps import LegSteps, StepCall

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
                with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                    text = file.read(2 << 20)
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

    def _action_inputs(self, action: Action, call: StepCall) -> dict[str, str]:
        given = given_inputs(call)
        known = {spec.name.lower(): spec for spec in action.inputs}
        unexpected = sorted(set(given) - set(known))
        for name in unexpected:
            self._steps.note(f"##[warning]Unexpected input(s) '{name}', valid inputs are {sorted(known)}")
        inputs: dict[str, str] = {}
        for name, spec in known.items():
            if name in given:
                inputs[spec.name] = given[name]
            elif spec.default is not None:
                inputs[spec.name] = evaluate_text(spec.default, call.scope)
            else:
                inputs[spec.name] = ""
        return inputs

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
            github={"action_path": folder},
            id_prefix=f"{call.frame.id_prefix}{call.step.id}.",
            depth=call.frame.depth + 1,
        )
        for step in action.steps:
            await self._steps.run_nested(step, inner, call)
        scope = inner.scope({**call.github, **inner.github}, call.env)
        call.ending.outputs.update(self._composite_outputs(action, scope))
        if inner.status is not Outcome.SUCCESS:
            call.ending.outcome = inner.status
        elif any(_cancelled(state) for state in inner.steps.values()):
            call.ending.outcome = Outcome.CANCELLED

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
            self._steps.note(
                f"##[warning]`pre` execution is not supported for local action from '{action.path}'"
            )
        state = await self._run_script(folder, action.main, inputs, {}, call)
        if not action.post:
            return
        script = action.post

        async def post(post_call: StepCall) -> None:
            await self._run_script(folder, script, inputs, state, post_call)

        self._steps.add_post(call, post, action.post_if)

    async def _run_script(
        self, folder: str, script: str, inputs: Mapping[str, str], state: Mapping[str, str], call: StepCall
    ) -> dict[str, str]:
        """Runs one script of a JavaScript action; gives the state it saved."""
        path = os.path.join(folder, script)
        if not _is_file(path):
            raise UserError(
                f"the action's script `{script}` does not exist",
                where=call.step.span,
                hint=f"looked for `{path}`",
            )
        call.github["action_path"] = folder
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
            await invocation.run_process(
                [node, path], self._steps.frame.box.workspace, env, call.stops, call.ending
            )
        finally:
            invocation.finish(call.ending)
            self._steps.apply(invocation)
        return {**state, **invocation.effects.state}


def _cancelled(state: Value) -> bool:
    return isinstance(state, Mapping) and state.get("conclusion") == Outcome.CANCELLED.value


def _is_file(path: str) -> bool:
    return os.path.isfile(path)
