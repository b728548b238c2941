"""Choosing workflows, jobs and legs."""

import pytest

from skep.model.errors import UserError
from skep.pipeline.plan.build import build_plan
from skep.pipeline.plan.select import leg_selected, select_jobs
from skep.pipeline.plan.values import MatrixLeg, Plan

from .building import a_repository, a_trigger, a_workflow

STEPS = "runs-on: x, steps: [{run: 'true'}]"
CI = f"""
name: Build and test
on: push
jobs:
  lint: {{{STEPS}}}
  build: {{{STEPS}}}
  test: {{needs: [build], {STEPS}}}
  deploy: {{needs: [test, lint], {STEPS}}}
"""
DOCS = f"on: push\njobs:\n  build: {{{STEPS}}}\n"


@pytest.fixture
def plan() -> Plan:
    workflows = [
        a_workflow(CI),
        a_workflow(DOCS, ".github/workflows/docs.yaml"),
        a_workflow("on: issues\n", ".github/workflows/triage.yml"),
    ]
    return build_plan(workflows, a_trigger(), a_repository(), run_id="1", run_number=1)


def jobs_of(plan: Plan) -> dict[str, list[str]]:
    return {item.key: [job.id for job in item.workflow.jobs] for item in plan.workflows}


def test_without_a_choice_all_stays(plan: Plan) -> None:
    assert select_jobs(plan) is plan


@pytest.mark.parametrize(
    "name", ["ci.yml", "ci", ".github/workflows/ci.yml", "./.github/workflows/ci.yml", "Build and test"]
)
def test_a_workflow_is_chosen_by_file_path_or_name(plan: Plan, name: str) -> None:
    chosen = select_jobs(plan, workflows=[name])
    assert list(jobs_of(chosen)) == ["ci.yml"]
    reasons = {decision.path: decision.reason for decision in chosen.decisions if not decision.starts}
    assert reasons[".github/workflows/docs.yaml"] == "not selected by `--workflow`"


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        (["test"], {"ci.yml": ["build", "test"]}),
        (["deploy"], {"ci.yml": ["lint", "build", "test", "deploy"]}),
        (["LINT"], {"ci.yml": ["lint"]}),
        (["build"], {"ci.yml": ["build"], "docs.yaml": ["build"]}),
        (["docs.yaml:build"], {"docs.yaml": ["build"]}),
        (["docs:build", "lint"], {"ci.yml": ["lint"], "docs.yaml": ["build"]}),
    ],
)
def test_a_job_comes_with_all_it_needs(plan: Plan, jobs: list[str], expected: dict[str, list[str]]) -> None:
    assert jobs_of(select_jobs(plan, jobs=jobs)) == expected


@pytest.mark.parametrize(
    ("workflows", "jobs", "message", "hint"),
    [
        (["cy.yml"], [], "there is no workflow `cy.yml`", "did you mean `ci.yml`?"),
        ([], ["tets"], "there is no job `tets` in what `push` starts", "did you mean `test`?"),
        (["docs.yaml"], ["deploy"], "there is no job `deploy` in what `push` starts", "known: `build`"),
        (
            ["triage.yml"],
            ["job"],
            "there is no job `job`: `push` starts no workflow",
            "it does not listen to `push`",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    plan: Plan, workflows: list[str], jobs: list[str], message: str, hint: str
) -> None:
    with pytest.raises(UserError) as raised:
        select_jobs(plan, workflows=workflows, jobs=jobs)
    assert str(raised.value) == message
    assert hint in raised.value.hint


def test_a_known_workflow_that_does_not_start_leaves_an_explained_empty_plan(plan: Plan) -> None:
    chosen = select_jobs(plan, workflows=["triage.yml"])
    assert chosen.workflows == ()
    assert all(not decision.starts for decision in chosen.decisions)


def test_findings_of_what_was_not_chosen_go() -> None:
    bad = "on: push\nrun-name: ${{ fromJSON(github.nothing) }}\n"
    workflows = [a_workflow(CI), a_workflow(bad, ".github/workflows/bad.yml")]
    plan = build_plan(workflows, a_trigger(), a_repository(), run_id="1", run_number=1)
    assert len(plan.findings) == 1
    assert select_jobs(plan, workflows=["ci.yml"]).findings == ()
    assert select_jobs(plan, jobs=["lint"]).findings == ()
    assert len(select_jobs(plan, workflows=["bad.yml"]).findings) == 1


@pytest.mark.parametrize(
    ("wanted", "selected"),
    [
        ({}, True),
        ({"os": ["linux"]}, True),
        ({"OS": ["LINUX"]}, True),
        ({"os": ["mac", "linux"], "v": ["3"]}, True),
        ({"os": ["mac"]}, False),
        ({"v": ["3.0"]}, False),
        ({"other": ["x"]}, True),
    ],
)
def test_a_leg_is_chosen_by_the_values_it_has(wanted: dict[str, list[str]], selected: bool) -> None:
    assert leg_selected(MatrixLeg(index=0, values={"os": "linux", "v": 3}, suffix=""), wanted) is selected
