"""From one job or step of a run to what it is due to, link by link, down to the root cause. Pure; part of `why`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from skep.events.clauses import (
    CANCELLED,
    FAILURE,
    NO_REASON,
    SKIPPED,
    SUCCESS,
    blames_needs,
    blames_status,
    failed_before,
    failed_how,
    plain_clause,
    step_clause,
    step_name,
)
from skep.events.explanation import Cause, Explanation
from skep.events.fold import INTERRUPTED, QUEUED, RUNNING, JobView, RunView, StepView

UNSUPPORTED = "unsupported"
RANK = {FAILURE: 0, INTERRUPTED: 1, CANCELLED: 2, UNSUPPORTED: 3, RUNNING: 4, QUEUED: 5, SKIPPED: 6}
"""How much a status wants to be looked at; the lower, the more."""
_STOPPED = (RUNNING, INTERRUPTED, CANCELLED)
_MAX_ANNOTATIONS = 3


class Chain:
    """From one job or step to what it is due to. A job is visited once: needs have no circle, but a journal may be damaged."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._seen: set[str] = set()
        self._needs = {key: needs for one in view.workflows for key, needs in one.needs.items()}
        self._called: dict[str, list[str]] = {}  # job -> the jobs that stand for it
        for call in view.calls:
            self._called.setdefault(call.job, []).extend(call.jobs)

    def of_job(self, job: JobView) -> Explanation:
        """Why the leg ended as it did."""
        self._seen.add(job.leg)
        own = Explanation(kind="job", key=job.leg, name=job.name, status=job.status, sentence="")
        clause, rest = self._job_clause(job)
        sentence = f"`{self._title(job)}` {clause}" + (f" {rest.sentence}" if rest else "")
        if rest is None:
            stopped = next((one for one in job.steps if one.status in _STOPPED), None)
            return replace(
                own, sentence=sentence, because=job.because, job=job if job.started_at else None, step=stopped
            )
        return replace(rest, kind="job", key=job.leg, name=job.name, status=job.status, sentence=sentence)

    def of_step(self, job: JobView, step: StepView) -> Explanation:
        """Why the step ended as it did."""
        blamed = failed_before(job, step) if step.status == SKIPPED and blames_status(step) else None
        sentence = f"`{step.name}` of `{self._title(job)}` {step_clause(step)}"
        own = Explanation(
            kind="step",
            key=step.step,
            name=step.name,
            status=step.status,
            sentence=sentence,
            because=step.because,
            job=job,
            step=step if step.started_at is not None else None,
        )
        if blamed is None:
            return replace(own, annotations=_errors(self._view, job, step))
        words = f": {step_name(blamed)} {step_clause(blamed)}"
        return replace(
            own,
            sentence=f"`{step.name}` of `{self._title(job)}` was skipped{words}",
            because=_own_part(step.because),
            chain=(_step_cause(blamed),),
            annotations=_errors(self._view, job, blamed),
            step=blamed,
        )

    def _job_clause(self, job: JobView) -> tuple[str, Explanation | None]:
        """How the job ended, and the explanation of what it is due to, whose sentence goes on where the clause ends."""
        if job.outcome == FAILURE:
            return self._failure(job)
        if job.status == CANCELLED:
            return self._cancellation(job)
        if job.status == SKIPPED:
            return self._skip(job)
        return plain_clause(job), None

    def _failure(self, job: JobView) -> tuple[str, Explanation | None]:
        passed = ", which its `continue-on-error` lets pass" if job.status == SUCCESS else ""
        step = next((one for one in job.steps if one.status == FAILURE), None)
        if step is None:
            when = "" if job.started_at else " before it started"
            return f"failed{when}{passed}: {job.reason or NO_REASON}", None
        own = Explanation(
            kind="job",
            key=job.leg,
            name=job.name,
            status=job.status,
            sentence=f"{step_name(step)}{failed_how(step)}{passed}",
            because=job.because,
            chain=(_step_cause(step),),
            annotations=_errors(self._view, job, step),
            job=job,
            step=step,
        )
        return "failed in", own

    def _cancellation(self, job: JobView) -> tuple[str, Explanation | None]:
        due = self._first_failed_sibling(job) if job.reason.startswith("fail-fast") else None
        if due is not None and due.leg not in self._seen:
            rest = self.of_job(due)
            words = rest.sentence.removeprefix(f"`{self._title(due)}` ")
            rest = replace(
                rest, sentence=f"`{self._title(due)}`, which {words}", chain=(_job_cause(due), *rest.chain)
            )
            return "was cancelled by `fail-fast` because of its sibling", rest
        reason = job.reason or "no reason is recorded"
        asked = cancel_reason(self._view, *_targets(job))
        more = f" ({asked})" if asked and asked != reason else ""
        return f"was cancelled: {reason}{more}", None

    def _skip(self, job: JobView) -> tuple[str, Explanation | None]:
        if job.reason == "the run was cancelled":
            asked = cancel_reason(self._view, *_targets(job))
            return f"was skipped: {job.reason}" + (f" ({asked})" if asked else ""), None
        due = self._culprit(job.job) if blames_needs(job) else None
        if due is None or due.leg in self._seen:
            return f"was skipped: {job.reason or NO_REASON}", None
        rest = self.of_job(due)
        words = rest.sentence.removeprefix(f"`{self._title(due)}` ")
        direct = [one for need in self._needs.get(job.job, ()) for one in self._standing_for(need)]
        how = "it needs" if due.job in direct else "before it stands"
        own = _own_part(job.because)
        because = (*own, *rest.because) if due.status == SKIPPED else own
        rest = replace(
            rest,
            sentence=f"{how} `{self._title(due)}`, which {words}",
            chain=(_job_cause(due), *rest.chain),
            because=because,
        )
        return "was skipped:", rest

    def _title(self, job: JobView) -> str:
        """The name; with its workflow where the run has several."""
        if len(self._view.workflows) < 2:
            return job.name
        return f"{job.job.partition(':')[0].rpartition('.')[0]} / {job.name}"

    def _culprit(self, key: str) -> JobView | None:
        """The nearest job before this one that did not succeed; of those equally near the worst."""
        seen: set[str] = set()
        level = list(self._needs.get(key, ()))
        while level:
            level = [one for need in level for one in self._standing_for(need)]
            seen.update(level)
            legs = [job for job in self._view.jobs if job.job in level and job.status != SUCCESS]
            if legs:
                return min(legs, key=lambda job: (RANK.get(job.status, len(RANK)), job.finished_at or 0.0))
            level = [need for one in level for need in self._needs.get(one, ()) if need not in seen]
        return None

    def _standing_for(self, key: str) -> Iterator[str]:
        """The job itself and those it called, also through others."""
        yield key
        for inner in self._called.get(key, ()):
            yield from self._standing_for(inner)

    def _first_failed_sibling(self, job: JobView) -> JobView | None:
        failed = [one for one in self._view.jobs if one.job == job.job and one.status == FAILURE]
        return min(failed, key=lambda one: one.finished_at or 0.0, default=None)


def _errors(view: RunView, job: JobView, step: StepView) -> tuple[str, ...]:
    """The places of the errors that a step reported."""
    found = [
        f"{one.path}:{one.line}: {one.message}" if one.line else f"{one.path}: {one.message}"
        for one in view.annotations
        if one.leg == job.leg and one.step == step.step and one.level == "error" and one.path
    ]
    return tuple(found[:_MAX_ANNOTATIONS])


def _own_part(because: tuple[str, ...]) -> tuple[str, ...]:
    """Without what the chain says anyway."""
    return tuple(one for one in because if "success()" not in one)


def _targets(job: JobView) -> tuple[str, ...]:
    return job.leg, job.job, job.job.partition(":")[0]


def cancel_reason(view: RunView, *targets: str) -> str:
    """Who asked to cancel the run or one of the targets; '' when nobody did."""
    return next((one.reason for one in view.cancellations if one.target in ("run", *targets)), "")


def _job_cause(job: JobView) -> Cause:
    return Cause(kind="job", key=job.leg, name=job.name, status=job.status)


def _step_cause(step: StepView) -> Cause:
    return Cause(kind="step", key=step.step, name=step.name, status=step.status)
