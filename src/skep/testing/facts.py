"""Facts for tests: one run with a bit of everything, and its parts."""

from __future__ import annotations

from skep.events import facts as f
from skep.model.ids import JobKey, LegKey, StepId

NOON = 1_795_176_000.0  # 2026-11-20 12:00 UTC
BUILD = LegKey("ci.yml:build")
TEST = LegKey("ci.yml:test (3.11)")
LINT = LegKey("ci.yml:lint")
RUN_STEP = StepId("__run")


def run_started(run_id: str = "20261120T120000-0a1b2c", *, number: int = 1, at: float = NOON) -> f.RunStarted:
    """The first fact of a run."""
    return f.RunStarted(
        at=at,
        run_id=run_id,
        number=number,
        event="push",
        ref="refs/heads/main",
        sha="5f3c" * 10,
        root="/home/me/shop",
        argv=("run", "--event", "push"),
        pid=4711,
        version="0.1.0",
    )


def step_finished(
    leg: LegKey = BUILD, *, number: int = 1, at: float = NOON, log_end: int = 6
) -> f.StepFinished:
    """The end of one successful step of 1.5 s."""
    return f.StepFinished(
        at=at,
        leg=leg,
        step=RUN_STEP,
        number=number,
        name="Compile",
        outcome="success",
        conclusion="success",
        exit_code=0,
        cpu_s=0.5,
        peak_memory_bytes=1 << 20,
        duration_s=1.5,
        log_end=log_end,
    )


def run_body() -> list[f.Fact]:
    """What follows RunStarted: one workflow; of its jobs one succeeds, one fails in its step, one is
    skipped."""
    return [*_beginning(), *_good_job(), *_bad_job(), *_end()]


def _beginning() -> list[f.Fact]:
    return [
        f.WorkflowSkipped(
            at=NOON, path=".github/workflows/docs.yml", reason="no changed path matches `docs/**`"
        ),
        f.WorkflowStarted(
            at=NOON,
            workflow="ci.yml",
            path=".github/workflows/ci.yml",
            name="CI",
            run_name="",
            jobs=(JobKey("ci.yml:build"), JobKey("ci.yml:test"), JobKey("ci.yml:lint")),
            needs={"ci.yml:test": ("ci.yml:build",)},
        ),
        f.JobExpanded(at=NOON, job=JobKey("ci.yml:build"), legs=(BUILD,), names=("build",)),
        f.JobSkipped(
            at=NOON,
            job=JobKey("ci.yml:lint"),
            leg=LINT,
            name="lint",
            reason="`if` is false: github.event_name",
        ),
    ]


def _good_job() -> list[f.Fact]:
    return [
        f.JobStarted(
            at=NOON + 1, job=JobKey("ci.yml:build"), leg=BUILD, name="build", runs_on=("ubuntu-latest",)
        ),
        f.StepStarted(at=NOON + 1, leg=BUILD, step=RUN_STEP, number=1, name="Compile", log_offset=0),
        step_finished(at=NOON + 2.5),
        f.ArtifactStored(at=NOON + 3, leg=BUILD, name="wheel", size_bytes=1234, files=2, digest="sha256:00"),
        f.JobFinished(
            at=NOON + 3,
            job=JobKey("ci.yml:build"),
            leg=BUILD,
            name="build",
            outcome="success",
            conclusion="success",
            outputs={"version": "1.2"},
            duration_s=2.0,
            cpu_s=0.5,
        ),
    ]


def _bad_job() -> list[f.Fact]:
    return [
        f.JobExpanded(at=NOON + 3, job=JobKey("ci.yml:test"), legs=(TEST,), names=("test (3.11)",)),
        f.JobStarted(
            at=NOON + 3, job=JobKey("ci.yml:test"), leg=TEST, name="test (3.11)", runs_on=("ubuntu-latest",)
        ),
        f.StepStarted(at=NOON + 3, leg=TEST, step=RUN_STEP, number=1, name="Test", log_offset=0),
        f.Annotated(
            at=NOON + 4, leg=TEST, step=RUN_STEP, level="error", message="1 != 2", path="test_a.py", line=7
        ),
        f.SummaryWritten(at=NOON + 4, leg=TEST, step=RUN_STEP, markdown="# 1 failed"),
        f.StepFinished(
            at=NOON + 4,
            leg=TEST,
            step=RUN_STEP,
            number=1,
            name="Test",
            outcome="failure",
            conclusion="failure",
            exit_code=1,
            duration_s=1.0,
            log_end=26,
        ),
        f.JobFinished(
            at=NOON + 4,
            job=JobKey("ci.yml:test"),
            leg=TEST,
            name="test (3.11)",
            outcome="failure",
            conclusion="failure",
            duration_s=1.0,
        ),
    ]


def _end() -> list[f.Fact]:
    return [
        f.WorkflowFinished(at=NOON + 4, workflow="ci.yml", conclusion="failure"),
        f.RunFinished(at=NOON + 4, status="failure", duration_s=4.0, cpu_s=0.5),
    ]
