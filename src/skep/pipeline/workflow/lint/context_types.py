"""The types of the contexts that are the same in every workflow: `github`, `runner`, `job`, `strategy`.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/contexts, and actions/runner `GitHubContext.cs`.
"""

from __future__ import annotations

from collections.abc import Mapping

from skep.pipeline.workflow.event_keys import EVENTS
from skep.pipeline.workflow.nodes import MappingNode
from skep.pipeline.workflow.tree import Job, Workflow

from .expression_types import (
    ANY,
    BOOLEAN,
    NUMBER,
    STRING,
    Object,
    Type,
    object_of,
    one_of,
    open_object,
)

RESULT = one_of("success", "failure", "cancelled", "skipped")
"""The outcome of a step, and the result of a job in `needs`."""
STATUS = one_of("success", "failure", "cancelled")
"""`job.status`."""

_GITHUB_TEXTS = (
    "action action_path action_ref action_repository action_status actor actor_id api_url artifact_cache_size_limit "
    "base_ref enterprise enterprise_id env event_path graphql_url head_ref job job_workflow_sha output path ref ref_name "
    "repository repository_id repository_owner repository_owner_id repositoryUrl repository_visibility retention_days "
    "run_attempt run_id run_number secret_source server_url sha state step_summary token triggering_actor workflow "
    "workflow_ref workflow_sha workspace"
)
_OTHER_EVENTS = ("dynamic", "pull_request_review_thread", "installation", "star", "team_add", "")


def github_type(workflow: Workflow) -> Object:
    """`github`. The payload is loose: only the inputs of a dispatch are known."""
    event: dict[str, Type] = {}
    dispatch = workflow.trigger("workflow_dispatch")
    if dispatch is not None and dispatch.inputs:
        event["inputs"] = object_of({spec.name: STRING for spec in dispatch.inputs}, noun="input")
    properties: dict[str, Type] = dict.fromkeys(_GITHUB_TEXTS.split(), STRING)
    properties["event"] = object_of(event, rest=ANY)
    properties["event_name"] = one_of(*EVENTS, *_OTHER_EVENTS)
    properties["ref_type"] = one_of("branch", "tag", "")
    properties["ref_protected"] = ANY  # a boolean here, the text of one in the environment
    return object_of(properties)


RUNNER = object_of(
    {
        "name": STRING,
        "os": one_of("Linux", "Windows", "macOS"),
        "arch": one_of("X86", "X64", "ARM", "ARM64"),
        "temp": STRING,
        "tool_cache": STRING,
        "workspace": STRING,
        "debug": STRING,
        "environment": one_of("github-hosted", "self-hosted"),
    }
)
STRATEGY = object_of({"fail-fast": BOOLEAN, "job-index": NUMBER, "job-total": NUMBER, "max-parallel": NUMBER})
_CONTAINER = object_of({"id": STRING, "network": STRING})
_SERVICE = object_of({"id": STRING, "network": STRING, "ports": open_object(STRING)})


def job_type(job: Job | None) -> Object:
    """`job`, with the services that the job names."""
    services: Type = open_object(_SERVICE)
    if job is None or job.services is None:
        services = object_of({}, noun="service")
    elif isinstance(job.services, MappingNode):
        services = object_of({name: _SERVICE for name, _ in job.services}, noun="service")
    return object_of(
        {
            "status": STATUS,
            "check_run_id": NUMBER,
            "container": _CONTAINER,
            "services": services,
            "workflow_ref": STRING,
            "workflow_sha": STRING,
            "workflow_repository": STRING,
            "workflow_file_path": STRING,
        }
    )


def step_type(outputs: Type) -> Object:
    """One entry of `steps`."""
    return object_of({"outputs": outputs, "outcome": RESULT, "conclusion": RESULT})


def result_type(outputs: Type) -> Object:
    """One entry of `needs` or `jobs`."""
    return object_of({"outputs": outputs, "result": RESULT})


SIMPLE: Mapping[str, Type] = {
    "env": open_object(STRING),
    "vars": open_object(STRING),
    "secrets": open_object(STRING),
    "runner": RUNNER,
    "strategy": STRATEGY,
}
"""Contexts whose type does not depend on the file."""
