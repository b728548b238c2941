"""Whether a call of a reusable workflow gives what the called one declares, and no more."""

from __future__ import annotations

from collections.abc import Iterable

from .nodes import MappingNode, Node, Scalar
from .permissions import Permissions, excess, requested_permissions
from .report import Report, did_you_mean, quoted
from .tree import InputSpec, InputType, Job, Trigger, Workflow


def check_call(job: Job, called: Workflow, report: Report) -> None:
    """Reports inputs and secrets of a call that the called workflow does not declare, and required ones that are missing."""
    if job.uses is None:
        return
    trigger = called.trigger("workflow_call")
    if trigger is None:
        report.error(
            "not-callable",
            f"{quoted(job.uses.text)} cannot be called: it has no `workflow_call` trigger",
            job.uses.span,
            hint="add `workflow_call:` below its `on:`",
        )
        return
    _check_inputs(job, job.uses, trigger, report)
    if not job.secrets_inherit:
        _check_secrets(job, job.uses, trigger, report)


def check_permissions(job: Job, called: Workflow, allowed: Permissions, report: Report) -> None:
    """Reports permissions that the called workflow, or a job of it, asks for beyond what the caller may give."""
    wishes = [("the workflow", called.permissions)]
    wishes += [(f"its job {quoted(inner.id)}", inner.permissions) for inner in called.jobs]
    for who, node in wishes:
        asked, given = excess(requested_permissions(node) or {}, allowed)
        if asked:
            report.error(
                "permissions-exceeded",
                f"{quoted(job.uses.text if job.uses else '')}: {who} asks for `{asked}`, but may have `{given}`",
                job.span,
                hint=f"give job `{job.id}` these `permissions`",
            )


def _check_inputs(job: Job, uses: Scalar, trigger: Trigger, report: Report) -> None:
    given = _entries(job.with_)
    declared = {spec.name.lower(): spec for spec in trigger.inputs}
    for name, spec in declared.items():
        if name in given:
            _check_type(spec, given[name][1], report)
        elif spec.required and spec.default is None:
            report.error(
                "missing-input",
                f"required input {quoted(spec.name)} is not given",
                uses.span,
                hint=f"give it below `with:`, as a {spec.type.value}",
            )
    _check_undeclared("input", given, (spec.name for spec in trigger.inputs), report)


def _check_secrets(job: Job, uses: Scalar, trigger: Trigger, report: Report) -> None:
    given = _entries(job.secrets)
    for spec in trigger.secrets:
        if spec.required and spec.name.lower() not in given:
            report.error(
                "missing-secret",
                f"required secret {quoted(spec.name)} is not given",
                uses.span,
                hint="list it below `secrets:`, or write `secrets: inherit`",
            )
    _check_undeclared("secret", given, (spec.name for spec in trigger.secrets), report)


def _check_undeclared(
    what: str, given: dict[str, tuple[str, Node]], declared: Iterable[str], report: Report
) -> None:
    names = list(declared)
    for name, value in given.values():
        if name.lower() not in {known.lower() for known in names}:
            report.error(
                f"unknown-{what}",
                f"the called workflow has no {what} {quoted(name)}",
                value.span,
                hint=did_you_mean(name, names),
            )


def _check_type(spec: InputSpec, value: Node, report: Report) -> None:
    if not isinstance(value, Scalar):
        return
    is_boolean = isinstance(value.value, bool)
    wrong = ""
    if spec.type is InputType.BOOLEAN and not is_boolean:
        wrong = "is not `true` or `false`"
    elif spec.type is InputType.NUMBER and (is_boolean or not isinstance(value.value, int | float)):
        wrong = "is no number"
    if wrong:
        hint = f"the called workflow declares {quoted(spec.name)} as a {spec.type.value}; write it without quotes"
        report.error("wrong-type", f"{quoted(value.text)} {wrong}", value.span, hint=hint)


def _entries(node: MappingNode | None) -> dict[str, tuple[str, Node]]:
    if node is None:
        return {}
    return {name.lower(): (name, value) for name, value in node}
