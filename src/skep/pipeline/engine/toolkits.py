"""What a step's process gets of the toolkits' services: variables in its environment, their secrets masked."""

from __future__ import annotations

from dataclasses import replace

from skep.events.facts import ArtifactStored, Fact
from skep.pipeline.ports import ToolkitJob
from skep.pipeline.workflow.permissions import Level, requested_permissions
from skep.pipeline.workflow.tree import Job, Workflow

from .step_call import StepCall
from .steps import LegSteps


async def toolkit_variables(steps: LegSteps, call: StepCall, *, action: bool) -> dict[str, str]:
    """The variables of an action's process, or of a `run:` step's. Raises HostError when the services cannot start."""
    services, frame = steps.services, steps.frame
    may_have_id_token = grants_id_token(frame.job, frame.plan.workflow)
    if services.toolkits is None or not (action or may_have_id_token):
        return {}

    def publish(fact: Fact) -> None:
        if isinstance(fact, ArtifactStored):
            fact = replace(fact, name=services.masking.mask(fact.name))
        services.publish(fact)

    job = ToolkitJob(
        run_id=services.run_id,
        leg=steps.leg,
        box=frame.box,
        github=call.github,
        environment=steps.environment,
        may_have_id_token=may_have_id_token,
        publish=publish,
    )
    variables = await services.toolkits.variables(job, action=action)
    for name, value in variables.items():
        if name.endswith("TOKEN"):
            services.masking.add(value)
    return variables


def grants_id_token(job: Job, workflow: Workflow) -> bool:
    """Whether `permissions` gives a job OIDC tokens: its own, else its workflow's; never by default."""
    requested = requested_permissions(job.permissions)
    if requested is None:
        requested = requested_permissions(workflow.permissions)
    return (requested or {}).get("id-token", Level.NONE) is Level.WRITE
