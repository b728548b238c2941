"""Findings with edits in, the mended text out; what is not edited stays as it is, comments and blanks included."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from skep.model.finding import Edit, Finding

_BOM = "\ufeff"


def apply_edits(text: str, findings: Iterable[Finding]) -> tuple[str, tuple[Finding, ...]]:
    """(the text with the edits of these findings, the findings that were mended).

    A finding whose edits touch those of an earlier one is left for the next time.
    """
    mark, plain = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    taken: list[Edit] = []
    mended: list[Finding] = []
    for finding in findings:
        if finding.edits and _fits(finding.edits, taken, len(plain)):
            taken.extend(edit for edit in finding.edits if edit not in taken)
            mended.append(finding)
    for edit in sorted(taken, key=lambda one: (one.start, one.end), reverse=True):
        plain = plain[: edit.start] + edit.replacement + plain[edit.end :]
    return mark + plain, tuple(mended)


def _fits(edits: tuple[Edit, ...], taken: list[Edit], length: int) -> bool:
    if any(not 0 <= edit.start <= edit.end <= length for edit in edits):
        return False
    if any(_overlap(edit, other) for edit in edits for other in taken if edit != other):
        return False
    return not any(_overlap(edit, other) for edit, other in combinations(edits, 2))


def _overlap(one: Edit, other: Edit) -> bool:
    """Whether two edits share a character, or insert at the same place."""
    if one.start == other.start:
        return True
    first, second = (one, other) if one.start < other.start else (other, one)
    return second.start < first.end
