"""The jobs of a run: where each stands, what becomes of it when its needs have ended, what its dependants see of it.

Answers the scheduler's DecideJob and EndCall; publishes what it decided. Starts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from skep.events.facts import JobCalled, JobExpanded, JobFinished, JobReused, JobSkipped
from skep.model.errors import SkepError
from skep.model.ids import JobKey, LegKey
from skep.model.outcome import Outcome
from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.concurrency import Concurrency
from skep.pipeline.plan.values import Plan
from skep.pipeline.workflow.tree import Job

from .calls import JobPlace, call_outputs, called_places, jobs_context, places_of
from .decide import Ancestry, JobQuestion, Verdict, decide_job
from .legs import LegPlan
from .messages import JobDecided, JobNode
from .results import JobResults
from .schedule import RunState
from .services import EngineServices
from .support import unsupported_job


class RunJobs:
    """All jobs of one run, those of called workflows too. Used from the loop's thread."""

    def __init__(self, services: EngineServices, plan: Plan, results: JobResults) -> None:
        self._services = services
        self._results = results
        secrets = services.options.secrets
        places = [place for item in plan.workflows for place in places_of(item, secrets)]
        self._places: dict[JobKey, JobPlace] = {place.key: place for place in places}
        self._calls: dict[JobKey, list[list[JobPlace]]] = {}  # of a job that calls: its legs' jobs
        self._events = {
            item.key: json.dumps(item.github.get("event") or {}).encode() for item in plan.workflows
        }
        self.legs: dict[LegKey, LegPlan] = {}
        self.groups: dict[LegKey, Concurrency] = {}
        self._renewed: set[JobKey] = (
            set()
        )  # jobs of which something runs (again), so their dependants must, too

    def nodes(self) -> list[JobNode]:
        """The jobs known before the run, for the scheduler."""
        return [place.node() for place in self._places.values()]

    def decide(self, key: JobKey, state: RunState) -> JobDecided:
        """What becomes of a job whose needs have ended. For a job that calls a workflow the legs stand in `legs`, and
        their groups, if any, are to be claimed before the answer is told."""
        place = self._places[key]
        verdict = decide_job(
            JobQuestion(
                key=key,
                plan=place.plan,
                job=place.job,
                event_json=self._events[place.plan.key],
                needs=self._needs(place, state),
                ancestry=Ancestry.of(
                    (ancestor.outcome for ancestor in state.ancestors(key)),
                    cancelled=state.was_cancelled(key),
                ),
                vars=self._services.options.vars,
                secrets=place.secrets,
                title=place.title,
                matrix=self._services.options.matrix if place.parent is None else {},
                unsupported_job=self._unsupported_job,
                unsupported_labels=self._services.runner_facts.unsupported_reason,
                mask=self._services.masking.mask,
            )
        )
        for missing in verdict.unsupported:
            self._results.unsupported(missing.name, missing.reason)
            self.skipped(key, missing.key, missing.name, missing.reason, "unsupported")
        if not verdict.legs:
            return self._without_legs(key, place, verdict)
        self.groups.update(verdict.groups)
        if place.job.called is not None:
            return self._calling(key, place, verdict)
        return self._with_legs(key, verdict)

    def end_call(self, key: JobKey, state: RunState) -> None:
        """All jobs that a job called have ended: evaluates its outputs."""
        caller = self._places[key]
        for places in self._calls.pop(key, []):
            try:
                context = jobs_context(
                    places, lambda one: (state.jobs[one].outcome.value, self._results.outputs(one))
                )
                inputs = places[0].plan.inputs if places else {}
                outputs = call_outputs(caller, inputs, context, self._services.options.vars)
                self._results.add_outputs(key, outputs)
            except SkepError as error:
                where = f"{error.where}: " if error.where else ""
                self._results.problem(f"outputs of `{key}`: {where}{error}")

    def reuse(self, key: LegKey) -> JobFinished | None:
        """How the leg ended in an earlier run, when it need not run again: it succeeded there, and so did all it stands on."""
        plan = self.legs[key]
        place = self._places[plan.job_key]
        earlier = self._services.options.reused.get(key)
        if earlier is None or any(place.key_of(need.job_id) in self._renewed for need in place.job.needs):
            self._renewed.add(plan.job_key)
            return None
        now = self._services.clock.now()
        self._services.publish(
            JobReused(at=now, job=plan.job_key, leg=key, name=plan.name, outputs=earlier.outputs)
        )
        return earlier

    def end_leg(self, plan: LegPlan, finished: JobFinished) -> None:
        """A leg ended."""
        self._results.end_leg(plan.job_key, finished)

    def unapproved(self, key: LegKey) -> None:
        """Nobody let the leg deploy to its environment."""
        self._results.unapproved[key] = self.legs[key].environment

    def dropped(self, key: LegKey, reason: str) -> None:
        """A leg that never started is over."""
        plan = self.legs[key]
        self._results.end_job(plan.job_key, Outcome.CANCELLED)
        because: tuple[str, ...] = ()
        if key in self._results.unapproved:
            reason = f"the environment `{plan.environment}` needs an approval: --approve {plan.environment}"
        elif key in self.groups:
            name = self._services.masking.mask(self.groups[key].group)
            because = (f"it waited for the concurrency group `{name}`",)
        self.skipped(plan.job_key, key, plan.name, reason, Outcome.CANCELLED.value, because=because)

    def skipped(
        self, job: JobKey, leg: LegKey, name: str, reason: str, outcome: str, *, because: tuple[str, ...] = ()
    ) -> None:
        """Publishes that a leg will not run. `because` is masked already."""
        mask, now = self._services.masking.mask, self._services.clock.now()
        fact = JobSkipped(
            at=now, job=job, leg=leg, name=mask(name), reason=mask(reason), outcome=outcome, because=because
        )
        self._services.publish(fact)

    def _without_legs(self, key: JobKey, place: JobPlace, verdict: Verdict) -> JobDecided:
        if not verdict.unsupported:
            name = place.title + verdict.name
            self.skipped(
                key, LegKey(key), name, verdict.reason, verdict.outcome.value, because=verdict.because
            )
        self._results.end_job(key, verdict.outcome)
        return JobDecided(job=key, outcome=verdict.outcome)

    def _with_legs(self, key: JobKey, verdict: Verdict) -> JobDecided:
        self._expanded(key, verdict)
        strategy = verdict.legs[0].strategy
        return JobDecided(
            job=key,
            legs=tuple(leg.key for leg in verdict.legs),
            claiming=frozenset([*verdict.groups, *(leg.key for leg in verdict.legs if leg.environment)]),
            fail_fast=strategy.fail_fast,
            max_parallel=strategy.max_parallel,
            floor=self._floor(key, verdict),
        )

    def _calling(self, key: JobKey, place: JobPlace, verdict: Verdict) -> JobDecided:
        try:
            calls = [called_places(leg, place, self._services.options.vars) for leg in verdict.legs]
        except SkepError as error:
            where = f"{error.where}: " if error.where else ""
            mend = f"; {error.hint}" if error.hint else ""
            failed = Verdict(outcome=Outcome.FAILURE, reason=f"{where}{error}{mend}", name=verdict.name)
            return self._without_legs(key, place, failed)
        self._calls[key] = calls
        self.legs.update((leg.key, leg) for leg in verdict.legs)
        nodes: list[JobNode] = []
        for leg, places in zip(verdict.legs, calls, strict=True):
            for inner in places:
                for secret in inner.secrets.values():
                    self._services.masking.add(secret)
                self._places[inner.key] = inner
            own = [inner.node() for inner in places]
            nodes += own
            self._called(key, leg, place, own)
        return JobDecided(job=key, called=tuple(nodes), fail_fast=verdict.legs[0].strategy.fail_fast)

    def _called(self, key: JobKey, leg: LegPlan, place: JobPlace, nodes: list[JobNode]) -> None:
        assert place.job.called is not None
        self._services.publish(
            JobCalled(
                at=self._services.clock.now(),
                job=key,
                leg=leg.key,
                name=self._services.masking.mask(leg.name),
                path=place.job.called.path,
                jobs=tuple(node.key for node in nodes),
                needs={node.key: tuple(node.needs) for node in nodes},
            )
        )

    def _expanded(self, key: JobKey, verdict: Verdict) -> None:
        names = tuple(self._services.masking.mask(leg.name) for leg in verdict.legs)
        legs = tuple(leg.key for leg in verdict.legs)
        now = self._services.clock.now()
        self._services.publish(JobExpanded(at=now, job=key, legs=legs, names=names, because=verdict.because))
        self.legs.update((leg.key, leg) for leg in verdict.legs)

    def _floor(self, key: JobKey, verdict: Verdict) -> Outcome:
        blocked = bool(verdict.unsupported) and not self._services.options.allow_unsupported
        floor = Outcome.SKIPPED if blocked else Outcome.SUCCESS
        self._results.end_job(key, floor)
        return floor

    def _needs(self, place: JobPlace, state: RunState) -> dict[str, Value]:
        needs: dict[str, Value] = {}
        for need in place.job.needs:
            key = place.key_of(need.job_id)
            outputs: Mapping[str, Value] = self._results.outputs(key)
            needs[need.job_id] = {"result": state.jobs[key].outcome.value, "outputs": dict(outputs)}
        return needs

    def _unsupported_job(self, job: Job) -> str | None:
        remote = self._services.remote
        return unsupported_job(job, self._has_native, None if remote is None else remote.problem)

    def _has_native(self, name: str, ref: str) -> bool:
        return self._services.native_action(name, ref) is not None
