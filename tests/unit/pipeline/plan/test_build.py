"""The plan: what starts, with which contexts, inputs and run name."""

import pytest

from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.build import build_plan
from skep.pipeline.plan.contexts import github_context
from skep.pipeline.plan.values import Plan, TriggerFacts
from skep.pipeline.workflow.tree import Workflow

from .building import JOBS, a_repository, a_trigger, a_workflow

DISPATCH = "on: {workflow_dispatch: {inputs: {flag: {type: boolean, required: true}, n: {type: number, default: 2}}}}"


def plan(
    *workflows: Workflow, trigger: TriggerFacts | None = None, variables: dict[str, str] | None = None
) -> Plan:
    return build_plan(
        workflows, trigger or a_trigger(), a_repository(), run_id="77", run_number=5, variables=variables
    )


def test_workflows_that_start_are_planned_and_the_others_explained() -> None:
    starts = a_workflow("name: CI\non: push\n")
    waits = a_workflow("on: issues\n", ".github/workflows/triage.yml")
    made = plan(starts, waits)
    assert [item.key for item in made.workflows] == ["ci.yml"]
    assert [(one.path, one.starts) for one in made.decisions] == [
        (".github/workflows/ci.yml", True),
        (".github/workflows/triage.yml", False),
    ]
    assert made.findings == ()


def test_the_github_context_has_every_documented_field() -> None:
    trigger = a_trigger(
        "pull_request", ref="refs/pull/7/merge", base_ref="main", head_ref="topic", payload={"number": 7}
    )
    workflow = a_workflow("name: CI\non: pull_request\n")
    context = github_context(trigger, a_repository(), workflow, run_id="77", run_number=5, token="t")
    assert context == {
        "token": "t",
        "ref": "refs/pull/7/merge",
        "ref_name": "7/merge",
        "ref_type": "branch",
        "ref_protected": False,
        "sha": "a" * 40,
        "repository": "mona/hello",
        "repository_id": "0",
        "repository_owner": "mona",
        "repository_owner_id": "0",
        "repositoryUrl": "git://github.com/mona/hello.git",
        "repository_visibility": "private",
        "run_id": "77",
        "run_number": "5",
        "run_attempt": "1",
        "retention_days": "90",
        "actor": "ada",
        "actor_id": "0",
        "triggering_actor": "ada",
        "workflow": "CI",
        "workflow_ref": "mona/hello/.github/workflows/ci.yml@refs/pull/7/merge",
        "workflow_sha": "a" * 40,
        "head_ref": "topic",
        "base_ref": "main",
        "event_name": "pull_request",
        "event": {"number": 7},
        "server_url": "https://github.com",
        "api_url": "https://api.github.com",
        "graphql_url": "https://api.github.com/graphql",
        "secret_source": "Actions",
    }


@pytest.mark.parametrize(
    ("ref", "name", "kind"),
    [
        ("refs/heads/feature/a", "feature/a", "branch"),
        ("refs/tags/v1", "v1", "tag"),
        ("refs/pull/3/merge", "3/merge", "branch"),
        ("main", "main", "branch"),
    ],
)
def test_a_ref_has_a_short_name_and_a_type(ref: str, name: str, kind: str) -> None:
    context = github_context(
        a_trigger(ref=ref), a_repository(), a_workflow("on: push\n"), run_id="1", run_number=1
    )
    assert (context["ref_name"], context["ref_type"]) == (name, kind)


def test_dispatch_inputs_are_typed_in_inputs_and_texts_in_the_event() -> None:
    made = plan(a_workflow(DISPATCH), trigger=a_trigger("workflow_dispatch", inputs={"flag": "true"}))
    (item,) = made.workflows
    assert item.inputs == {"flag": True, "n": 2}
    assert item.github["event"] == {"inputs": {"flag": "true", "n": "2"}}
    assert made.findings == ()


def test_an_input_of_another_started_workflow_is_not_unknown_here() -> None:
    other = a_workflow("on: {workflow_dispatch: {inputs: {x: {type: string}}}}", ".github/workflows/b.yml")
    inputs = {"flag": "true", "x": "1"}
    assert (
        plan(a_workflow(DISPATCH), other, trigger=a_trigger("workflow_dispatch", inputs=inputs)).findings
        == ()
    )
    inputs["y"] = "1"
    findings = plan(
        a_workflow(DISPATCH), other, trigger=a_trigger("workflow_dispatch", inputs=inputs)
    ).findings
    assert [(finding.rule, finding.where.path) for finding in findings] == [
        ("input-unknown", ".github/workflows/ci.yml"),
        ("input-unknown", ".github/workflows/b.yml"),
    ]


HEAD: dict[str, Value] = {"head_commit": {"message": "Fix it\n\nBecause."}}


@pytest.mark.parametrize(
    ("text", "trigger", "expected"),
    [
        ("name: CI\non: push\n", a_trigger(payload=HEAD), "Fix it"),
        ("name: CI\non: push\n", a_trigger(), "CI"),
        ("on: push\n", a_trigger(payload={"head_commit": None}), ".github/workflows/ci.yml"),
        ("on: pull_request\n", a_trigger("pull_request", payload={"pull_request": {"title": "Add"}}), "Add"),
        ("on: push\nrun-name: by ${{ github.actor }} ${{ vars.v }}\n", a_trigger(), "by ada 1"),
        ("name: CI\non: push\nrun-name: ${{ github.event.nothing }}\n", a_trigger(), "CI"),
        ("name: N\non: schedule\n", a_trigger("schedule"), "N"),
    ],
)
def test_a_run_is_named(text: str, trigger: TriggerFacts, expected: str) -> None:
    if "schedule" in text:
        text = "name: N\non: {schedule: [{cron: '0 5 * * *'}]}\n"
    (item,) = plan(a_workflow(text), trigger=trigger, variables={"v": "1"}).workflows
    assert item.run_name == expected


def test_a_run_name_that_cannot_be_evaluated_is_found_at_its_place() -> None:
    made = plan(a_workflow("on: push\nrun-name: x ${{ fromJSON(github.nothing) }}\n"))
    (finding,) = made.findings
    assert (finding.rule, finding.where.line) == ("run-name", 2)
    assert made.workflows[0].run_name == ".github/workflows/ci.yml"


def test_a_schedule_tells_each_workflow_the_line_that_fired() -> None:
    text = "on: {schedule: [{cron: '0 5 * * 1'}, {cron: '0 6 * * 1'}]}"
    (first,) = plan(a_workflow(text), trigger=a_trigger("schedule")).workflows
    (second,) = plan(a_workflow(text), trigger=a_trigger("schedule", schedule="0 6 * * 1")).workflows
    assert first.github["event"] == {"schedule": "0 5 * * 1"}
    assert second.github["event"] == {"schedule": "0 6 * * 1"}


def test_workflow_keys_are_unique_in_a_run() -> None:
    made = plan(a_workflow("on: push\n", "a/ci.yml"), a_workflow("on: push\n", "b/ci.yml"))
    assert [item.key for item in made.workflows] == ["ci.yml", "b/ci.yml"]


def test_five_hundred_workflows_are_planned() -> None:
    text = f"on: {{push: {{branches: [main], paths: ['src/{{0}}/**', '!**/*.md']}}}}\n{JOBS}"
    workflows = [
        a_workflow(
            text.replace("{{0}}", "{0}").replace("{0}", str(number)), f".github/workflows/w{number}.yml"
        )
        for number in range(500)
    ]
    changed = tuple(f"src/{number}/a.py" for number in range(0, 500, 2))
    made = plan(*workflows, trigger=a_trigger(changed_paths=changed))
    assert len(made.decisions) == 500
    assert len(made.workflows) == 250
