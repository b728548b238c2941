"""The token of a workflow may do everything, because nobody said otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import Node, Scalar


def check(context: LintContext) -> Iterator[Finding]:
    """`write-all`, and jobs without any `permissions` above or in them."""
    workflow = context.workflow
    for node in (workflow.permissions, *(job.permissions for job in workflow.jobs)):
        if node is not None and _is_write_all(node):
            yield RULE.finding(
                "`write-all` lets every step change code, releases, packages and settings",
                node.span,
                hint="name what the job needs, such as `permissions: {contents: read}`",
            )
    bare = [job for job in workflow.jobs if job.permissions is None]
    if workflow.permissions is None and bare and not _is_called_only(context):
        yield RULE.finding(
            "no `permissions`: the token may do what the repository's settings allow, often everything",
            bare[0].span,
            hint="write `permissions: {contents: read}` at the top, and more only in the jobs that need it",
            severity=Severity.NOTICE,
        )


def _is_write_all(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text == "write-all"


def _is_called_only(context: LintContext) -> bool:
    """A reusable workflow gets the permissions of its caller."""
    return {trigger.event for trigger in context.workflow.triggers} == {"workflow_call"}


RULE = RuleInfo(
    id="excessive-permissions",
    severity=Severity.WARNING,
    summary="the token may do more than it needs",
    explanation=(
        "Every job gets a token. Without `permissions` it may do what the settings of the repository or organisation "
        "allow, in older repositories everything; with `write-all` it may do everything anywhere. One compromised action or "
        "dependency then writes to the repository. Write `permissions: {contents: read}` at the top of the file, and give "
        "single jobs what they need beyond that."
    ),
    check=check,
)
