"""An action of others is named by a tag or branch, which may point to other code tomorrow."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.known_actions import is_sha
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import Scalar
from skep.pipeline.workflow.report import quoted

_LOCAL = ("./", ".\\", "$/")


def check(context: LintContext) -> Iterator[Finding]:
    """Actions, reusable workflows and images that are not named by what they contain."""
    for uses in _all_uses(context):
        if uses.text.startswith("docker://"):
            if "@sha256:" not in uses.text:
                yield RULE.finding(
                    f"{quoted(uses.text)} is whatever its tag points to",
                    uses.span,
                    hint="name the image by digest: `docker://name@sha256:...`",
                )
        elif not uses.text.startswith(_LOCAL):
            path, _, ref = uses.text.partition("@")
            owner = path.partition("/")[0].lower()
            if not is_sha(ref) and owner not in {name.lower() for name in context.options.trusted_owners}:
                yield RULE.finding(
                    f"{quoted(uses.text)} is whatever `{ref}` points to",
                    uses.span,
                    hint=f"name the full commit SHA, with `# {ref}` behind it",
                )


def _all_uses(context: LintContext) -> Iterator[Scalar]:
    for job in context.workflow.jobs:
        if job.uses is not None:
            yield job.uses
    for site in context.steps:
        if site.step.uses is not None:
            yield site.step.uses


RULE = RuleInfo(
    id="unpinned-action",
    severity=Severity.NOTICE,
    summary="an action of others is not named by a commit SHA",
    explanation=(
        "A tag or branch can be moved: whoever takes over the repository of an action runs code with your token and secrets, "
        "as happened to widely used actions in 2025. A full commit SHA cannot be moved. Write "
        "`owner/action@<40 digits> # v1.2.3`; bots that update actions keep the comment. Owners that you trust as much as "
        "yourself are listed as `owners` in `[lint]` of skep.toml; `actions` and `github` are by default."
    ),
    check=check,
    stands_alone=True,
)
