"""`uses:` steps: a native action, a composite, or JavaScript on this machine's node."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skep.model.errors import UserError
from skep.model.outcome import Outcome
from skep.pipeline.actions.manifest import Action, read_action
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, to_text
from skep.pipeline.ports import NativeAction, NativeCall, NativeResult, Phase, ProcessEnd, ProcessSpec
from skep.pipeline.workflow.evaluate import evaluate_node, evaluate_text

from .frame import StepsFrame, input_variables
from .scripts import process_environment
from .steps import LegSteps, PostStep, StepCall, StepWork

COMPOSITE_DEPTH = 9
"""How deep composite actions may nest (GitHub's limit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _NativeUse:
    action: NativeAction
    name: str  # owner/name[/path], lower-cased
    ref: str
    inputs: Mapping[str, str]


class UseAction:
    """The work of a `uses:` step."""

    def __init__(self, steps: LegSteps) -> None:
        self._steps = steps

    async def __call__(self, call: StepCall) -> None:
        """Finds the action and runs it. Raises UserError when it cannot be had here."""
        assert call.step.uses is not None
        uses = call.step.uses.text.strip()
        if uses.startswith(("./", "../", "$/")) or uses == ".":
            await self._run_local(call, self._local_folder(uses, call))
            return
        name, _, ref = uses.partition("@")
        native = self._steps.services.native_action(name.lower(), ref)
        if native is None:
            raise UserError(unavailable_reason(uses), where=call.step.uses.span, hint=UNAVAILABLE_HINT)
        await self._run_native(native, call, name.lower(), ref)

    # --- native ------------------------------------------------------------------------------------------------------
    async def _run_native(self, action: NativeAction, call: StepCall, name: str, ref: str) -> None:
        use = _NativeUse(action=action, name=name, ref=ref, inputs=self._inputs(call))
        result = await self._call_native(use, call, Phase.MAIN, {})
        if result is None or not result.post:
            return
        state = dict(result.state)

        async def post(post_call: StepCall) -> None:
            await self._call_native(use, post_call, Phase.POST, state)

        self._add_post(call, post)

    async def _call_native(
        self, use: _NativeUse, call: StepCall, phase: Phase, state: Mapping[str, str]
    ) -> NativeResult | None:
        invocation = self._steps.invocation(call)
        services, frame = self._steps.services, self._steps.frame
        env = process_environment(self._steps, call, input_variables(use.inputs))
        results: list[NativeResult] = []

        async def run(argv: Sequence[str], cwd: str) -> ProcessEnd:
            spec = ProcessSpec(argv=argv, cwd=cwd, env=env)
            process = await services.runner.start(frame.box, spec, invocation.output.feed)
            end = await process.wait()
            call.ending.add_use(end)
            return end

        native_call = NativeCall(
            action=use.name,
            ref=use.ref,
            phase=phase,
            inputs=use.inputs,
            env=env,
            github=call.github,
            box=frame.box,
            run_id=services.run_id,
            leg=self._steps.leg,
            state=state,
            job_status=call.frame.job_status(),
            log=invocation.output.line,
            publish=services.publish,
            run=run,
        )

        async def work() -> bool:
            results.append(await use.action(native_call))
            return results[0].ok

        try:
            await invocation.run_coroutine(work(), call.stops, call.ending)
            for result in results:
                invocation.effects.outputs.update(result.outputs)
                invocation.effects.env.update(result.env)
                invocation.effects.paths.extend(result.paths)
                if not result.ok and not call.ending.reason:
                    call.ending.reason = f"{use.name} failed; its log says why"
        finally:
            invocation.finish(call.ending)
            self._steps.apply(invocation)
        return results[0] if results else None

    def _inputs(self, call: StepCall) -> dict[str, str]:
        if call.step.with_ is None:
            return {}
        value = evaluate_node(call.step.with_, call.scope)
        if not isinstance(value, Mapping):
            raise UserError("`with` must be a mapping of names to values", where=call.step.with_.span)
        return {name.lower(): to_text(item) for name, item in value.items()}

    # --- local -------------------------------------------------------------------------------------------------------
    def _local_folder(self, uses: str, call: StepCall) -> str:
        root = self._steps.frame.box.workspace
        if uses.startswith("$/"):
            root, uses = self._steps.services.project_root, uses[2:]
        folder = os.path.normpath(os.path.join(root, uses))
        if os.path.commonpath([root, folder]) != os.path.normpath(root):
            raise UserError(
                f"`uses: {uses}` leaves the workspace",
                where=call.step.span,
                hint="point it below the workspace",
            )
        return folder

    async def _run_local(self, call: StepCall, folder: str) -> None:
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
                with open(path, encoding="utf-8", errors="replace", newline="") as file:
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
        given = self._inputs(call)
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

        self._add_post(call, post, action)

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

    def _add_post(self, call: StepCall, work: StepWork, action: Action | None = None) -> None:
        name = f"Post {self._steps.display_name(call)}"
        condition = action.post_if if action else None
        post = PostStep(
            step=call.step, name=name, frame=call.frame, env=call.env, condition=condition, work=work
        )
        self._steps.posts.append(post)


UNAVAILABLE_HINT = (
    "Skep runs local actions (`./path`) and has its own actions/checkout, cache, upload-artifact and download-artifact; "
    "other actions need the network and come later"
)


def unavailable_reason(uses: str) -> str:
    """Why an action that is neither local nor native cannot run."""
    if uses.startswith("docker://"):
        return f"`{uses}` needs a container engine, and containers do not run here yet"
    return f"the action `{uses}` is not on this machine"


def _cancelled(state: Value) -> bool:
    return isinstance(state, Mapping) and state.get("conclusion") == Outcome.CANCELLED.value


def _is_file(path: str) -> bool:
    return os.path.isfile(path)
