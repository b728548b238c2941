"""A workflow, and what this machine is -> what would differ here from GitHub: a list for people and programs. Pure.

`cannot run`: the job, or a step of it, fails or is refused here. `differs`: it runs, and something is not as on GitHub. A workflow
without an entry works as there, as far as its text says. Each rule is a function of `_WORKFLOW_RULES` or `JOB_RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum

from skep.model.finding import Location
from skep.pipeline.actions.action import Action
from skep.pipeline.expressions.compile import Expression
from skep.pipeline.workflow.nodes import Template
from skep.pipeline.workflow.permissions import Level, requested_permissions
from skep.pipeline.workflow.tree import Condition, Job, Workflow


class Effect(StrEnum):
    """What a difference does to a run."""

    WORKS = "works"  # otherwise than on GitHub, with the same result
    DIFFERS = "differs"
    CANNOT = "cannot run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as on GitHub."""

    rule: str  # kebab-case, stable
    effect: Effect
    message: str
    mend: str  # the way out
    where: Location
    job: str = ""  # '': the whole workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the rules ask of this machine and of what the user gives to runs."""

    unsupported_labels: Callable[[Sequence[str]], str | None]
    has_native: Callable[[str, str], bool]  # (owner/name, ref)
    has_program: Callable[[str], bool]
    secrets: Collection[str] = ()  # names, upper case
    variables: Collection[str] = ()  # names, upper case
    has_token: bool = False
    open_environments: Collection[str] = ()  # names, lower case
    remote_problem: Callable[[str], str | None] | None = (
        None  # why `owner/name@ref` cannot be had; None: none can
    )
    local_action: Callable[[str], Action | None] = lambda _: None  # `./path` -> what stands there now


Rule = Callable[[Workflow, Machine], Iterator[Difference]]

EVENTS_FROM_HERE = frozenset(("push", "pull_request", "workflow_dispatch", "workflow_call", "schedule"))
"""Events that Skep can tell from the repository, or that a person gives."""


def workflow_differences(workflow: Workflow, machine: Machine) -> tuple[Difference, ...]:
    """What would differ for the workflow itself; `job_differences` has its jobs."""
    return tuple(one for rule in _WORKFLOW_RULES for one in rule(workflow, machine))


def expressions_of(value: object) -> Iterator[tuple[Expression, Location]]:
    """Every expression below a part of the syntax tree, with its place; called workflows are not entered."""
    if isinstance(value, Template | Condition):
        yield value.expression, value.span
    elif isinstance(value, tuple):
        for item in value:
            yield from expressions_of(item)
    elif is_dataclass(value) and not isinstance(value, Location | Expression):
        for one in fields(value):
            if one.name != "called":
                yield from expressions_of(getattr(value, one.name))


def is_token(path: Sequence[str]) -> bool:
    """Whether an expression's path is the token that GitHub gives to every job."""
    folded = tuple(name.lower() for name in path[:2])
    return folded in (("github", "token"), ("secrets", "github_token"))


# --- rules for a whole workflow ----------------------------------------------------------------------------------------
def _schedule(workflow: Workflow, _machine: Machine) -> Iterator[Difference]:
    trigger = workflow.trigger("schedule")
    if trigger is None:
        return
    lines = ", ".join(f"`{cron.cron}`" for cron in trigger.schedules)
    yield Difference(
        rule="schedule",
        effect=Effect.DIFFERS,
        message=f"`schedule` ({lines}) does not fire by itself here",
        mend=f"let cron or a timer call `skep run --event schedule --workflow {_file(workflow)}`",
        where=trigger.span,
    )


def _events(workflow: Workflow, _machine: Machine) -> Iterator[Difference]:
    for trigger in workflow.triggers:
        if trigger.event in EVENTS_FROM_HERE:
            continue
        yield Difference(
            rule="event",
            effect=Effect.DIFFERS,
            message=f"`{trigger.event}` happens on the server: nothing starts the workflow by itself here",
            mend=f"start it by `skep run --event {trigger.event}`; `--payload FILE` gives what the event says",
            where=trigger.span,
        )


def _concurrency(workflow: Workflow, _machine: Machine) -> Iterator[Difference]:
    if workflow.concurrency is not None:
        yield concurrency_difference(workflow.concurrency.span, "")
    for job in workflow.jobs:
        if job.concurrency is not None:
            yield concurrency_difference(job.concurrency.span, job.id)


def concurrency_difference(where: Location, job: str) -> Difference:
    """Groups are held per repository and machine."""
    return Difference(
        rule="concurrency",
        effect=Effect.DIFFERS,
        message="the concurrency group holds among the runs of this project on this machine, not across machines",
        mend="nothing is needed unless several machines share what the group protects",
        where=where,
        job=job,
    )


def _permissions(workflow: Workflow, machine: Machine) -> Iterator[Difference]:
    places = [(workflow.permissions, "")] + [(job.permissions, job.id) for job in workflow.jobs]
    for node, job in places:
        requested = requested_permissions(node)
        if node is None or requested is None:
            continue
        if machine.has_token:
            yield Difference(
                rule="permissions",
                effect=Effect.DIFFERS,
                message="`permissions` does not narrow the token you give: it may do all it was made for",
                mend="make a token that may do no more than this",
                where=node.span,
                job=job,
            )
        if requested.get("id-token", Level.NONE) is Level.WRITE:
            yield Difference(
                rule="oidc",
                effect=Effect.DIFFERS,
                message="`id-token: write`: tokens are signed by a key of this machine, which no cloud trusts by itself",
                mend="log in by a secret here, where `runner.environment` is `self-hosted`",
                where=node.span,
                job=job,
            )


def _token(workflow: Workflow, machine: Machine) -> Iterator[Difference]:
    if machine.has_token:
        return
    for job in _parts(workflow):
        part = job or _without_jobs(workflow)
        place = next(
            (where for expression, where in expressions_of(part) if any(map(is_token, expression.paths))),
            None,
        )
        if place is not None:
            yield Difference(
                rule="token",
                effect=Effect.DIFFERS,
                message="`github.token` is empty here",
                mend="`skep run --token NAME` takes it from the variable NAME",
                where=place,
                job=job.id if job else "",
            )


def _secrets(workflow: Workflow, machine: Machine) -> Iterator[Difference]:
    for job, name, where in _read_names(workflow, "secrets"):
        if name.upper() not in machine.secrets and name.upper() != "GITHUB_TOKEN":
            yield Difference(
                rule="secret",
                effect=Effect.DIFFERS,
                message=f"the secret `{name}` is not given, so it is empty",
                mend=f"`skep run --secret {name}`, or a line in the file of `--secrets-file`",
                where=where,
                job=job,
            )


def _variables(workflow: Workflow, machine: Machine) -> Iterator[Difference]:
    for job, name, where in _read_names(workflow, "vars"):
        if name.upper() not in machine.variables:
            yield Difference(
                rule="variable",
                effect=Effect.DIFFERS,
                message=f"the variable `vars.{name}` is not given, so it is empty",
                mend=f"`skep run --var {name}=VALUE`",
                where=where,
                job=job,
            )


def _read_names(workflow: Workflow, context: str) -> Iterator[tuple[str, str, Location]]:
    """Job, name and first place of everything read from a context, once per job."""
    for job in _parts(workflow):
        seen: set[str] = set()
        for expression, where in expressions_of(job or _without_jobs(workflow)):
            for path in expression.paths:
                if path[0] == context and len(path) > 1 and path[1].upper() not in seen:
                    seen.add(path[1].upper())
                    yield (job.id if job else ""), path[1], where


def _parts(workflow: Workflow) -> tuple[Job | None, ...]:
    """The workflow without its jobs (None), then each job."""
    return (None, *workflow.jobs)


def _without_jobs(workflow: Workflow) -> tuple[object, ...]:
    return workflow.env, workflow.run_name, workflow.defaults, workflow.concurrency, workflow.triggers


def _file(workflow: Workflow) -> str:
    return workflow.path.rpartition("/")[2]


_WORKFLOW_RULES: tuple[Rule, ...] = (
    _schedule,
    _events,
    _concurrency,
    _permissions,
    _token,
    _secrets,
    _variables,
)
