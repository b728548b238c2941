"""Comments that silence a rule, with a reason: `# skep: ignore[rule-id] reason`.

Behind something, the comment speaks of its own line; alone on a line, of the next line that is no comment. It may stand in a
script, too. A finding is silenced by the line it points at, or the line where its value begins.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from skep.model.finding import Finding, Location, Severity
from skep.pipeline.workflow.report import did_you_mean, quoted

BAD_SUPPRESSION = "bad-suppression"
UNUSED_SUPPRESSION = "unused-suppression"

_COMMENT = re.compile(r"(?:^|(?<=\s))#[ \t]*skep:[ \t]*ignore(?:\[(?P<rules>[^\]\n]*)\])?(?P<reason>[^\n]*)")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_SEPARATORS = " \t-:–—"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One rule silenced on one line."""

    rule: str
    reason: str
    line: int  # the line it speaks of
    where: Location  # of the comment


def read_suppressions(text: str, path: str) -> tuple[Suppression, ...]:
    """All suppressions of a file, one for each rule named; a comment that names none gives one with an empty rule."""
    if "skep:" not in text:
        return ()
    lines = _BREAK.split(text.removeprefix("\ufeff"))
    return tuple(
        found for number, line in enumerate(lines, 1) for found in _in_line(line, number, lines, path)
    )


def _in_line(line: str, number: int, lines: Sequence[str], path: str) -> Iterator[Suppression]:
    comment = _COMMENT.search(line)
    if comment is None:
        return
    target = number if line[: comment.start()].strip() else _next_line(number, lines)
    where = Location(
        path=path,
        line=number,
        column=comment.start() + 1,
        end_line=number,
        end_column=len(line.rstrip()) + 1,
    )
    reason = comment["reason"].strip().lstrip(_SEPARATORS).strip()
    for rule in (comment["rules"] or "").split(",") or [""]:
        yield Suppression(rule=rule.strip(), reason=reason, line=target, where=where)


def _next_line(number: int, lines: Sequence[str]) -> int:
    for later in range(number, len(lines)):
        if lines[later].strip() and not lines[later].lstrip().startswith("#"):
            return later + 1
    return number


def suppress(
    findings: Sequence[Finding],
    suppressions: Sequence[Suppression],
    *,
    known: Collection[str],
    checked: Collection[str],
) -> tuple[list[Finding], list[tuple[Finding, str]]]:
    """(the findings that stay, those silenced with the reason given). What is wrong with a suppression is a finding, too.

    `known`: all rule ids; `checked`: those whose findings were looked for, so that an unused suppression can be told.
    """
    kept: list[Finding] = []
    silenced: list[tuple[Finding, str]] = []
    used: set[Suppression] = set()
    for finding in findings:
        hits = [one for one in suppressions if one.rule == finding.rule and one.line in _lines_of(finding)]
        if hits:
            silenced.append((finding, hits[0].reason))
            used.update(hits)
        else:
            kept.append(finding)
    for one in suppressions:
        kept.extend(_problems(one, used=one in used, known=known, checked=checked))
    return kept, silenced


def _lines_of(finding: Finding) -> set[int]:
    places = [finding.where] + ([finding.focus] if finding.focus is not None else [])
    return {place.line for place in places if place.line}


def _problems(
    one: Suppression, *, used: bool, known: Collection[str], checked: Collection[str]
) -> Iterator[Finding]:
    if one.rule not in known:
        named = f"there is no rule {quoted(one.rule)}" if one.rule else "this comment names no rule"
        hint = did_you_mean(one.rule, known, list_all=False)
        yield _finding(
            BAD_SUPPRESSION, named, one, hint or "write `# skep: ignore[rule-id] reason`; see `--list-rules`"
        )
        return
    if not one.reason:
        yield _finding(
            BAD_SUPPRESSION,
            f"{quoted(one.rule)} is silenced without a reason",
            one,
            f"say why: `# skep: ignore[{one.rule}] reason`",
        )
    if not used and one.rule in checked:
        yield _finding(
            UNUSED_SUPPRESSION, f"{quoted(one.rule)} finds nothing here", one, "remove the comment"
        )


def _finding(rule: str, message: str, one: Suppression, hint: str) -> Finding:
    return Finding(rule=rule, message=message, where=one.where, hint=hint, severity=Severity.WARNING)
