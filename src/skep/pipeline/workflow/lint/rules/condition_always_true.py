"""Text around `${{ }}` makes a condition a string, and a string that is not empty is true."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Edit, Finding, Location, Severity
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.syntax import Compare, Logic
from skep.pipeline.expressions.templates import split_template
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.lint.sites import parsed
from skep.pipeline.workflow.tree import Condition


def check(context: LintContext) -> Iterator[Finding]:
    """Conditions of jobs and steps with anything but one `${{ }}`."""
    conditions = [job.condition for job in context.workflow.jobs]
    conditions += [site.step.condition for site in context.steps]
    for condition in conditions:
        if _has_text_around(condition):
            yield RULE.finding(
                "text around `${{ }}` makes this condition a string, which is always true",
                condition.span,
                hint="write the whole condition inside one `${{ }}`, or without it",
                edits=_mended(context, condition),
            )


def _has_text_around(condition: Condition) -> bool:
    text = condition.written.strip()
    if "${{" not in text:
        return False
    return not (text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1)


def _mended(context: LintContext, condition: Condition) -> tuple[Edit, ...]:
    """The condition inside one pair of braces, when that compares or joins something and stands on one line."""
    try:
        pieces = split_template(condition.written.strip())
    except ExpressionError:
        return ()
    inner = "".join(piece if isinstance(piece, str) else piece[0] for piece in pieces).strip()
    written = context.written(condition.span)
    quote = written[:1] if written[:1] in {"'", '"'} else ""
    if not isinstance(parsed(inner), Compare | Logic) or written != f"{quote}{condition.written}{quote}":
        return ()
    start = _offset(context, condition.span)
    return (Edit(start=start, end=start + len(written), replacement=f"{quote}${{{{ {inner} }}}}{quote}"),)


def _offset(context: LintContext, span: Location) -> int:
    return context.source.offset(span.line, span.column)


RULE = RuleInfo(
    id="condition-always-true",
    severity=Severity.WARNING,
    summary="text around `${{ }}` makes a condition always true",
    explanation=(
        "In `if: ${{ github.ref }} == 'refs/heads/main'` only the part in braces is an expression; with the rest it becomes a "
        "text, and every text that is not empty is true. Write the whole condition inside one `${{ }}`, or without braces at "
        "all. `--fix` puts one pair of braces around everything, where that is a comparison, or several."
    ),
    check=check,
    fixable=True,
)
