"""Workflow text in, all findings out: the reader's, those of the rules, and those about suppressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.reader import Called, read_parts, read_workflow
from skep.pipeline.workflow.tree import Workflow

from .context import LintContext, ReadFile, lint_context
from .options import LintOptions
from .registry import RULES
from .suppressions import BAD_SUPPRESSION, UNUSED_SUPPRESSION, read_suppressions, suppress

OWN_RULES = (BAD_SUPPRESSION, UNUSED_SUPPRESSION)
"""Rules about suppressions; no file in `rules/` stands for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintResult:
    """What one file gave."""

    findings: tuple[Finding, ...]  # sorted by place
    silenced: tuple[tuple[Finding, str], ...] = ()  # (finding, the reason given)
    readable: bool = True  # False: GitHub would refuse the file


def lint_text(
    text: str,
    path: str,
    *,
    options: LintOptions | None = None,
    workflows: Mapping[str, Workflow] | None = None,
    called: Called | None = None,
    read_file: ReadFile = lambda _path: None,
) -> LintResult:
    """Everything that is wrong with one workflow file. Never raises on user input.

    In a file that a run would refuse only those rules look that see one step, script or key by itself.
    `workflows`: the readable ones of the project, by path; `called`: see `read_workflow`.
    """
    workflow, found = read_workflow(text, path, called=called)
    return lint_read(workflow, found, text, path, options=options, workflows=workflows, read_file=read_file)


def lint_read(
    workflow: Workflow | None,
    found: Iterable[Finding],
    text: str,
    path: str,
    *,
    options: LintOptions | None = None,
    workflows: Mapping[str, Workflow] | None = None,
    read_file: ReadFile = lambda _path: None,
) -> LintResult:
    """The same for a file that was read already: `workflow` and `found` are what `read_workflow` gave."""
    chosen = options or LintOptions()
    findings = [finding for finding in found if not _is_replaced(finding)]
    tree = workflow or read_parts(text, path)
    if tree is not None:
        context = lint_context(tree, text, options=chosen, workflows=workflows, read_file=read_file)
        findings += lint_context_findings(context, is_damaged=workflow is None)
    return replace(_settled(findings, text, path, chosen), readable=workflow is not None)


def lint_context_findings(context: LintContext, *, is_damaged: bool = False) -> list[Finding]:
    """What the rules find, those ignored left out; severities are the rules' own.

    In a damaged tree only rules look that see one step, script or key by itself: the others would report what follows from
    an error that was reported already.
    """
    only, ignored = context.options.only, context.options.ignored
    found: dict[Finding, None] = {}
    for rule in RULES.values():
        if is_damaged and not rule.stands_alone:
            continue
        if rule.id not in ignored and (not only or rule.id in only):
            found.update(dict.fromkeys(rule.check(context)))
    return list(found)


def _is_replaced(finding: Finding) -> bool:
    """Whether a rule says the same as this warning of the reader, and more."""
    return not finding.is_error and finding.rule in RULES


def _settled(findings: list[Finding], text: str, path: str, options: LintOptions) -> LintResult:
    """The findings after `ignore`, `only`, suppressions and severities. An error of the reader stays one: GitHub refuses the file."""
    fixed = [finding for finding in findings if finding.is_error and finding.rule not in RULES]
    others = [finding for finding in findings if not (finding.is_error and finding.rule not in RULES)]
    chosen = _chooser(options)
    mine, silenced = suppress(
        [finding for finding in others if chosen(finding.rule)],
        read_suppressions(text, path),
        known={*RULES, *(finding.rule for finding in others)},
        checked=set() if fixed else {rule for rule in RULES if chosen(rule)},
    )
    settled = [_weighed(finding, options) for finding in mine if chosen(finding.rule)]
    return LintResult(findings=tuple(sorted([*fixed, *settled], key=_order)), silenced=tuple(silenced))


def _chooser(options: LintOptions) -> Callable[[str], bool]:
    def chosen(rule: str) -> bool:
        return rule not in options.ignored and (not options.only or rule in options.only)

    return chosen


def _weighed(finding: Finding, options: LintOptions) -> Finding:
    severity: Severity | None = options.severities.get(finding.rule)
    return finding if severity is None else replace(finding, severity=severity)


def _order(finding: Finding) -> tuple[str, int, int, str, str]:
    where = finding.focus or finding.where
    return where.path, where.line, where.column, finding.rule, finding.message
