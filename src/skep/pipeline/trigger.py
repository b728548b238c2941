"""What the user asks for and what the repository says -> the trigger, with a payload as GitHub would send it.

The payload holds what workflows commonly read; a payload file is laid over it, and what the trigger says (type, branches,
inputs, number) is read back from the result, so that payload and trigger never disagree. The commit is always HEAD.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from skep.model.errors import UserError
from skep.model.finding import Location
from skep.pipeline.expressions.values import Value, to_text
from skep.pipeline.plan.names import did_you_mean
from skep.pipeline.plan.payloads import (
    CommitFacts,
    Occasion,
    issue_comment_payload,
    issues_payload,
    merge_group_payload,
    plain_payload,
    pull_request_payload,
    push_payload,
    ref_payload,
    release_payload,
    review_payload,
    workflow_run_payload,
)
from skep.pipeline.plan.values import RepositoryFacts, TriggerFacts
from skep.pipeline.workflow.event_keys import ACTIVITY_TYPES, PLAIN_EVENTS
from skep.source.changes import (
    NO_COMMIT,
    Changes,
    Repository,
    branch_name,
    full_ref,
    pull_request_changes,
    pushed_changes,
)
from skep.source.git import Git

EVENTS = (
    "push",
    "workflow_dispatch",
    "schedule",
    "repository_dispatch",
    *ACTIVITY_TYPES,
    *PLAIN_EVENTS,
)
"""The events that can start a workflow."""

_DEFAULT_ACTIONS = {
    "pull_request": "opened",
    "pull_request_target": "opened",
    "pull_request_review": "submitted",
    "pull_request_review_comment": "created",
    "issues": "opened",
    "issue_comment": "created",
    "release": "published",
    "workflow_run": "completed",
    "merge_group": "checks_requested",
    "discussion": "created",
    "discussion_comment": "created",
    "label": "created",
    "milestone": "created",
    "registry_package": "published",
    "check_run": "completed",
    "check_suite": "completed",
    "branch_protection_rule": "created",
    "watch": "started",
}
_PULL_REQUESTS = ("pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment")

_PAYLOADS: dict[str, Callable[[Occasion], dict[str, Value]]] = {
    "push": push_payload,
    "pull_request": pull_request_payload,
    "pull_request_target": pull_request_payload,
    "pull_request_review": review_payload,
    "pull_request_review_comment": review_payload,
    "merge_group": merge_group_payload,
    "workflow_run": workflow_run_payload,
    "release": release_payload,
    "issues": issues_payload,
    "issue_comment": issue_comment_payload,
    "create": ref_payload,
    "delete": ref_payload,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerOptions:
    """What the user says of the trigger."""

    event: str = "push"  # GitHub's name, or `name:type`
    base: str = ""  # pull requests: the target branch; '' = the default branch
    ref: str = ""  # a branch or tag name, short or full; '' = the branch HEAD is on
    cron: str = ""  # schedule: the line that fires; '' = every one
    inputs: Mapping[str, str] = field(default_factory=dict)
    payload: str = ""  # JSON laid over the payload
    payload_path: str = ""  # where it was read from, for messages


def build_trigger(options: TriggerOptions, git: Git, repository: Repository) -> TriggerFacts:
    """The facts of the trigger. Raises UserError: unknown event, malformed payload, unknown base; HostError from git."""
    event, _, action = options.event.partition(":")
    _check_event(event)
    given = _read_payload(options)
    action = action or _text(given, "action") or _DEFAULT_ACTIONS.get(event, "")
    changes = _changes(event, options, git, repository, given)
    occasion = Occasion(
        repository=repository_facts(repository),
        sha=repository.sha,
        branch=repository.branch or repository.default_branch,
        ref=_ref(event, options, git, repository),
        base=_base(options, repository, given),
        action=action,
        number=_number(given),
        before=changes.before,
        base_sha=changes.base_sha or repository.sha,
        commits=_commits(changes),
        changed_files=len(changes.paths or ()),
        email=repository.email,
        schedule=options.cron,
    )
    payload = _merged(_PAYLOADS.get(event, plain_payload)(occasion), given)
    return _facts(event, occasion, payload, options, changes)


def repository_facts(repository: Repository) -> RepositoryFacts:
    """What the `github` context says of the repository."""
    return RepositoryFacts(
        repository=f"{repository.owner}/{repository.name}",
        owner=repository.owner,
        actor=repository.actor,
        default_branch=repository.default_branch,
        root=repository.root,
    )


def _facts(
    event: str, occasion: Occasion, payload: dict[str, Value], options: TriggerOptions, changes: Changes
) -> TriggerFacts:
    """The trigger as the finished payload tells it."""
    pull_request = event in _PULL_REQUESTS
    ref, sha = occasion.ref, occasion.sha
    if event == "push":
        ref = _text(payload, "ref") or ref
    elif event in _PULL_REQUESTS and event != "pull_request_target":
        ref = f"refs/pull/{_number(payload)}/merge"
    elif event == "pull_request_target":
        ref, sha = f"refs/heads/{_text(payload, 'pull_request', 'base', 'ref')}", occasion.base_sha
    elif event == "merge_group":
        ref = _text(payload, "merge_group", "head_ref") or ref
    elif event == "release":
        ref = f"refs/tags/{_text(payload, 'release', 'tag_name')}"
    base_ref = _text(payload, "pull_request", "base", "ref") if pull_request else ""
    if event == "merge_group":
        base_ref = branch_name(_text(payload, "merge_group", "base_ref"))
    return TriggerFacts(
        event=event,
        ref=ref,
        sha=sha,
        payload=payload,
        before=_text(payload, "before") if event == "push" else "",
        base_ref=base_ref,
        head_ref=_text(payload, "pull_request", "head", "ref") if pull_request else "",
        action=_text(payload, "action"),
        schedule=_text(payload, "schedule") if event == "schedule" else "",
        changed_paths=changes.paths,
        changed_since=changes.why,
        inputs=_inputs(payload, options),
        workflow_name=_text(payload, "workflow_run", "name"),
    )


def _check_event(event: str) -> None:
    if event == "workflow_call":
        raise UserError(
            "`workflow_call` does not start a workflow by itself",
            hint="run the workflow that calls it",
        )
    if event not in EVENTS:
        raise UserError(f"there is no event `{event}`", hint=did_you_mean(event, EVENTS))


def _changes(
    event: str, options: TriggerOptions, git: Git, repository: Repository, given: Mapping[str, Value]
) -> Changes:
    if event == "push":
        return pushed_changes(git, repository)
    if event in _PULL_REQUESTS or event == "merge_group":
        try:
            return pull_request_changes(git, repository, _base(options, repository, given))
        except UserError:
            if options.base:
                raise
            return Changes(
                before=NO_COMMIT, paths=None
            )  # a payload from elsewhere, or a default branch not fetched
    return Changes(before=NO_COMMIT, paths=None)


def _base(options: TriggerOptions, repository: Repository, given: Mapping[str, Value]) -> str:
    written = _text(given, "pull_request", "base", "ref") or _text(given, "merge_group", "base_ref")
    return branch_name(options.base or written or repository.default_branch)


def _ref(event: str, options: TriggerOptions, git: Git, repository: Repository) -> str:
    if event == "release" and not options.ref:
        tags = git.refs("refs/tags") if repository.is_git else ()
        return f"refs/tags/{tags[-1] if tags else 'v0.0.0'}"
    if event in ("push", "create", "workflow_dispatch", "deployment", "deployment_status") or options.ref:
        return full_ref(git, repository, options.ref)
    return f"refs/heads/{repository.default_branch}"


def _number(given: Mapping[str, Value]) -> int:
    for value in (given.get("number"), _at(given, "pull_request", "number"), _at(given, "issue", "number")):
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 1


def _inputs(payload: Mapping[str, Value], options: TriggerOptions) -> dict[str, str]:
    written = payload.get("inputs")
    inputs = {name: to_text(value) for name, value in written.items()} if isinstance(written, Mapping) else {}
    return {**inputs, **options.inputs}


def _read_payload(options: TriggerOptions) -> dict[str, Value]:
    if not options.payload.strip():
        return {}
    where = Location(path=options.payload_path or "payload")
    try:
        value: Value = json.loads(options.payload.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        place = Location(path=where.path, line=error.lineno, column=error.colno)
        raise UserError(f"the payload is not JSON: {error.msg}", where=place) from error
    except (RecursionError, ValueError) as error:
        raise UserError(
            "the payload is nested too deeply or has a number that is too long", where=where
        ) from error
    if not isinstance(value, dict):
        raise UserError("the payload must be a JSON object", where=where, hint='such as {"action": "closed"}')
    return value


def _merged(below: Mapping[str, Value], above: Mapping[str, Value]) -> dict[str, Value]:
    """Both, mappings in depth; elsewhere `above` wins."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _at(value: Value, *keys: str) -> Value:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _text(value: Value, *keys: str) -> str:
    found = _at(value, *keys)
    return found if isinstance(found, str) else ""


def _commits(changes: Changes) -> tuple[CommitFacts, ...]:
    return tuple(
        CommitFacts(
            sha=commit.sha,
            tree=commit.tree,
            message=commit.message,
            timestamp=commit.committed_at,
            author_name=commit.author_name,
            author_email=commit.author_email,
        )
        for commit in changes.commits
    )
