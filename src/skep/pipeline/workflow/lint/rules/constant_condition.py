"""A condition that depends on nothing."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.expressions.names import STATUS_FUNCTIONS
from skep.pipeline.expressions.syntax import Call, Literal, Logic, Node, children
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.possible import Knowledge, holds
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.lint.sites import ExpressionSite

_KEYS = frozenset({"jobs.<job>.if", "jobs.<job>.steps.if"})


def check(context: LintContext) -> Iterator[Finding]:
    """Conditions that are true, or false, whatever the contexts hold."""
    for site in context.expressions:
        if site.key not in _KEYS or not site.whole or _calls_status(site.tree):
            continue
        truth = holds(site.tree, Knowledge())
        if truth is None:
            continue
        operand = _lonely_text(site.tree)
        yield RULE.finding(
            f"this condition is always {'true' if truth else 'false'}",
            site.span,
            focus=context.place(site, operand),
            hint=_hint(site, operand, truth=truth),
            severity=Severity.NOTICE if isinstance(site.tree, Literal) else None,
        )


def _hint(site: ExpressionSite, operand: Node | None, *, truth: bool) -> str:
    if operand is not None:
        return f"compare it, too: `x == {site.text[operand.start : operand.end]}`; a text alone is true"
    what = "step" if site.step is not None else "job"
    return (
        f"remove the condition: the {what} always runs"
        if truth
        else f"remove the {what} when it is not needed"
    )


def _lonely_text(tree: Node) -> Literal | None:
    """The `'b'` of `x == 'a' || 'b'`."""
    if isinstance(tree, Logic) and tree.operator == "||":
        for operand in tree.operands:
            if isinstance(operand, Literal) and isinstance(operand.value, str) and operand.value:
                return operand
    return None


def _calls_status(tree: Node) -> bool:
    if isinstance(tree, Call) and tree.name.lower() in STATUS_FUNCTIONS:
        return True
    return any(_calls_status(child) for child in children(tree))


RULE = RuleInfo(
    id="constant-condition",
    severity=Severity.WARNING,
    summary="a condition that is always true, or always false",
    explanation=(
        "A condition that no context can change is a mistake, or was left behind. The frequent one is "
        "`github.ref_name == 'main' || 'develop'`: the second text is not compared with anything, and a text that is not "
        "empty is true. Write `github.ref_name == 'main' || github.ref_name == 'develop'`. A plain `if: false` that switches "
        "something off is only noted."
    ),
    check=check,
)
