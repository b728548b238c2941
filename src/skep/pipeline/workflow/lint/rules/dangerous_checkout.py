"""Code of a pull request runs with the secrets and the token of the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.actions import ActionUse, action_use
from skep.pipeline.workflow.lint.facts.occasions import Occasion, occasions
from skep.pipeline.workflow.lint.facts.possible import holds
from skep.pipeline.workflow.lint.facts.project_code import changes_into, runs_project_code
from skep.pipeline.workflow.lint.facts.running import written_condition
from skep.pipeline.workflow.lint.facts.script import read_script
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import Scalar, Template
from skep.pipeline.workflow.tree import Job, Step

_PRIVILEGED = frozenset({"pull_request_target", "workflow_run", "issue_comment"})
_HEAD = re.compile(
    r"github\.event\.pull_request\.head\.(?:sha|ref|repo)|github\.head_ref|github\.event\.workflow_run\.head_(?:sha|branch|repository|commit)"
    r"|github\.event\.pull_request\.(?:number|merge_commit_sha)|github\.event\.number|refs/pull/",
    re.IGNORECASE,
)
_TRUSTED = re.compile(
    r"author_association|labels?\b|head\.repo\.(?:full_name|owner|fork)|github\.repository\b|github\.actor|sender",
    re.IGNORECASE,
)


def check(context: LintContext) -> Iterator[Finding]:
    """`pull_request_target` and its kin with a checkout of the pull request, and a later step that runs what is in it."""
    ways = [way for way in occasions(context.workflow) if way.event in _PRIVILEGED]
    for job in context.workflow.jobs if ways else ():
        events = [way for way in ways if _may_run(job, None, way)]
        if not events or job.environment is not None or _TRUSTED.search(job.condition.written):
            continue  # an environment waits for an approval; a condition on who asks is a decision
        checkout: tuple[Step, Scalar | Template] | None = None
        for step in context.steps_of(job):
            allowed = [way for way in events if _may_run(job, step, way)]
            if not allowed or _TRUSTED.search(step.condition.written):
                continue
            if checkout is None:
                checkout = _head_checkout(step)
            elif _runs_code(step, _folder(checkout[0])):
                yield _finding(checkout, step, allowed[0])
                break


def _may_run(job: Job, step: Step | None, way: Occasion) -> bool:
    tree = written_condition(step.condition if step is not None else job.condition)
    return tree is None or holds(tree, way.knowledge) is not False


def _head_checkout(step: Step) -> tuple[Step, Scalar | Template] | None:
    use: ActionUse | None = action_use(step)
    if use is None or use.name != "actions/checkout":
        return None
    for name in ("ref", "repository"):
        node = use.input(name)
        if node is not None and _HEAD.search(node.text):
            return step, node
    return None


def _folder(checkout: Step) -> str:
    use = action_use(checkout)
    folder = use.text("path") if use is not None else ""
    return "" if folder in (".", "./") else folder


def _runs_code(step: Step, folder: str) -> bool:
    """Whether the step runs what was checked out: at the top, or in the folder that the checkout was given."""
    if isinstance(step.run, Scalar | Template):
        script = read_script(step.run.text)
        if script is None or not runs_project_code(script):
            return False
        where = step.working_directory
        inside = isinstance(where, Scalar | Template) and where.text.strip("./").startswith(
            folder.strip("./")
        )
        return not folder or inside or changes_into(script, folder)
    return step.uses is not None and not folder and step.uses.text.startswith("./")


def _finding(checkout: tuple[Step, Scalar | Template], step: Step, way: Occasion) -> Finding:
    _, node = checkout
    return RULE.finding(
        f"on `{way.event}` this checks out code that anybody may have written, and line {step.span.line} runs it "
        "with this repository's secrets and token",
        node.span,
        hint="build and test on `pull_request`, which has no secrets, and hand results over by an artifact; "
        "or let an `environment` with reviewers guard the job",
    )


RULE = RuleInfo(
    id="dangerous-checkout",
    severity=Severity.WARNING,
    summary="a pull request's code runs with the repository's secrets",
    explanation=(
        "`pull_request_target`, `workflow_run` and `issue_comment` run with the secrets and the writing token of the "
        "repository, also for pull requests from forks. Who checks out the head of such a pull request and then installs, "
        "builds or tests it lets a stranger's code read the secrets. Do that on `pull_request`; keep the privileged workflow "
        "to what needs no code of the pull request."
    ),
    check=check,
)
"""The rule."""
