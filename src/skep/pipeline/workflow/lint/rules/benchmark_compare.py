"""A benchmark limit without anything to compare with."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.pytest_commands import pytest_commands
from skep.pipeline.workflow.lint.rule import RuleInfo

_LIMIT = "--benchmark-compare-fail"
_COMPARE = "--benchmark-compare"


def check(context: LintContext) -> Iterator[Finding]:
    """`--benchmark-compare-fail` without `--benchmark-compare`; the latter before a path, which it takes for a run."""
    for command in pytest_commands(context):
        limit, compare = command.option(_LIMIT), command.option(_COMPARE)
        if limit is not None and compare is None and _COMPARE not in command.elsewhere.replace(_LIMIT, ""):
            yield RULE.finding(
                f"`{limit.text}` without `{_COMPARE}`: nothing is compared, and the command ends with a usage error "
                "once benchmarks ran",
                command.item.node.span,
                focus=command.place(context, limit),
                hint=(
                    f"add `{_COMPARE}` and give it a saved run to compare with: restore `.benchmarks` from a cache or an "
                    "artifact, and save new ones with `--benchmark-autosave`"
                ),
            )
        following = command.after(compare) if compare is not None and compare.text == _COMPARE else None
        if following is not None and _is_tests(following.text):
            yield RULE.finding(
                f"`{_COMPARE}` takes `{following.text}` as the run to compare with, not as tests to run",
                command.item.node.span,
                focus=command.place(context, following),
                hint=f"put the tests before it: `pytest {following.text} {_COMPARE}`",
            )


def _is_tests(text: str) -> bool:
    """A path of tests; a run is a number or a name such as `0001`."""
    return text.endswith((".py", "/")) or text.partition("/")[0] in (
        "tests",
        "test",
        "benchmarks",
        "bench",
        "src",
    )


RULE = RuleInfo(
    id="benchmark-compare",
    severity=Severity.WARNING,
    summary="a benchmark limit without a comparison",
    explanation=(
        "pytest-benchmark looks at `--benchmark-compare-fail` only while it compares with an earlier run, which "
        "`--benchmark-compare` asks for. Without it nothing is compared: where benchmarks ran the command ends with the usage "
        "error `--benchmark-compare-fail requires valid --benchmark-compare`, where none ran it is green. The run to compare "
        "with must also be there: `.benchmarks` comes from a cache, an artifact or the repository."
    ),
    check=check,
)
"""The rule."""
