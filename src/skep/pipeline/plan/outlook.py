"""What can be said of a job before anything runs, supposing that everything before it succeeds.

Verdicts: `runs`, `skipped` (its `if` is false, or a job it needs is skipped), `later` (its `if` reads what jobs give).
Legs are known when neither the strategy nor the job's name read what other jobs give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from skep.model.errors import SkepError
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, is_truthy, to_text
from skep.pipeline.workflow.evaluate import evaluate_node, evaluate_text
from skep.pipeline.workflow.nodes import MappingNode, Node, SequenceNode, Template
from skep.pipeline.workflow.tree import Job

from .matrix import expand_strategy, job_display_name, leg_key, strategy_context
from .select import leg_selected
from .values import MatrixLeg, Strategy, WorkflowPlan

_KNOWN_CONTEXTS = frozenset(("github", "inputs", "vars"))
_AFTER_TROUBLE = "when all goes well it is skipped"
_LEG_CONTEXTS = _KNOWN_CONTEXTS | {"matrix", "strategy"}


class Verdict(StrEnum):
    """Whether a job will run."""

    RUNS = "runs"
    SKIPPED = "skipped"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegOutlook:
    """One leg: its name, and the runner labels it asks for; () when not known yet."""

    name: str
    labels: tuple[str, ...]
    unsupported: str = ""  # why this machine cannot run it
    key: str = ""  # of the leg in its run


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutlook:
    """One job of a workflow that starts."""

    id: str
    needs: tuple[str, ...]
    verdict: Verdict
    reason: str = ""  # of a verdict other than `runs`
    legs: tuple[LegOutlook, ...] | None = None  # None: known only when its needs have ended
    is_matrix: bool = False
    calls: str = ""  # the reusable workflow it calls
    problem: str = ""  # why its matrix or runner cannot be evaluated
    unsupported: str = ""  # why no leg of it can run here, whatever its labels
    fail_fast: bool = True
    max_parallel: int | None = None
    after_trouble: bool = False  # of verdict `later`: when all goes well it is skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookOptions:
    """What an outlook needs besides the plan."""

    variables: Mapping[str, Value]
    matrix: Mapping[str, Sequence[str]]  # only legs with these values
    unsupported: Callable[[Sequence[str]], str | None]  # labels -> why this machine cannot run them
    unsupported_job: Callable[[Job], str | None] = lambda _: None  # other reasons: containers, actions


def workflow_outlook(plan: WorkflowPlan, options: OutlookOptions) -> tuple[JobOutlook, ...]:
    """The jobs of one workflow, each after those it needs, otherwise in file order."""
    found: dict[str, JobOutlook] = {}
    for job in _in_order(plan.workflow.jobs):
        found[job.id.lower()] = _outlook(plan, job, found, options)
    return tuple(found.values())


def _in_order(jobs: Sequence[Job]) -> Iterator[Job]:
    waiting = list(jobs)
    present = {job.id.lower() for job in jobs}
    done: set[str] = set()
    while waiting:
        ready = [job for job in waiting if _needed(job) & present <= done]
        if not ready:  # a circle, which the reader has refused
            yield from waiting
            return
        yield from ready
        done |= {job.id.lower() for job in ready}
        waiting = [job for job in waiting if job.id.lower() not in done]


def _needed(job: Job) -> set[str]:
    return {need.job_id.lower() for need in job.needs}


def _outlook(
    plan: WorkflowPlan, job: Job, earlier: Mapping[str, JobOutlook], options: OutlookOptions
) -> JobOutlook:
    contexts: dict[str, Value] = {"github": plan.github, "inputs": plan.inputs, "vars": options.variables}
    verdict, reason = _verdict(job, earlier, contexts)
    strategy, problem = _strategy(job, contexts)
    legs: tuple[LegOutlook, ...] | None = None
    if strategy is not None and not problem and verdict is not Verdict.SKIPPED:
        try:
            legs = tuple(_legs(f"{plan.key}:{job.id}", job, strategy, contexts, options))
        except SkepError as error:
            problem = str(error)
    return JobOutlook(
        id=job.id,
        needs=tuple(need.job_id for need in job.needs),
        verdict=verdict,
        reason=reason,
        legs=legs,
        is_matrix=strategy.is_matrix if strategy is not None else True,
        calls=job.uses.text if job.uses is not None else "",
        problem=problem,
        unsupported=options.unsupported_job(job) or "",
        fail_fast=strategy.fail_fast if strategy is not None else True,
        max_parallel=strategy.max_parallel if strategy is not None else None,
        after_trouble=reason.startswith(_AFTER_TROUBLE),
    )


def _verdict(
    job: Job, earlier: Mapping[str, JobOutlook], contexts: Mapping[str, Value]
) -> tuple[Verdict, str]:
    expression = job.condition.expression
    written = job.condition.written
    if not expression.contexts <= _KNOWN_CONTEXTS:
        read = ", ".join(f"`{name}`" for name in sorted(expression.contexts - _KNOWN_CONTEXTS))
        return Verdict.LATER, f"`if` reads {read}: {written}"
    skipped = [name for name in _ancestors(job, earlier) if earlier[name].verdict is Verdict.SKIPPED]
    scope = Scope(
        contexts=contexts,
        functions={
            "always": lambda _: True,
            "success": lambda _: not skipped,
            "failure": lambda _: False,
            "cancelled": lambda _: False,
        },
    )
    try:
        runs = is_truthy(expression.evaluate(scope))
    except SkepError as error:
        return Verdict.LATER, f"`if` cannot be evaluated: {error}"
    if runs:
        return Verdict.RUNS, ""
    if not written and skipped:
        return Verdict.SKIPPED, f"it needs `{earlier[skipped[0]].id}`, which is skipped"
    if "failure" in expression.functions or "cancelled" in expression.functions:
        return Verdict.LATER, f"{_AFTER_TROUBLE}: {written}"
    return Verdict.SKIPPED, f"`if` is false: {written}"


def _ancestors(job: Job, earlier: Mapping[str, JobOutlook]) -> Iterator[str]:
    seen: set[str] = set()
    waiting = sorted(_needed(job))
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in earlier:
            continue
        seen.add(name)
        yield name
        waiting.extend(need.lower() for need in earlier[name].needs)


def _strategy(job: Job, contexts: Mapping[str, Value]) -> tuple[Strategy | None, str]:
    if job.strategy is None:
        return expand_strategy(None), ""
    if not _reads(job.strategy) <= _KNOWN_CONTEXTS:
        return None, ""
    try:
        return expand_strategy(evaluate_node(job.strategy, Scope(contexts=contexts))), ""
    except SkepError as error:
        return None, str(error)


def _legs(
    job_key: str, job: Job, strategy: Strategy, contexts: Mapping[str, Value], options: OutlookOptions
) -> Iterator[LegOutlook]:
    used: set[str] = set()
    for leg in strategy.legs:
        if not leg_selected(leg, options.matrix):
            continue
        scope = Scope(
            contexts={**contexts, "matrix": leg.values, "strategy": strategy_context(strategy, leg)}
        )
        labels = runner_labels(job.runs_on, scope)
        unsupported = options.unsupported(labels) if labels else None
        yield LegOutlook(
            name=_leg_name(job, leg, scope),
            labels=labels,
            unsupported=unsupported or "",
            key=leg_key(job_key, leg, strategy, used),
        )


def _leg_name(job: Job, leg: MatrixLeg, scope: Scope) -> str:
    if job.name is None or not _reads(job.name) <= _LEG_CONTEXTS:
        return job_display_name(None, job.id, leg)
    return job_display_name(
        evaluate_text(job.name, scope), job.id, leg, evaluated=isinstance(job.name, Template)
    )


def runner_labels(node: Node | None, scope: Scope) -> tuple[str, ...]:
    """The labels of an evaluated `runs-on`: a text, a list, or a mapping with `group` and `labels`; () when not known yet."""
    if node is None or not _reads(node) <= _LEG_CONTEXTS:
        return ()
    value = evaluate_node(node, scope)
    if isinstance(value, Mapping):
        labels = _texts(value.get("labels"))
        return labels or tuple(f"group:{group}" for group in _texts(value.get("group")))
    return _texts(value)


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(to_text(item) for item in value)
    text = to_text(value)
    return (text,) if text else ()


def _reads(node: Node) -> frozenset[str]:
    """The contexts that a value's expressions read."""
    if isinstance(node, Template):
        return node.expression.contexts
    if isinstance(node, SequenceNode):
        return frozenset().union(*map(_reads, node.items))
    if isinstance(node, MappingNode):
        names = (key for key, _ in node.entries if isinstance(key, Template))
        return frozenset().union(*map(_reads, names), *(_reads(item) for _, item in node.entries))
    return frozenset()
