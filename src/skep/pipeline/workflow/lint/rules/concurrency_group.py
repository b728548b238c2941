"""A concurrency group that stops runs or legs which have nothing to do with each other."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.expressions.syntax import Call, Literal, Logic, Node, children, static_path
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.matrices import matrix_of
from skep.pipeline.workflow.lint.facts.occasions import Occasion, occasions
from skep.pipeline.workflow.lint.facts.possible import Knowledge, holds, possible
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import MappingNode, Scalar, Template
from skep.pipeline.workflow.nodes import Node as YamlNode
from skep.pipeline.workflow.tree import Job, Workflow

_SAME = frozenset(  # of `github`, in every run of a repository
    {
        "workflow",
        "repository",
        "repository_owner",
        "repository_id",
        "event_name",
        "job",
        "server_url",
        "workflow_ref",
    }
)


def check(context: LintContext) -> Iterator[Finding]:
    """Groups without the ref that cancel other pull requests; groups shared by legs, or by a workflow and the one it calls."""
    workflow = context.workflow
    yield from _between_runs(workflow, workflow.concurrency)
    for job in workflow.jobs:
        yield from _between_runs(workflow, job.concurrency)
        yield from _between_legs(job)
        yield from _within_run(context, job)


def _between_runs(workflow: Workflow, node: YamlNode | None) -> Iterator[Finding]:
    group = _group(node)
    if group is None:
        return
    for way in occasions(workflow):
        if (
            _meets_strangers(way)
            and _cancels(node, way.knowledge)
            and not _varies(_tree(group), way.knowledge)
        ):
            head = "head_ref" in group.text and way.event == "push"
            yield RULE.finding(
                f"on {way.label} every run has this group"
                + (" (`github.head_ref` is empty then)" if head else "")
                + ", and `cancel-in-progress` stops the others, those of other "
                + ("branches" if way.event == "push" else "pull requests")
                + " too",
                group.span,
                hint="add the ref: `group: ${{ github.workflow }}-${{ github.ref }}`",
            )
            return


def _meets_strangers(way: Occasion) -> bool:
    """Whether several pull requests or branches start runs on this occasion."""
    if way.event in ("pull_request", "pull_request_target"):
        return True
    ref = way.knowledge.at(("github", "ref"))
    return way.event == "push" and not ref.known and not ref.beginning.startswith("refs/tags/")


def _between_legs(job: Job) -> Iterator[Finding]:
    """Legs share a group that says nothing of the leg: the job's own, or that of the workflow it calls."""
    matrix = matrix_of(job)
    count = matrix.leg_count if matrix is not None else None
    if count is None or count < 2:
        return
    inner = job.called.concurrency if job.called is not None else None
    for node, telling in ((job.concurrency, {"matrix", "strategy"}), (inner, {"inputs"})):
        group = _group(node)
        if group is None or (isinstance(group, Template) and group.expression.contexts & telling):
            continue
        cancels = _cancels(node, Knowledge())
        if cancels or (count > 2 and not _queues(node)):
            own = node is job.concurrency or job.uses is None
            yield RULE.finding(
                f"{'both' if count == 2 else f'all {count}'} legs of `{job.id}` have "
                + ("this group: " if own else f"the group `{group.text}` of the workflow they call: ")
                + (
                    "each stops the one before"
                    if cancels
                    else "one runs, one waits, the others are cancelled"
                ),
                group.span if own or job.uses is None else job.uses.span,
                hint="add what tells the legs apart, such as `${{ strategy.job-index }}`; "
                "to run one at a time, write `max-parallel: 1`"
                if own
                else "put an input that tells the legs apart into its group",
            )


def _within_run(context: LintContext, job: Job) -> Iterator[Finding]:
    """A run that holds a group waits for a part of itself that asks for the same group: GitHub cancels it."""
    above = _group(context.workflow.concurrency)
    if _same(above, own := _group(job.concurrency)) and own is not None:
        yield RULE.finding(
            f"job `{job.id}` asks for the group that its own run holds, `{own.text}`: GitHub finds a deadlock and cancels it",
            own.span,
            hint="the group of the workflow is enough; or write another text for the job",
        )
    if job.called is None or job.uses is None:
        return
    inner = [_group(job.called.concurrency), *(_group(each.concurrency) for each in job.called.jobs)]
    for group in inner:
        if group is not None and (_same(above, group, called=True) or _same(own, group, called=True)):
            yield RULE.finding(
                f"`{job.uses.text}` asks for the group that its caller holds, `{group.text}`: "
                "GitHub finds a deadlock and cancels the run",
                job.uses.span,
                hint="in a called workflow `github.workflow` is the caller's name: put a text of its own in front of its group",
            )
            return


def _same(outer: Scalar | Template | None, inner: Scalar | Template | None, *, called: bool = False) -> bool:
    """Whether two groups of one run are certainly one; a called workflow has inputs of its own."""
    if outer is None or inner is None or outer.text != inner.text:
        return False
    shared = {"github", "vars"} if called else {"github", "vars", "inputs"}
    return not isinstance(inner, Template) or inner.expression.contexts <= shared


def _group(node: YamlNode | None) -> Scalar | Template | None:
    group = node.get("group") if isinstance(node, MappingNode) else node
    return group if isinstance(group, Scalar | Template) else None


def _tree(group: Scalar | Template) -> Node | None:
    return group.expression.tree if isinstance(group, Template) else None


def _cancels(node: YamlNode | None, knowledge: Knowledge) -> bool:
    value = node.get("cancel-in-progress") if isinstance(node, MappingNode) else None
    if isinstance(value, Template):
        return value.expression.tree is not None and holds(value.expression.tree, knowledge) is True
    return isinstance(value, Scalar) and value.value is True


def _queues(node: YamlNode | None) -> bool:
    value = node.get("queue") if isinstance(node, MappingNode) else None
    return isinstance(value, Scalar) and value.text == "max"


def _varies(tree: Node | None, knowledge: Knowledge) -> bool:
    """Whether the value may differ between two runs on the same occasion; in doubt it does."""
    if tree is None or isinstance(tree, Literal):
        return False
    path = static_path(tree)
    if path is not None:
        is_same = path[0].lower() == "github" and len(path) > 1 and path[1].lower() in _SAME
        return not is_same and not knowledge.at(path).known
    if isinstance(tree, Logic):
        for operand in tree.operands:
            truth = possible(operand, knowledge).truth
            if truth is not (tree.operator == "&&") and _varies(operand, knowledge):
                return True
            if truth is (tree.operator == "||"):
                return False
        return _varies(tree.operands[-1], knowledge)
    if isinstance(tree, Call) and not tree.arguments:
        return True
    return any(_varies(child, knowledge) for child in children(tree))


RULE = RuleInfo(
    id="concurrency-group",
    severity=Severity.WARNING,
    summary="a concurrency group that stops what it should not",
    explanation=(
        "With `cancel-in-progress` a new run stops the running one of the same group. A group without the ref is the same for "
        "all pull requests, so each push to one stops the checks of all others; `github.head_ref` is empty on `push`. Legs of a "
        "matrix that share a group stop each other. A job or a called workflow that asks for the group its own run holds can "
        "never get it, and GitHub cancels the run as a deadlock: in a called workflow `github.workflow` is the caller's name."
    ),
    check=check,
)
"""The rule."""
