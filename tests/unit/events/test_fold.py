"""The facts of a run folded into what a reader sees."""

import pytest

from skep.events.facts import Fact, JobExpanded, RunFinished, StepStarted
from skep.events.fold import RunView, fold
from skep.events.journal import OpaqueFact
from skep.model.ids import JobKey, LegKey
from skep.testing.facts import BUILD, LINT, NOON, RUN_STEP, TEST, run_body, run_started


def whole() -> list[Fact]:
    return [run_started(), *run_body()]


def up_to(kind: type[Fact], *, leg: str | None = None) -> list[Fact]:
    """The facts before the first of a kind."""
    facts = whole()
    index = next(
        i for i, one in enumerate(facts) if isinstance(one, kind) and getattr(one, "leg", leg) == leg
    )
    return facts[:index]


def statuses(view: RunView) -> dict[str, str]:
    return {job.leg: job.status for job in view.jobs}


def test_a_finished_run_shows_how_everything_ended() -> None:
    view = fold(whole(), alive=False)
    assert (view.status, view.duration_s, view.finished_at) == ("failure", 4.0, NOON + 4)
    assert statuses(view) == {BUILD: "success", TEST: "failure", LINT: "skipped"}
    assert [(one.key, one.status, one.jobs) for one in view.workflows] == [
        ("ci.yml", "failure", ("ci.yml:build", "ci.yml:test", "ci.yml:lint"))
    ]
    assert [one.path for one in view.skipped_workflows] == [".github/workflows/docs.yml"]


def test_a_step_carries_its_log_range_and_what_it_used() -> None:
    (build,) = (job for job in fold(whole(), alive=False).jobs if job.leg == BUILD)
    (step,) = build.steps
    assert (step.log_offset, step.log_end, step.duration_s, step.cpu_s) == (0, 6, 1.5, 0.5)
    assert (step.status, step.exit_code, step.started_at) == ("success", 0, NOON + 1)
    assert build.outputs == {"version": "1.2"}


def test_annotations_summaries_and_artifacts_are_kept_in_order() -> None:
    view = fold(whole(), alive=False)
    assert [one.message for one in view.annotations] == ["1 != 2"]
    assert [one.markdown for one in view.summaries] == ["# 1 failed"]
    assert [one.name for one in view.artifacts] == ["wheel"]


@pytest.mark.parametrize(("alive", "expected"), [(True, "running"), (False, "interrupted")])
def test_a_run_without_an_end_is_running_or_interrupted(alive: bool, expected: str) -> None:
    view = fold(up_to(RunFinished), alive=alive)
    assert view.status == expected
    assert (view.finished_at is None) == alive


@pytest.mark.parametrize(("alive", "expected"), [(True, "running"), (False, "interrupted")])
def test_what_had_begun_when_skep_died_is_interrupted_too(alive: bool, expected: str) -> None:
    facts = [
        *up_to(StepStarted, leg=TEST),
        StepStarted(at=NOON + 9, leg=TEST, step=RUN_STEP, number=1, name="T", log_offset=3),
    ]
    view = fold(facts, alive=alive)
    (test,) = (job for job in view.jobs if job.leg == TEST)
    assert (test.status, test.steps[0].status, test.steps[0].log_end) == (expected, expected, None)
    assert view.workflows[0].status == expected
    assert statuses(view)[BUILD] == "success"
    assert view.duration_s == 9.0


def test_an_expanded_leg_is_queued_until_it_starts() -> None:
    other = LegKey("ci.yml:e2e")
    view = fold(
        [run_started(), JobExpanded(at=NOON, job=JobKey(other), legs=(other,), names=("e2e",))], alive=True
    )
    assert statuses(view) == {other: "queued"}


def test_a_fact_nobody_knows_changes_nothing() -> None:
    strange = OpaqueFact(at=NOON, name="job_dreamt", fields={"leg": BUILD})
    assert fold([run_started(), strange, *run_body()], alive=False) == fold(whole(), alive=False)


def test_a_journal_without_its_first_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="run_started"):
        fold(run_body(), alive=False)
