"""A version of an action that GitHub's servers no longer answer."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.known_actions import KNOWN_ACTIONS, action_name, major_version
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.report import quoted


def check(context: LintContext) -> Iterator[Finding]:
    """Steps with a major version below the oldest that works."""
    for site in context.steps:
        uses = site.step.uses
        if uses is None:
            continue
        known = KNOWN_ACTIONS.get(action_name(uses.text))
        version = major_version(uses.text)
        if known is not None and version is not None and version < known.refused_below:
            yield RULE.finding(
                f"{quoted(uses.text)} fails on github.com: its service was switched off",
                uses.span,
                hint=f"the newest known is v{known.newest}; its inputs and behaviour changed with v{known.refused_below}",
            )


RULE = RuleInfo(
    id="refused-action",
    severity=Severity.WARNING,
    summary="a version of an action whose service was switched off",
    explanation=(
        "The first versions of the artifact and cache actions speak to services that github.com has switched off in 2025: a "
        "job that uses them fails at once. Take a newer major version, and read its notes: artifacts of version 4 cannot be "
        "uploaded twice under one name, and a download puts each into a folder of its own. GitHub Enterprise Server may still "
        "need the old versions; silence the rule there."
    ),
    check=check,
    stands_alone=True,
)
