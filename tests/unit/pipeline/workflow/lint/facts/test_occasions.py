"""What is held for certain on a trigger is what the plan's own contexts say when it comes."""

from __future__ import annotations

import pytest

from skep.pipeline.expressions.values import Value, is_truthy
from skep.pipeline.plan.contexts import github_context
from skep.pipeline.plan.payloads import (
    CommitFacts,
    issue_comment_payload,
    issues_payload,
    merge_group_payload,
    plain_payload,
    pull_request_payload,
    push_payload,
    release_payload,
    review_payload,
    workflow_run_payload,
)
from skep.pipeline.plan.payloads import Occasion as PayloadFacts
from skep.pipeline.plan.values import RepositoryFacts, TriggerFacts
from skep.pipeline.workflow.lint.facts.occasions import occasions
from skep.pipeline.workflow.lint.facts.possible import Possible

from .reading import workflow_of

REPOSITORY = RepositoryFacts(repository="o/p", owner="o", actor="me", default_branch="main", root="/")
PAYLOADS = {
    "push": push_payload,
    "pull_request": pull_request_payload,
    "pull_request_target": pull_request_payload,
    "pull_request_review": review_payload,
    "merge_group": merge_group_payload,
    "workflow_run": workflow_run_payload,
    "release": release_payload,
    "issues": issues_payload,
    "issue_comment": issue_comment_payload,
    "schedule": plain_payload,
    "workflow_dispatch": plain_payload,
}
REFS = {
    "pull_request": "refs/pull/7/merge",
    "pull_request_review": "refs/pull/7/merge",
    "release": "refs/tags/v1",
    "merge_group": "refs/heads/gh-readonly-queue/main/pr-7",
}

RICHER_THAN_GITHUB = {
    ("pull_request_review", "github.event.comment")
}  # one payload serves reviews and their comments


def _context(event: str, action: str, ref: str) -> dict[str, Value]:
    of_pull = event in ("pull_request", "pull_request_target")
    facts = PayloadFacts(
        repository=REPOSITORY,
        sha="1" * 40,
        branch="topic",
        ref=ref,
        base="main",
        action=action,
        number=7,
        before="0" * 40,
        base_sha="2" * 40,
        commits=(
            CommitFacts(
                sha="1" * 40, tree="3" * 40, message="m", timestamp="t", author_name="a", author_email="e"
            ),
        ),
        changed_files=1,
        email="e",
        schedule="0 4 * * *" if event == "schedule" else "",
    )
    trigger = TriggerFacts(
        event=event,
        ref=ref,
        sha="1" * 40,
        payload=PAYLOADS[event](facts),
        base_ref="main" if of_pull else "",
        head_ref="topic" if of_pull else "",
        action=action,
    )
    workflow = workflow_of("on: push\njobs: {a: {runs-on: x, steps: [{run: y}]}}")
    github = github_context(trigger, REPOSITORY, workflow, run_id="1", run_number=1)
    return {"github": github, "inputs": {}}


def _at(value: Value, path: str) -> Value:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _agrees(told: Possible, actual: Value) -> bool:
    if told.known:
        return told.value == actual
    if told.beginning:
        return isinstance(actual, str) and actual.lower().startswith(told.beginning)
    return told.truth is None or told.truth is is_truthy(actual)


@pytest.mark.parametrize("event", sorted(PAYLOADS))
def test_what_is_certain_of_an_event_is_true_of_its_payload(event: str) -> None:
    action = {"push": "", "schedule": "", "workflow_dispatch": ""}.get(event, "opened")
    on = "{schedule: [{cron: '0 4 * * *'}]}" if event == "schedule" else f"[{event}]"
    ref = REFS.get(event, "refs/heads/main")
    context = _context(event, action, ref)
    found = occasions(workflow_of(f"on: {on}\njobs: {{a: {{runs-on: x, steps: [{{run: y}}]}}}}"))
    ways = [way for way in found if _agrees(way.knowledge.at(("github", "ref")), ref)]
    assert ways
    for way in ways:
        wrong = {
            path: told
            for path, told in way.knowledge.values.items()
            if not _agrees(told, _at(context, path)) and (event, path) not in RICHER_THAN_GITHUB
        }
        assert wrong == {}


@pytest.mark.parametrize(
    ("on", "labels"),
    [
        ("push", ["`push` to a branch", "`push` of a tag"]),
        ("{push: {branches: [main]}}", ["`push` to `main`"]),
        ("{push: {branches: [main, 'release/**']}}", ["`push`"]),
        ("{push: {branches: [main, next]}}", ["`push` to `main`", "`push` to `next`"]),
        ("{push: {tags: ['v*']}}", ["`push` of a tag"]),
        ("{push: {branches: [main], tags: ['v*']}}", ["`push` to `main`", "`push` of a tag"]),
        ("{push: {branches-ignore: [x]}}", ["`push`"]),
        ("[pull_request, workflow_dispatch]", ["`pull_request`", "`workflow_dispatch`"]),
        ("{pull_request: {branches: [main]}}", ["`pull_request` against `main`"]),
        (
            "{pull_request: {types: [opened, closed]}}",
            ["`pull_request` of type `opened`", "`pull_request` of type `closed`"],
        ),
        ("{schedule: [{cron: '0 4 * * *'}]}", ["`schedule` at `0 4 * * *`"]),
        ("workflow_call", ["`workflow_call`"]),
    ],
)
def test_an_occasion_is_told_by_what_starts_it(on: str, labels: list[str]) -> None:
    workflow = workflow_of(f"on: {on}\njobs: {{a: {{runs-on: x, steps: [{{run: y}}]}}}}")
    assert [way.label for way in occasions(workflow)] == labels


def test_nothing_is_known_of_a_call() -> None:
    workflow = workflow_of("on: workflow_call\njobs: {a: {runs-on: x, steps: [{run: y}]}}")
    assert [dict(way.knowledge.values) for way in occasions(workflow)] == [{}]


def test_very_many_branches_are_not_told_apart() -> None:
    branches = ", ".join(f"b{number}" for number in range(40))
    workflow = workflow_of(
        f"on: {{push: {{branches: [{branches}]}}}}\njobs: {{a: {{runs-on: x, steps: [{{run: y}}]}}}}"
    )
    assert [way.label for way in occasions(workflow)] == ["`push`"]
