"""What the types of expressions say, as findings of the rule that is about it."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding

from .context import LintContext
from .rule import RuleInfo


def typed_findings(context: LintContext, rule: RuleInfo) -> Iterator[Finding]:
    """The misuses in expressions that one rule is about."""
    for site, problem in context.type_problems():
        if problem.rule == rule.id:
            yield rule.finding(
                problem.message,
                site.span,
                hint=problem.hint,
                focus=context.place(site, problem.node),
                severity=problem.severity,
            )
