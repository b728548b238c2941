"""A place in a workflow in, the types of the contexts there out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from skep.pipeline.workflow.tree import InputSpec, InputType, Job, Step, StepKind, Workflow

from .context_types import SIMPLE, github_type, job_type, result_type, step_type
from .expression_types import (
    ANY,
    BOOLEAN,
    NUMBER,
    STRING,
    Object,
    Type,
    joined,
    object_of,
    one_of,
    open_object,
)
from .known_actions import known_action
from .manifests import Manifest
from .matrix_types import matrix_type
from .sites import ExpressionSite, steps_of

_OF_A_JOB = frozenset({"matrix", "needs", "job"})


@dataclass(slots=True, kw_only=True)
class Scopes:
    """The types of all contexts at all places of one workflow; each is made once, when it is first asked for."""

    workflow: Workflow
    manifest: Callable[[str], Manifest | None]
    _of_workflow: dict[str, Type] = field(default_factory=dict)
    _of_job: dict[tuple[str, str], Type] = field(default_factory=dict)
    _steps: dict[str, list[tuple[Step, Object]]] = field(default_factory=dict)
    _so_far: dict[tuple[str, int], Object] = field(default_factory=dict)

    def type_of_name(self, site: ExpressionSite, name: str) -> Type:
        """The type of a context, lower-cased, where an expression stands; `ANY` for an unknown one."""
        if name in SIMPLE:
            return SIMPLE[name]
        if name == "steps" and site.job is not None:
            return self._steps_type(site.job, site.step)
        if name in _OF_A_JOB and site.job is not None:
            key = (site.job.id, name)
            if key not in self._of_job:
                self._of_job[key] = self._job_context(site.job, name)
            return self._of_job[key]
        if name not in self._of_workflow:
            self._of_workflow[name] = self._workflow_context(name)
        return self._of_workflow[name]

    def _workflow_context(self, name: str) -> Type:
        if name == "github":
            return github_type(self.workflow)
        if name == "inputs":
            return inputs_type(self.workflow)
        if name == "jobs":
            return object_of(
                {job.id: result_type(self.outputs_of(job)) for job in self.workflow.jobs}, noun="job"
            )
        return ANY

    def _job_context(self, job: Job, name: str) -> Type:
        if name == "matrix":
            return matrix_type(job.strategy)
        if name == "job":
            return job_type(job)
        return self._needs_type(job)

    # --- needs --------------------------------------------------------------------------------------------------------
    def _needs_type(self, job: Job) -> Object:
        needed = {need.job_id.lower() for need in job.needs}
        others = [other for other in self.workflow.jobs if other.id.lower() not in needed]
        return object_of(
            {
                other.id: result_type(self.outputs_of(other))
                for other in self.workflow.jobs
                if other.id.lower() in needed
            },
            noun="job",
            why_absent={
                other.id.lower(): f"add `{other.id}` to the `needs` of `{job.id}`"
                for other in others
                if other is not job
            },
        )

    def outputs_of(self, job: Job) -> Type:
        """The outputs of a job with steps, or of the workflow it calls, when that is known."""
        if job.uses is None:
            names = [] if job.outputs is None else [name for name, _ in job.outputs]
            return object_of(dict.fromkeys(names, STRING), noun="output")
        trigger = None if job.called is None else job.called.trigger("workflow_call")
        if trigger is None:
            return open_object(STRING)
        return object_of({output.name: STRING for output in trigger.outputs}, noun="output")

    # --- steps --------------------------------------------------------------------------------------------------------
    def _steps_type(self, job: Job, step: Step | None) -> Object:
        """The steps before one, or all of the job for what is evaluated after its last."""
        if job.id not in self._steps:
            self._steps[job.id] = [(one, self._step_type(one)) for one in steps_of(job)]
        everything = self._steps[job.id]
        end = len(everything)
        if step is not None:
            end = next((index for index, (one, _) in enumerate(everything) if one is step), end)
        key = (job.id, end)
        if key not in self._so_far:
            self._so_far[key] = self._steps_before(job, everything[:end], everything[end:])
        return self._so_far[key]

    def _steps_before(
        self,
        job: Job,
        before: Sequence[tuple[Step, Object]],
        later: Sequence[tuple[Step, Object]],
    ) -> Object:
        reasons: dict[str, str] = {}
        for other in self.workflow.jobs:
            for step in steps_of(other) if other is not job else ():
                if step.id_written:
                    reasons[step.id.lower()] = (
                        f"that step is in job `{other.id}`; pass its output by `outputs` of that job and `needs`"
                    )
        for step, _ in later:
            if step.id_written:
                reasons[step.id.lower()] = f"step `{step.id}` comes later; a step sees only those above it"
        return object_of(
            {step.id: type_ for step, type_ in before if step.id_written},
            noun="step",
            why_absent=reasons,
        )

    def _step_type(self, step: Step) -> Object:
        if step.kind is StepKind.RUN:
            return step_type(open_object(STRING))
        if step.kind is not StepKind.USES or step.uses is None:
            return step_type(object_of({}, noun="output"))
        return step_type(self._action_outputs(step.uses.text))

    def _action_outputs(self, uses: str) -> Type:
        """Only a composite action cannot have outputs that it does not declare. Source: GitHub's metadata syntax."""
        manifest = self.manifest(uses)
        if manifest is not None and manifest.using.lower() == "composite":
            return object_of(dict.fromkeys(manifest.outputs, STRING), noun="output")
        known = known_action(uses)
        if known is not None:
            return object_of(dict.fromkeys(sorted(known.outputs), STRING), noun="output", sure=False)
        return open_object(STRING)


def inputs_type(workflow: Workflow) -> Type:
    """`inputs`: what `workflow_dispatch` and `workflow_call` declare."""
    types: dict[str, Type] = {}
    for event in ("workflow_dispatch", "workflow_call"):
        trigger = workflow.trigger(event)
        for spec in trigger.inputs if trigger is not None else ():
            type_ = _input_type(spec)
            before = next((key for key in types if key.lower() == spec.name.lower()), None)
            types[before or spec.name] = joined(types[before], type_) if before else type_
    if not types:
        return Object(noun="input", why_none=_NO_INPUTS)
    return object_of(types, noun="input")


_NO_INPUTS = "this workflow declares no inputs: add them below `workflow_dispatch:` or `workflow_call:`"


def _input_type(spec: InputSpec) -> Type:
    if spec.type is InputType.BOOLEAN:
        return BOOLEAN
    if spec.type is InputType.NUMBER:
        return NUMBER
    if spec.type is InputType.CHOICE and spec.options:
        return one_of(*spec.options, "")
    return STRING
