"""A job that reports on others reports its own status, which is always success."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.expressions.names import STATUS_FUNCTIONS
from skep.pipeline.expressions.syntax import Node, children, static_path
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.actions import action_use
from skep.pipeline.workflow.lint.facts.running import parsed_functions
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.lint.sites import ExpressionSite
from skep.pipeline.workflow.nodes import Scalar, Template
from skep.pipeline.workflow.tree import Job, Step

_REPORTER = re.compile(
    r"notif|report|status|slack|discord|teams|telegram|mail|alert|summary|announce|inform|message|result",
    re.IGNORECASE,
)
_MESSENGERS = re.compile(
    r"slack|discord|teams|telegram|mail|notif|alert|webhook|mattermost|status", re.IGNORECASE
)
_WORKERS = frozenset({"actions/checkout", "actions/upload-artifact", "actions/cache"})


def check(context: LintContext) -> Iterator[Finding]:
    """`job.status` in a job that waits for others whatever happens, and never asks how they ended."""
    for job in context.workflow.jobs:
        if not job.needs or parsed_functions(job).isdisjoint(STATUS_FUNCTIONS - {"success"}):
            continue
        sites = [site for site in context.expressions if site.job is job]
        if any(_asks_for_results(site.tree) for site in sites) or not _is_reporter(
            job, context.steps_of(job)
        ):
            continue
        for site in sites:
            yield from _site_findings(context, job, site)


def _site_findings(context: LintContext, job: Job, site: ExpressionSite) -> Iterator[Finding]:
    for node in _walk(site.tree):
        if _path(node) == ("job", "status"):
            yield RULE.finding(
                f"`job.status` is how `{job.id}` itself goes, not the jobs it needs: it says `success` when they failed",
                site.span,
                focus=context.place(site, node),
                hint=(
                    "ask for theirs: `${{ contains(needs.*.result, 'failure') && 'failure' || "
                    "contains(needs.*.result, 'cancelled') && 'cancelled' || 'success' }}`"
                ),
            )


def _is_reporter(job: Job, steps: tuple[Step, ...]) -> bool:
    """Whether the job only tells: it is called so, or does nothing but send messages."""
    uses = [use for step in steps if (use := action_use(step)) is not None]
    if any(use.name in _WORKERS for use in uses):
        return False
    name = job.name.text if isinstance(job.name, Scalar | Template) else ""
    named = _REPORTER.search(f"{job.id} {name}")
    return bool(named) or (len(uses) == len(steps) and all(_MESSENGERS.search(use.name) for use in uses))


def _asks_for_results(tree: Node) -> bool:
    return any((path := _path(node)) is not None and path[0] == "needs" for node in _walk(tree)) or any(
        getattr(node, "name", "").lower() == "needs" for node in _walk(tree)
    )


def _path(node: Node) -> tuple[str, ...] | None:
    path = static_path(node)
    return tuple(name.lower() for name in path) if path is not None else None


def _walk(tree: Node) -> Iterator[Node]:
    yield tree
    for child in children(tree):
        yield from _walk(child)


RULE = RuleInfo(
    id="own-status",
    severity=Severity.WARNING,
    summary="a reporting job reports its own status",
    explanation=(
        "`job.status` is the status of the job in which it stands. A job that runs after others with `if: always()` has done "
        "nothing that could fail when it reports, so it reports `success` whatever happened before. How the others ended "
        "stands in `needs.<job>.result`, and `needs.*.result` has all of them."
    ),
    check=check,
)
"""The rule."""
