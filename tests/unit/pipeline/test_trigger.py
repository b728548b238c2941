"""Triggers from real repositories: refs, payloads and what a payload file changes."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from skep.model.errors import UserError
from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.values import TriggerFacts
from skep.pipeline.trigger import EVENTS, TriggerOptions, build_trigger, repository_facts
from skep.source.changes import NO_COMMIT, read_repository
from skep.source.git import Git
from unit.source.repositories import a_repository, commit, git, write

pytestmark = pytest.mark.usefixtures("no_git_settings")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = a_repository(tmp_path / "repo")
    git(root, "remote", "add", "origin", "https://github.com/mona/hello.git")
    commit(root, "a", message="first")
    git(root, "checkout", "-q", "-b", "topic")
    commit(root, "src/b", message="Add b\n\nIt was missing.")
    return root


def trigger(root: Path, event: str = "push", *, payload: object = None, **options: object) -> TriggerFacts:
    there = Git(str(root), os.environ)
    text = payload if isinstance(payload, str) else json.dumps(payload) if payload is not None else ""
    fields: dict[str, object] = {"event": event, "payload": text, "payload_path": "event.json", **options}
    return build_trigger(TriggerOptions(**fields), there, read_repository(there))  # type: ignore[arg-type]


def at(value: Value, *keys: str) -> Value:
    for key in keys:
        assert isinstance(value, Mapping)
        value = value[key]
    return value


def test_a_push_of_the_branch(root: Path) -> None:
    write(root, "untracked")
    facts = trigger(root)
    head, parent = git(root, "rev-parse", "HEAD"), git(root, "rev-parse", "HEAD^")
    assert (facts.event, facts.ref, facts.sha, facts.before) == ("push", "refs/heads/topic", head, parent)
    assert facts.changed_paths == ("src/b", "untracked")
    assert (facts.action, facts.base_ref, facts.head_ref) == ("", "", "")
    payload = facts.payload
    assert (at(payload, "after"), at(payload, "created")) == (head, False)
    assert at(payload, "head_commit", "message") == "Add b\n\nIt was missing."
    assert at(payload, "head_commit", "author", "email") == "ada@example.invalid"
    assert at(payload, "repository", "full_name") == "mona/hello"
    assert at(payload, "repository", "default_branch") == "main"
    assert at(payload, "pusher") == {"name": "Ada", "email": "ada@example.invalid"}
    assert at(payload, "sender", "login") == "Ada"


def test_a_push_of_a_tag(root: Path) -> None:
    git(root, "tag", "v1")
    assert trigger(root, ref="v1").ref == "refs/tags/v1"
    assert at(trigger(root, ref="v1").payload, "ref") == "refs/tags/v1"


def test_a_pull_request_into_a_base(root: Path) -> None:
    facts = trigger(root, "pull_request", base="main")
    main = git(root, "rev-parse", "main")
    assert (facts.ref, facts.base_ref, facts.head_ref) == ("refs/pull/1/merge", "main", "topic")
    assert (facts.action, facts.before, facts.changed_paths) == ("opened", "", ("src/b",))
    assert facts.sha == git(root, "rev-parse", "HEAD")
    request = at(facts.payload, "pull_request")
    assert (at(request, "title"), at(request, "base", "sha"), at(request, "commits")) == ("Add b", main, 1)
    assert at(request, "head", "repo", "full_name") == "mona/hello"


def test_a_pull_request_target_runs_on_the_base(root: Path) -> None:
    facts = trigger(root, "pull_request_target")
    assert (facts.ref, facts.sha) == ("refs/heads/main", git(root, "rev-parse", "main"))
    assert (facts.base_ref, facts.head_ref) == ("main", "topic")


def test_a_payload_is_laid_over_and_read_back(root: Path) -> None:
    payload = {"action": "closed", "number": 7, "pull_request": {"merged": True, "labels": [{"name": "x"}]}}
    facts = trigger(root, "pull_request", payload=payload)
    assert (facts.action, facts.ref) == ("closed", "refs/pull/7/merge")
    request = at(facts.payload, "pull_request")
    assert (at(request, "merged"), at(request, "state"), at(request, "number")) == (True, "closed", 7)
    assert at(request, "labels") == [{"name": "x"}]
    assert at(request, "head", "ref") == "topic"


def test_a_payload_may_name_the_base_and_the_head(root: Path) -> None:
    facts = trigger(
        root, "pull_request", payload={"pull_request": {"base": {"ref": "main"}, "head": {"ref": "fork"}}}
    )
    assert (facts.base_ref, facts.head_ref, facts.changed_paths) == ("main", "fork", ("src/b",))
    elsewhere = trigger(root, "pull_request", payload={"pull_request": {"base": {"ref": "gone"}}})
    assert (elsewhere.base_ref, elsewhere.changed_paths) == ("gone", None)


def test_a_payload_may_name_the_pushed_ref(root: Path) -> None:
    assert trigger(root, payload={"ref": "refs/tags/v9"}).ref == "refs/tags/v9"


def test_the_type_of_an_event_is_given_behind_a_colon(root: Path) -> None:
    assert trigger(root, "pull_request:closed").action == "closed"
    assert at(trigger(root, "release:created").payload, "action") == "created"


def test_dispatch_inputs_come_from_options_over_the_payload(root: Path) -> None:
    facts = trigger(
        root,
        "workflow_dispatch",
        payload={"inputs": {"a": True, "b": 2, "c": "x"}},
        inputs={"c": "y", "d": "z"},
    )
    assert facts.inputs == {"a": "true", "b": "2", "c": "y", "d": "z"}
    assert facts.ref == "refs/heads/topic"


def test_a_schedule_runs_on_the_default_branch(root: Path) -> None:
    facts = trigger(root, "schedule", cron="0 5 * * 1")
    assert (facts.ref, facts.schedule, at(facts.payload, "schedule")) == (
        "refs/heads/main",
        "0 5 * * 1",
        "0 5 * * 1",
    )
    assert trigger(root, "schedule").schedule == ""


def test_a_merge_group_queues_the_branch_for_its_base(root: Path) -> None:
    facts = trigger(root, "merge_group", base="main")
    assert facts.ref.startswith("refs/heads/gh-readonly-queue/main/pr-1-")
    assert (facts.base_ref, facts.action) == ("main", "checks_requested")
    assert at(facts.payload, "merge_group", "base_ref") == "refs/heads/main"
    assert at(facts.payload, "merge_group", "head_sha") == facts.sha


def test_a_workflow_run_is_named_by_the_payload(root: Path) -> None:
    facts = trigger(root, "workflow_run", payload={"workflow_run": {"name": "CI", "conclusion": "failure"}})
    assert (facts.workflow_name, facts.action, facts.ref) == ("CI", "completed", "refs/heads/main")
    run = at(facts.payload, "workflow_run")
    assert (at(run, "conclusion"), at(run, "head_branch")) == ("failure", "topic")


def test_a_release_is_of_a_tag(root: Path) -> None:
    assert trigger(root, "release").ref == "refs/tags/v0.0.0"
    git(root, "tag", "v2")
    facts = trigger(root, "release")
    assert (facts.ref, at(facts.payload, "release", "tag_name"), facts.action) == (
        "refs/tags/v2",
        "v2",
        "published",
    )
    assert trigger(root, "release", payload={"release": {"tag_name": "v3"}}).ref == "refs/tags/v3"


def test_a_repository_dispatch_has_the_type_of_its_payload(root: Path) -> None:
    facts = trigger(root, "repository_dispatch", payload={"action": "deploy", "client_payload": {"x": 1}})
    assert (facts.action, at(facts.payload, "client_payload")) == ("deploy", {"x": 1})


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_trigger(root: Path, event: str) -> None:
    facts = trigger(root, event)
    assert facts.event == event
    assert facts.ref.startswith("refs/")
    assert len(facts.sha) == 40
    assert at(facts.payload, "repository", "full_name") == "mona/hello"
    json.dumps(facts.payload)


@pytest.mark.parametrize("event", ["push", "pull_request", "merge_group", "release", "schedule"])
def test_a_folder_outside_of_git_has_a_trigger_too(tmp_path: Path, event: str) -> None:
    facts = trigger(tmp_path, event)
    assert (facts.sha, facts.changed_paths) == (NO_COMMIT, None)
    assert facts.ref.startswith("refs/")


def test_an_empty_repository_has_a_trigger(tmp_path: Path) -> None:
    root = a_repository(tmp_path / "new")
    write(root, "a")
    facts = trigger(root)
    assert (facts.sha, facts.before, facts.changed_paths) == (NO_COMMIT, NO_COMMIT, ("a",))
    assert (at(facts.payload, "commits"), at(facts.payload, "head_commit")) == ([], None)
    assert trigger(root, "pull_request").changed_paths is None


def test_commits_are_listed_oldest_first_and_bounded(root: Path) -> None:
    git(root, "branch", "-q", "--set-upstream-to=main")
    for number in range(25):
        commit(root, f"f{number}", message=f"number {number}")
    facts = trigger(root)
    commits = at(facts.payload, "commits")
    assert isinstance(commits, list)
    assert [at(one, "message") for one in commits][-2:] == ["number 23", "number 24"]
    assert len(commits) == 20
    assert at(facts.payload, "head_commit", "message") == "number 24"


@pytest.mark.parametrize(
    ("payload", "message", "line", "column"),
    [
        ('{"a": 1,\n "b" 2}', "the payload is not JSON", 2, 6),
        ("", None, 0, 0),
        ("[1]", "the payload must be a JSON object", 0, 0),
        ('"x"', "the payload must be a JSON object", 0, 0),
        ("[" * 100_000, "nested too deeply", 0, 0),
        ('{"a": ' + "1" * 5000 + "}", "a number that is too long", 0, 0),
    ],
)
def test_a_payload_that_is_no_object_is_refused_with_its_place(
    root: Path, payload: str, message: str | None, line: int, column: int
) -> None:
    if message is None:
        assert trigger(root, payload=payload).event == "push"
        return
    with pytest.raises(UserError) as raised:
        trigger(root, payload=payload)
    assert message in str(raised.value)
    where = raised.value.where
    assert where is not None
    assert (where.path, where.line, where.column) == ("event.json", line, column)


@pytest.mark.parametrize(
    ("event", "hint"),
    [("pull_reqest", "did you mean `pull_request`?"), ("workflow_call", "run the workflow that calls it")],
)
def test_an_unknown_event_is_refused(root: Path, event: str, hint: str) -> None:
    with pytest.raises(UserError) as raised:
        trigger(root, event)
    assert raised.value.hint == hint


def test_a_base_that_does_not_exist_is_refused(root: Path) -> None:
    with pytest.raises(UserError, match="`mian`"):
        trigger(root, "pull_request", base="mian")


def test_repository_facts_for_the_github_context(root: Path) -> None:
    facts = repository_facts(read_repository(Git(str(root), os.environ)))
    assert (facts.repository, facts.owner, facts.actor, facts.root) == (
        "mona/hello",
        "mona",
        "Ada",
        str(root),
    )
