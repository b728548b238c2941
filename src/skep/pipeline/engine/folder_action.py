"""Actions that lie in a folder: composite ones step by step, JavaScript ones on this machine's node."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from skep.host.files import read_regular
from skep.model.errors import UserError
from skep.pipeline.actions.manifest import Action, dockerfile_action, read_action
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.workflow.evaluate import evaluate_text
from skep.pipeline.workflow.nodes import Scalar

from .frame import StepsFrame, input_variables
from .headers import action_header
from .native_use import given_inputs
from .node_program import node_program
from .scripts import process_environment
from .step_call import StepCall
from .steps import LegSteps
from .token_notices import token_notices
from .toolkits import toolkit_variables

COMPOSITE_DEPTH = 9
"""How deep composite actions may nest (GitHub's limit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlace:
    """Where an action lies, and whose it is."""

    folder: str
    repository: str = ""  # owner/name; '' for an action of the workspace
    ref: str = ""
    shown: str = ""  # the folder in messages; '': as seen from the workspace


@dataclass(slots=True)
class _Uses:
    """One use of a JavaScript action through its phases."""

    state: dict[str, str] = field(default_factory=dict)
    has_post: bool = False  # registered


class FolderAction:
    """Runs actions from folders of the machine, for one leg."""

    def __init__(self, steps: LegSteps) -> None:
        self._steps = steps
        self._read_once: dict[str, Action] = {}  # of other repositories: their files do not change
        self._uses: dict[tuple[str, int], _Uses] = {}  # of those, by list of steps and step

    async def run(self, call: StepCall, place: ActionPlace) -> None:
        """Reads the action at `place` and runs it. Raises UserError when it is none, or cannot run here."""
        assert call.step.uses is not None
        action = self.read(place, call.step.uses)
        call.github["action_repository"], call.github["action_ref"] = place.repository, place.ref
        inputs = await self._action_inputs(action, call)
        for notice in token_notices(action, call.step, inputs):
            self._steps.annotate("notice", notice)
        env = call.frame.env_context(call.env)
        self._steps.note(action_header(call.step.uses.text, inputs, env))
        if action.using == "composite":
            await self._run_composite(action, place, inputs, call)
        elif action.using.startswith("node"):
            await self._run_node(action, place, inputs, call)
        else:
            raise UserError(
                f"`{action.path}` is a docker action, and containers do not run here yet",
                where=call.step.span,
                hint="run its commands in a `run:` step, or make it a composite action",
            )

    def read(self, place: ActionPlace, uses: Scalar) -> Action:
        """The action at a place. Raises UserError when there is none, or it is wrong: `uses` is what names it."""
        if place.folder in self._read_once:
            return self._read_once[place.folder]
        action = self._read(place, uses)
        if place.repository:
            self._read_once[place.folder] = action
        return action

    def _read(self, place: ActionPlace, uses: Scalar) -> Action:
        folder = place.folder
        shown = place.shown or os.path.relpath(folder, self._steps.frame.box.workspace)
        for name in ("action.yml", "action.yaml"):
            path = os.path.join(folder, name)
            try:
                text = read_regular(path, 2 << 20).decode("utf-8", "surrogateescape")
            except (FileNotFoundError, NotADirectoryError):
                continue
            action, findings = read_action(text, os.path.normpath(f"{shown}/{name}"))
            if action is None:
                first = next(finding for finding in findings if finding.is_error)
                raise UserError(f"{first.message} [{first.rule}]", where=first.where, hint=first.hint)
            return action
        if os.path.isfile(os.path.join(folder, "Dockerfile")):
            return dockerfile_action(f"{shown}/Dockerfile")
        raise UserError(
            f"`{uses.text}` has no action.yml, action.yaml or Dockerfile",
            where=uses.span,
            hint="is the path behind the repository right?"
            if place.repository
            else "did you forget actions/checkout before a local action?",
        )

    async def _action_inputs(self, action: Action, call: StepCall, *, warn: bool = True) -> dict[str, str]:
        """What is given, declared or not, then defaults (actions/runner `ActionRunner.cs`)."""
        settle = self._steps.frame.hashes.settle
        given = await settle(lambda: given_inputs(call))
        if warn:
            self._warn_of_inputs(given, action)
        return await settle(lambda: self._with_defaults(given, action, call))

    @staticmethod
    def _with_defaults(given: Mapping[str, str], action: Action, call: StepCall) -> dict[str, str]:
        known = {spec.name.lower(): spec for spec in action.inputs}
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
        self, action: Action, place: ActionPlace, inputs: dict[str, str], call: StepCall
    ) -> None:
        inner = self.inner_frame(place, inputs, call)
        for step in action.steps:
            ending = await self._steps.run_nested(step, inner, call)
            if ending.undecided:
                break
        call.ending.outcome = inner.status
        scope = inner.scope({**call.github, **inner.github}, call.env)
        call.ending.outputs.update(self._composite_outputs(action, scope))

    def inner_frame(self, place: ActionPlace, inputs: Mapping[str, str], call: StepCall) -> StepsFrame:
        """The list of steps inside a composite action. Raises UserError when they nest too deep."""
        if call.frame.depth >= COMPOSITE_DEPTH:
            raise UserError(
                f"composite actions nest deeper than {COMPOSITE_DEPTH}",
                where=call.step.span,
                hint="does one use itself?",
            )
        return StepsFrame(
            job=self._steps.frame,
            inputs=dict(inputs),
            outer_env={**call.frame.outer_env, **call.env},
            # Steps inside keep the name of the outermost step that uses an action.
            github={
                "action": call.github["action"],
                "action_path": place.folder,
                "action_repository": place.repository,
                "action_ref": place.ref,
            },
            outer=call.frame,
            id_prefix=f"{call.frame.id_prefix}{call.step.id}.",
            depth=call.frame.depth + 1,
        )

    @staticmethod
    def _composite_outputs(action: Action, scope: Scope) -> dict[str, str]:
        return {
            output.name: evaluate_text(output.value, scope)
            for output in action.outputs
            if output.value is not None
        }

    # --- JavaScript --------------------------------------------------------------------------------------------------
    async def _run_node(
        self, action: Action, place: ActionPlace, inputs: dict[str, str], call: StepCall
    ) -> None:
        if action.pre and not place.repository:
            self._steps.annotate(
                "warning", f"`pre` execution is not supported for local action from '{action.path}'"
            )
        use = self._use(place, call)
        self._register_post(action, place, use, call)  # before main: it runs even if main cannot start
        await self._run_script(action, place, action.main, call, inputs=inputs, state=use.state)

    async def run_pre(self, action: Action, place: ActionPlace, call: StepCall) -> None:
        """Runs the `pre` script of a JavaScript action of another repository."""
        call.github["action_repository"], call.github["action_ref"] = place.repository, place.ref
        use = self._use(place, call)
        self._register_post(action, place, use, call)
        inputs = await self._action_inputs(action, call, warn=False)
        await self._run_script(action, place, action.pre, call, inputs=inputs, state=use.state)

    async def pre_inputs(self, action: Action, call: StepCall) -> dict[str, str]:
        """The inputs of a composite action, for the `pre` of what it uses."""
        return await self._action_inputs(action, call, warn=False)

    def _use(self, place: ActionPlace, call: StepCall) -> _Uses:
        if not place.repository:
            return _Uses()
        return self._uses.setdefault((call.frame.id_prefix, id(call.step)), _Uses())

    def _register_post(self, action: Action, place: ActionPlace, use: _Uses, call: StepCall) -> None:
        """Once per use: at its `pre`, else at its main script (actions/runner `RegisterPostJobStep`)."""

        async def post(post_call: StepCall) -> None:
            # Evaluated once more, as GitHub does: `env` and `steps` may have changed since.
            post_call.github["action_repository"] = place.repository
            post_call.github["action_ref"] = place.ref
            again = await self._action_inputs(action, post_call, warn=False)
            await self._run_script(action, place, action.post, post_call, inputs=again, state=use.state)

        if action.post and not use.has_post:
            use.has_post = True
            self._steps.add_post(call, post, action.post_if)

    async def _run_script(
        self,
        action: Action,
        place: ActionPlace,
        script: str,
        call: StepCall,
        *,
        inputs: Mapping[str, str],
        state: dict[str, str],
    ) -> None:
        """Runs one script of a JavaScript action; adds the state it saves to `state`."""
        path = os.path.join(place.folder, script)
        if not _is_file(path):
            raise UserError(
                f"the action's script `{script}` does not exist",
                where=call.step.span,
                hint=f"looked for `{path}`",
            )
        invocation = self._steps.invocation(call)
        extra = input_variables(inputs) | {f"STATE_{name}": value for name, value in state.items()}
        env = process_environment(self._steps, call, extra)
        try:
            node = await node_program(self._steps, action, invocation, env)
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
