"""Rows of `include` and `exclude` that do something other than they seem to."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.expressions.syntax import Compare, Logic, Not, children, static_path
from skep.pipeline.expressions.syntax import Node as Tree
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.matrices import Matrix, matches, matrix_of
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.lint.sites import ExpressionSite
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode, Template
from skep.pipeline.workflow.tree import Job


def check(context: LintContext) -> Iterator[Finding]:
    """`exclude` that fits no combination; `include` that becomes a leg of its own without keys the job needs."""
    for job in context.workflow.jobs:
        matrix = matrix_of(job)
        rows = list(matrix.rows()) if matrix is not None else []
        if matrix is None or matrix.open or not rows:
            continue
        for entry in matrix.excludes:
            if not any(matches(entry, row) for row in rows):
                yield RULE.finding(
                    f"this `exclude` takes nothing out: no combination of the matrix has {_shown(entry)}",
                    entry.span,
                    hint="compare its values with those of the vectors, text with text and numbers with numbers",
                )
        kept = [row for row in rows if not any(matches(entry, row) for entry in matrix.excludes)]
        for entry in matrix.includes:
            if not any(matches(entry, row, partly=True) for row in kept):
                yield from _extra_leg(context, job, matrix, entry)


def _extra_leg(context: LintContext, job: Job, matrix: Matrix, entry: MappingNode) -> Iterator[Finding]:
    """A row that fits no combination is a leg of its own, in which the other vectors are empty."""
    own = {key.text.lower() for key, _ in entry.entries}
    read = {
        name
        for site in context.expressions
        if site.job is job and _cannot_be_empty(site)
        for name in _keys_read(site.tree)
    }
    missing = [
        key
        for name, key in matrix.keys.items()
        if name in read
        and name not in own
        and name in matrix.vectors
        and not _has_empty(matrix.vectors[name])
    ]
    if missing and not any(isinstance(key, Template) for key, _ in entry.entries):
        names = ", ".join(f"`{key.text}`" for key in missing)
        yield RULE.finding(
            f"this `include` fits no combination, so it becomes one more leg, in which {names} "
            f"{'is' if len(missing) == 1 else 'are'} empty",
            entry.span,
            hint=f"give it {names} too, or use values that the matrix has",
        )


def _cannot_be_empty(site: ExpressionSite) -> bool:
    """Where an empty text is certainly a mistake: the runner, the image, a version."""
    if site.key == "jobs.<job>.steps.with":
        return site.whole and site.name.endswith("version")
    return site.key in ("jobs.<job>.runs-on", "jobs.<job>.container")


def _has_empty(vector: Node) -> bool:
    """Whether one of the values is empty, so that the job can do without."""
    return (
        any(isinstance(item, Scalar) and not item.text for item in vector)
        if isinstance(vector, SequenceNode)
        else True
    )


def _keys_read(tree: Tree) -> Iterator[str]:
    """The keys of the matrix that an expression needs: `matrix.x || 'other'` can do without."""
    path = static_path(tree)
    if path is not None and len(path) > 1 and path[0].lower() == "matrix":
        yield path[1].lower()
    elif not isinstance(tree, Logic | Not | Compare):
        for child in children(tree):
            yield from _keys_read(child)


def _shown(entry: MappingNode) -> str:
    return ", ".join(
        f"`{key.text}: {value.text}`" if hasattr(value, "text") else f"`{key.text}`"
        for key, value in entry.entries
    )


RULE = RuleInfo(
    id="matrix-rows",
    severity=Severity.WARNING,
    summary="an `include` or `exclude` that does something other than it seems to",
    explanation=(
        "A row of `exclude` takes out the combinations that have all its values; when none has, it does nothing, often because "
        "a value changed above it. A row of `include` whose values for vector keys fit no combination is added as a leg of its "
        "own, and in that leg the other keys of the matrix are empty."
    ),
    check=check,
)
"""The rule."""
