"""A variable of `env` has a name that no shell can read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar
from skep.pipeline.workflow.report import quoted

_BAD = re.compile(r"[\s=&]|\A\Z")


def check(context: LintContext) -> Iterator[Finding]:
    """Names with blanks, `=` or `&`, wherever variables are set."""
    for node in _environments(context):
        for key, _ in node.entries if isinstance(node, MappingNode) else ():
            if isinstance(key, Scalar) and _BAD.search(key.text):
                yield RULE.finding(
                    f"a variable cannot be read by the name {quoted(key.text)}",
                    key.span,
                    hint="use letters, digits and `_`",
                )


def _environments(context: LintContext) -> Iterator[Node | None]:
    yield context.workflow.env
    for job in context.workflow.jobs:
        yield job.env
        services = [value for _, value in job.services] if isinstance(job.services, MappingNode) else []
        for node in (job.container, *services):
            yield node.get("env") if isinstance(node, MappingNode) else None
    for site in context.steps:
        yield site.step.env


RULE = RuleInfo(
    id="variable-name",
    severity=Severity.WARNING,
    summary="a variable has a name that no shell can read",
    explanation=(
        "The name of a variable ends at `=`, and a shell reads names of letters, digits and `_` only: a variable with a blank, "
        "`=` or `&` in its name is set, but no script finds it, or it is set under another name. Use letters, digits and `_`."
    ),
    check=check,
    stands_alone=True,
)
