"""A coverage limit that is never looked at, because no coverage is measured."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.pytest_commands import pytest_commands
from skep.pipeline.workflow.lint.rule import RuleInfo

_LIMIT = "--cov-fail-under"
_MEASURE = "--cov"


def check(context: LintContext) -> Iterator[Finding]:
    """`--cov-fail-under` without `--cov`, in the command and in pytest's configuration."""
    for command in pytest_commands(context):
        limit = command.option(_LIMIT)
        if limit is None or command.option(_MEASURE) is not None:
            continue
        others = command.elsewhere.replace("--cov-", "")
        if _MEASURE in others or command.option("--no-cov") is not None:
            continue
        yield RULE.finding(
            f"`{limit.text}` has no effect without `{_MEASURE}`: no coverage is measured",
            command.item.node.span,
            focus=command.place(context, limit),
            hint=f"add `{_MEASURE}=<package>`, or check a recorded run with `coverage report --fail-under=...`",
        )


RULE = RuleInfo(
    id="coverage-limit",
    severity=Severity.WARNING,
    summary="a coverage limit without measured coverage",
    explanation=(
        "pytest-cov is active only with `--cov`, on the command line or in `addopts`. Without it `--cov-fail-under` is "
        "accepted and ignored: the step is green at any coverage."
    ),
    check=check,
)
"""The rule."""
