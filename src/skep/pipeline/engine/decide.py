"""A job whose needs have ended: does it run, as which legs, in which groups? Pure but for the contexts it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from skep.model.errors import SkepError, UserError
from skep.model.ids import JobKey, LegKey
from skep.model.outcome import Outcome
from skep.pipeline.expressions.limits import TEMPLATE_MEMORY_BYTES
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, is_truthy, to_text
from skep.pipeline.plan.concurrency import Concurrency, read_concurrency
from skep.pipeline.plan.matrix import expand_strategy, job_display_name, leg_key, strategy_context
from skep.pipeline.plan.select import leg_selected
from skep.pipeline.plan.values import MatrixLeg, Strategy, WorkflowPlan
from skep.pipeline.workflow.evaluate import evaluate_node, evaluate_text
from skep.pipeline.workflow.nodes import MappingNode, Template
from skep.pipeline.workflow.tree import Job

from .explain import explain, explain_true, needs_success
from .legs import LegPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestry:
    """How the jobs before this one ended, near and far: what the status functions look at."""

    outcomes: Sequence[Outcome] = ()
    cancelled: bool = False  # the workflow was

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], *, cancelled: bool) -> Ancestry:
        """From outcomes in any order."""
        return cls(outcomes=tuple(outcomes), cancelled=cancelled)

    def functions(self) -> dict[str, Callable[[Sequence[Value]], Value]]:
        """success(), failure(), cancelled() and always() of a job's `if`."""
        return {
            "always": lambda _: True,
            "success": lambda _: not self.cancelled and all(o is Outcome.SUCCESS for o in self.outcomes),
            "failure": lambda _: not self.cancelled and Outcome.FAILURE in self.outcomes,
            "cancelled": lambda _: self.cancelled,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """A leg that this machine cannot run."""

    key: LegKey
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a job. Without legs `outcome` and `reason` say why."""

    legs: tuple[LegPlan, ...] = ()
    groups: Mapping[LegKey, Concurrency] = field(default_factory=dict)
    unsupported: tuple[Unsupported, ...] = ()
    outcome: Outcome = Outcome.SKIPPED
    reason: str = ""
    because: tuple[str, ...] = ()  # what decided its `if`; masked
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuestion:
    """Everything a verdict needs."""

    key: JobKey
    plan: WorkflowPlan
    job: Job
    event_json: bytes
    needs: Mapping[str, Value]
    ancestry: Ancestry
    vars: Mapping[str, Value]
    matrix: Mapping[str, Sequence[str]]  # only legs with these values
    unsupported_job: Callable[[Job], str | None]
    unsupported_labels: Callable[[Sequence[str]], str | None]
    secrets: Mapping[str, str] = field(default_factory=dict)
    title: str = ""  # before the names of jobs of a called workflow: `caller / `
    mask: Callable[[str], str] = str  # hides secrets in what explains a condition


def decide_job(question: JobQuestion) -> Verdict:
    """The verdict on one job. Never raises for what the user wrote: a job that cannot be evaluated fails, with the reason."""
    try:
        return _decide(question)
    except SkepError as exc:
        reason = f"{exc.where}: {exc}" if exc.where else str(exc)
        return Verdict(outcome=Outcome.FAILURE, reason=reason, name=question.job.id)


def _decide(question: JobQuestion) -> Verdict:
    job = question.job
    scope = _scope(question)
    if not is_truthy(job.condition.expression.evaluate(scope)):
        because = explain(job.condition, scope, mask=question.mask, status=_status_reason(question))
        return Verdict(reason=_skip_reason(question), because=because, name=_plain_name(question))
    strategy = expand_strategy(None if job.strategy is None else evaluate_node(job.strategy, scope))
    legs: list[LegPlan] = []
    unsupported: list[Unsupported] = []
    groups: dict[LegKey, Concurrency] = {}
    whole = question.unsupported_job(job)
    used: set[str] = set()
    for leg in strategy.legs:
        if not leg_selected(leg, question.matrix):
            continue
        key = LegKey(leg_key(question.key, leg, strategy, used))
        leg_scope = _scope(question, leg, strategy)
        name = question.title + _leg_name(job, leg, leg_scope)
        labels = () if whole or job.called else _labels(job, leg_scope)
        if reason := whole or (None if job.called else question.unsupported_labels(labels)):
            unsupported.append(Unsupported(key=key, name=name, reason=reason))
            continue
        if job.concurrency is not None and (group := read_concurrency(job.concurrency, leg_scope)):
            groups[key] = group
        legs.append(
            LegPlan(
                key=key,
                job_key=question.key,
                plan=question.plan,
                job=job,
                name=name,
                leg=leg,
                strategy=strategy,
                labels=labels,
                event_json=question.event_json,
                environment=_environment(job, leg_scope),
                secrets=question.secrets,
                needs=question.needs,
            )
        )
    if not legs and not unsupported:
        return Verdict(reason="no leg of the matrix was selected", name=_plain_name(question))
    return Verdict(
        legs=tuple(legs),
        groups=groups,
        unsupported=tuple(unsupported),
        because=explain_true(job.condition, scope, mask=question.mask),
        name=_plain_name(question),
    )


def _scope(question: JobQuestion, leg: MatrixLeg | None = None, strategy: Strategy | None = None) -> Scope:
    contexts: dict[str, Value] = {
        "github": question.plan.github,
        "needs": question.needs,
        "vars": question.vars,
        "inputs": question.plan.inputs,
    }
    if leg is not None and strategy is not None:
        contexts["matrix"] = leg.values
        contexts["strategy"] = strategy_context(strategy, leg)
    return Scope(
        contexts=contexts, functions=question.ancestry.functions(), memory_bytes=TEMPLATE_MEMORY_BYTES
    )


def _environment(job: Job, scope: Scope) -> str:
    """The name of the environment a leg deploys to, '' for none."""
    if job.environment is None:
        return ""
    node = job.environment.get("name") if isinstance(job.environment, MappingNode) else job.environment
    return "" if node is None else evaluate_text(node, scope).strip()


def _leg_name(job: Job, leg: MatrixLeg, scope: Scope) -> str:
    """A name with expressions stands as it is; any other gets the matrix values behind it (as GitHub shows jobs)."""
    name = None if job.name is None else evaluate_text(job.name, scope)
    return job_display_name(name, job.id, leg, evaluated=isinstance(job.name, Template))


def _labels(job: Job, scope: Scope) -> tuple[str, ...]:
    assert job.runs_on is not None
    value = evaluate_node(job.runs_on, scope)
    if isinstance(value, Mapping):
        labels = value.get("labels")
        group = value.get("group")
        named = _label_list(labels)
        return named if named else (f"group:{to_text(group)}",)
    labels_list = _label_list(value)
    if not labels_list:
        raise UserError(
            "`runs-on` is empty", where=job.runs_on.span, hint="name a label such as `ubuntu-latest`"
        )
    return labels_list


def _label_list(value: Value) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(to_text(item) for item in value)
    return (to_text(value),)


def _plain_name(question: JobQuestion) -> str:
    node = question.job.name
    text = getattr(node, "text", "")
    return text if text and "${{" not in text else question.job.id


def _skip_reason(question: JobQuestion) -> str:
    condition = question.job.condition
    succeeded = question.ancestry.functions()["success"](())
    if not condition.written or (needs_success(condition) and not succeeded):
        return _status_reason(question)
    return f"`if: {condition.written}` is false"


def _status_reason(question: JobQuestion) -> str:
    """Why `success()` is false, if it is."""
    if question.ancestry.cancelled:
        return "the run was cancelled"
    for need in question.job.needs:
        state = question.needs.get(need.job_id)
        result = state.get("result") if isinstance(state, Mapping) else None
        if result != Outcome.SUCCESS.value:
            return f"`{need.job_id}`, which it needs, ended as {result}"
    return "a job before it did not succeed"
