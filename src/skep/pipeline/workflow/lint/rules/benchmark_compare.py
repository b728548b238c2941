"""A benchmark limit that is never looked at, because nothing is compared."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.pytest_commands import pytest_commands
from skep.pipeline.workflow.lint.rule import RuleInfo

_LIMIT = "--benchmark-compare-fail"
_COMPARE = "--benchmark-compare"


def check(context: LintContext) -> Iterator[Finding]:
    """`--benchmark-compare-fail` without `--benchmark-compare`."""
    for command in pytest_commands(context):
        limit = command.option(_LIMIT)
        if limit is None or command.option(_COMPARE) is not None:
            continue
        if _COMPARE in command.elsewhere.replace(_LIMIT, ""):
            continue
        yield RULE.finding(
            f"`{limit.text}` has no effect without `{_COMPARE}`: nothing is compared, so nothing can fail",
            command.item.node.span,
            focus=command.place(context, limit),
            hint=(
                f"add `{_COMPARE}` and give it a saved run to compare with: restore `.benchmarks` from a cache or an "
                "artifact, and save new ones with `--benchmark-autosave`"
            ),
        )


RULE = RuleInfo(
    id="benchmark-compare",
    severity=Severity.WARNING,
    summary="a benchmark limit without a comparison",
    explanation=(
        "pytest-benchmark looks at `--benchmark-compare-fail` only while it compares with an earlier run, which "
        "`--benchmark-compare` asks for. Without it the gate is green whatever the figures are. The run to compare with must "
        "also be there: `.benchmarks` comes from a cache, an artifact or the repository."
    ),
    check=check,
)
"""The rule."""
