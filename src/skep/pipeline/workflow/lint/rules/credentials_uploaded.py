"""The token that checkout leaves in `.git` goes into an artifact that everybody may download."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.actions import ActionUse, action_use, is_true
from skep.pipeline.workflow.lint.facts.places import place_of_line
from skep.pipeline.workflow.lint.rule import RuleInfo

_WHOLE = re.compile(
    r"(?:\.|\./|\*\*|\./\*\*|\*\*/\*|\$\{\{\s*github\.workspace\s*\}\}/?|\$\{\{\s*github\.workspace\s*\}\}/\*\*)\Z"
)
_GIT = re.compile(r"(?:\./)?\.git(?:/.*)?\Z")
_KEEPS_ELSEWHERE = 6  # checkout keeps the token outside of the workspace from this version on
_LEAVES_HIDDEN = 3  # upload-artifact leaves hidden files out from the last release of this version on


def check(context: LintContext) -> Iterator[Finding]:
    """`checkout` with credentials kept, then an upload of the whole workspace with its `.git`."""
    for job in context.workflow.jobs:
        kept: ActionUse | None = None
        for step in context.steps_of(job):
            use = action_use(step)
            if use is None:
                continue
            if use.name == "actions/checkout" and _keeps_token(use):
                kept = use
            elif use.name == "actions/upload-artifact" and kept is not None and _takes_git(use):
                path = use.input("path")
                yield RULE.finding(
                    "this artifact holds `.git`, and in it the token that checkout left there "
                    f"(line {kept.step.span.line}): who may read the artifact can use the token until the job ends",
                    path.span if path is not None else step.span,
                    focus=place_of_line(context, path, _line_with_git(use)) if path is not None else None,
                    hint="write `persist-credentials: false` at the checkout, or upload only what is needed",
                )


def _keeps_token(use: ActionUse) -> bool:
    node = use.input("persist-credentials")
    if use.input("path") is not None or (use.major or 0) >= _KEEPS_ELSEWHERE or use.major is None:
        return False
    return node is None or is_true(node)


def _takes_git(use: ActionUse) -> bool:
    lines = use.lines("path")
    if any(line.startswith("!") and ".git" in line for line in lines):
        return False
    hidden = is_true(use.input("include-hidden-files")) or (
        use.major is not None and use.major < _LEAVES_HIDDEN
    )
    return hidden and bool(_line_with_git(use))


def _line_with_git(use: ActionUse) -> str:
    return next((line for line in use.lines("path") if _GIT.match(line) or _WHOLE.match(line)), "")


RULE = RuleInfo(
    id="credentials-uploaded",
    severity=Severity.WARNING,
    summary="an artifact holds the token of the job",
    explanation=(
        "Up to version 5, checkout writes the job's token into `.git/config`, so that later steps can push. An artifact of the "
        "whole workspace with hidden files holds it; artifacts of public repositories are open to everybody, and the token "
        "works until the job ends. Write `persist-credentials: false`, or upload single folders."
    ),
    check=check,
)
"""The rule."""
