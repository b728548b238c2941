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
        yield from _with_called(context, job)


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
    group, matrix = _group(job.concurrency), matrix_of(job)
    count = matrix.leg_count if matrix is not None else None
    if group is None or count is None or count < 2:
        return
    contexts = group.expression.contexts if isinstance(group, Template) else frozenset()
    if contexts & {"matrix", "strategy"}:
        return
    cancels = _cancels(job.concurrency, Knowledge())
    if cancels or (count > 2 and not _queues(job.concurrency)):
        yield RULE.finding(
            f"{'both' if count == 2 else f'all {count}'} legs of `{job.id}` have this group: "
            + ("each stops the one before" if cancels else "one runs, one waits, the others are cancelled"),
            group.span,
            hint="add what tells the legs apart, such as `${{ strategy.job-index }}`; "
            "to run one at a time, write `max-parallel: 1`",
        )


def _with_called(context: LintContext, job: Job) -> Iterator[Finding]:
    """`github.workflow` in a called workflow is the caller's, so the same text is the same group: the call stops its caller."""
    if job.called is None or job.uses is None:
        return
    inner, outer = _group(job.called.concurrency), _group(context.workflow.concurrency)
    if inner is None or outer is None or inner.text != outer.text:
        return
    if isinstance(inner, Template) and not inner.expression.contexts <= {"github"}:
        return
    yield RULE.finding(
        f"`{job.uses.text}` has the same concurrency group as this workflow, `{inner.text}`: it waits for, or cancels, its own "
        "caller",
        job.uses.span,
        hint="in a called workflow `github.workflow` is the caller's name: write another text in front of its group",
    )


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
    return value is not None


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
        "matrix that share a group stop each other, and a called workflow whose group reads like its caller's stops its caller, "
        "for `github.workflow` is the caller's name there."
    ),
    check=check,
)
"""The rule."""
