"""A password of a container registry stands in the workflow file."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar


def check(context: LintContext) -> Iterator[Finding]:
    """`credentials.password` of containers and services that is a literal."""
    for job in context.workflow.jobs:
        services = [value for _, value in job.services] if isinstance(job.services, MappingNode) else []
        for node in (job.container, *services):
            password = _password(node)
            if isinstance(password, Scalar) and password.text:
                yield RULE.finding(
                    "a password stands in the file",
                    password.span,
                    hint="store it as a secret, write `${{ secrets.NAME }}`, and change the password",
                )


def _password(node: Node | None) -> Node | None:
    credentials = node.get("credentials") if isinstance(node, MappingNode) else None
    return credentials.get("password") if isinstance(credentials, MappingNode) else None


RULE = RuleInfo(
    id="literal-credentials",
    severity=Severity.ERROR,
    summary="a password of a container registry stands in the file",
    explanation=(
        "Whoever may read the repository, or any clone of it, reads the password, now and in its history. Store it as a "
        "secret of the repository or organisation, write `${{ secrets.NAME }}` in its place, and change the password: "
        "removing it from the file does not remove it from the history."
    ),
    check=check,
    stands_alone=True,
)
