"""What a rule is: an id, how much it matters, why, and the function that finds its mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from skep.model.finding import Edit, Finding, Location, Severity

from .context import LintContext

Check = Callable[[LintContext], Iterator[Finding]]
"""Yields the findings of one workflow, in any order. Never raises on a tree the reader gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """One rule. `explanation` is a paragraph of plain text: why this is a mistake, and what to do instead."""

    id: str  # kebab-case, stable
    severity: Severity
    summary: str  # one line, no full stop
    explanation: str
    check: Check
    fixable: bool = False  # whether some of its findings carry edits
    stands_alone: bool = (
        False  # looks at one step, script or key by itself, so it holds in a file with errors, too
    )

    def finding(
        self,
        message: str,
        where: Location,
        *,
        hint: str = "",
        focus: Location | None = None,
        severity: Severity | None = None,
        edits: tuple[Edit, ...] = (),
    ) -> Finding:
        """A finding of this rule, with its severity unless another is given."""
        return Finding(
            rule=self.id,
            message=message,
            where=where,
            hint=hint,
            severity=severity or self.severity,
            focus=focus,
            edits=edits,
        )
