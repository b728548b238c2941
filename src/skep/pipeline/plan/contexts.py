"""The `github` context of a workflow's run, without what belongs to one job or step.

The engine adds `job`, `workspace`, `event_path`, `action*`, `env`, `path` and the other per-step files.
Source: "github context" of GitHub's contexts reference.
"""

from __future__ import annotations

from skep.pipeline.expressions.values import Value
from skep.pipeline.workflow.tree import Workflow

from .values import RepositoryFacts, TriggerFacts

RETENTION_DAYS = "90"
_NO_ID = "0"  # ids that only the server knows; a number, as actions expect


def github_context(
    trigger: TriggerFacts,
    repository: RepositoryFacts,
    workflow: Workflow,
    *,
    run_id: str,
    run_number: int,
    run_attempt: int = 1,
    token: str = "",
) -> dict[str, Value]:
    """All fields that are the same for every job of the workflow."""
    return {
        "token": token,
        "ref": trigger.ref,
        "ref_name": ref_name(trigger.ref),
        "ref_type": "tag" if trigger.ref.startswith("refs/tags/") else "branch",
        "ref_protected": False,
        "sha": trigger.sha,
        "repository": repository.repository,
        "repository_id": _NO_ID,
        "repository_owner": repository.owner,
        "repository_owner_id": _NO_ID,
        "repositoryUrl": f"git://{_host(repository.server_url)}/{repository.repository}.git",
        "repository_visibility": "private",
        "run_id": run_id,
        "run_number": str(run_number),
        "run_attempt": str(run_attempt),
        "retention_days": RETENTION_DAYS,
        "actor": repository.actor,
        "actor_id": _NO_ID,
        "triggering_actor": repository.actor,
        "workflow": workflow.name or workflow.path,
        "workflow_ref": f"{repository.repository}/{workflow.path}@{trigger.ref}",
        "workflow_sha": trigger.sha,
        "head_ref": trigger.head_ref,
        "base_ref": trigger.base_ref if trigger.event in _PULL_REQUESTS else "",
        "event_name": trigger.event,
        "event": dict(trigger.payload),
        "server_url": repository.server_url,
        "api_url": repository.api_url,
        "graphql_url": repository.graphql_url,
        "secret_source": "Actions",
    }


_PULL_REQUESTS = ("pull_request", "pull_request_target")


def ref_name(ref: str) -> str:
    """The short name: `main` of refs/heads/main, `v1` of refs/tags/v1, `7/merge` of refs/pull/7/merge."""
    for prefix in ("refs/heads/", "refs/tags/", "refs/pull/"):
        if ref.startswith(prefix):
            return ref.removeprefix(prefix)
    return ref


def _host(url: str) -> str:
    return url.partition("://")[2].rstrip("/") or url
