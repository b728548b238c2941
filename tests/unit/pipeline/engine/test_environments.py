"""Protected environments, and legs that need not run again."""

from __future__ import annotations

from pathlib import Path

from skep.events.facts import Deployed, EnvironmentJudged, JobFinished, JobReused, JobSkipped
from skep.model.ids import JobKey, LegKey
from skep.model.outcome import RunStatus
from skep.pipeline.engine.services import CancelTiming, RunOptions

from .engine_runs import FakeApprovals, job, run_workflow

QUICK = CancelTiming(after_interrupt_s=0.01, after_terminate_s=0.01)
DEPLOY = """
on: push
jobs:
  stage: {runs-on: x, environment: staging, steps: [{run: stage}]}
  produce:
    needs: stage
    runs-on: x
    environment: {name: "${{ github.event_name }}-production", url: https://example.invalid}
    steps: [{run: produce}]
  notify: {needs: produce, if: always(), runs-on: x, steps: [{run: "notify ${{ needs.produce.result }}"}]}
"""


def test_a_job_asks_before_it_deploys(tmp_path: Path) -> None:
    approvals = FakeApprovals("staging", "push-production")
    ran = run_workflow(tmp_path, DEPLOY, approvals=approvals)

    assert ran.status is RunStatus.SUCCESS
    assert approvals.asked == [("staging", "stage"), ("push-production", "produce")]
    assert ran.scripts() == ["stage", "produce", "notify success"]
    assert [(fact.environment, fact.approved, fact.by) for fact in ran.sink.of(EnvironmentJudged)] == [
        ("staging", True, "test"),
        ("push-production", True, "test"),
    ]
    assert [(fact.environment, fact.url, fact.outcome) for fact in ran.sink.of(Deployed)] == [
        ("staging", "", "success"),
        ("push-production", "https://example.invalid", "success"),
    ]


def test_what_nobody_approves_does_not_run_and_the_run_says_how_to_approve(tmp_path: Path) -> None:
    ran = run_workflow(tmp_path, DEPLOY, approvals=FakeApprovals("staging"))

    assert ran.status is RunStatus.UNAPPROVED
    assert ran.scripts() == ["stage", "notify cancelled"]
    assert "--approve push-production" in ran.sink.of(JobSkipped)[0].reason
    assert [fact.approved for fact in ran.sink.of(EnvironmentJudged)] == [True, False]


def test_a_failure_outweighs_a_missing_approval(tmp_path: Path) -> None:
    from skep.testing.runners import Scripted

    ran = run_workflow(
        tmp_path, DEPLOY, script=lambda start: Scripted(exit_code=int("notify" in start.script))
    )

    assert ran.status is RunStatus.FAILURE


def finished(leg: str, **outputs: str) -> JobFinished:
    return JobFinished(
        at=1.0,
        job=JobKey(leg.partition(" ")[0]),
        leg=LegKey(leg),
        name=leg,
        outcome="success",
        conclusion="success",
        outputs=outputs,
    )


RERUN = """
on: push
jobs:
  build: {runs-on: x, outputs: {v: "${{ steps.s.outputs.v }}"}, steps: [{id: s, run: build}]}
  test:
    needs: build
    runs-on: x
    strategy: {matrix: {n: [1, 2]}}
    steps: [{run: "test ${{ matrix.n }} ${{ needs.build.outputs.v }}"}]
  lint: {runs-on: x, steps: [{run: lint}]}
  report: {needs: [test, lint], runs-on: x, steps: [{run: report}]}
"""


def test_only_what_did_not_succeed_and_what_depends_on_it_runs_again(tmp_path: Path) -> None:
    legs = [
        finished("w.yml:build", v="42"),
        finished("w.yml:test (1)"),
        finished("w.yml:lint"),
        finished("w.yml:report"),
    ]
    options = RunOptions(reused={leg.leg: leg for leg in legs}, cancel_timing=QUICK)
    ran = run_workflow(tmp_path, RERUN, options=options)

    assert ran.scripts() == ["test 2 42", "report"]
    assert {fact.leg for fact in ran.sink.of(JobReused)} == {"w.yml:build", "w.yml:test (1)", "w.yml:lint"}
    assert ran.status is RunStatus.SUCCESS


def test_a_job_that_ran_anew_renews_all_that_stands_on_it(tmp_path: Path) -> None:
    legs = [
        finished("w.yml:test (1)"),
        finished("w.yml:test (2)"),
        finished("w.yml:lint"),
        finished("w.yml:report"),
    ]
    options = RunOptions(reused={leg.leg: leg for leg in legs}, cancel_timing=QUICK)
    ran = run_workflow(tmp_path, RERUN, options=options)

    assert sorted(ran.scripts()) == ["build", "report", "test 1", "test 2"]


def test_job_timeouts_and_an_environment_without_a_name_need_nothing(tmp_path: Path) -> None:
    approvals = FakeApprovals()
    ran = run_workflow(tmp_path, job("environment: ${{ vars.NONE }}\nsteps: [{run: x}]"), approvals=approvals)

    assert (ran.status, approvals.asked) == (RunStatus.SUCCESS, [])
