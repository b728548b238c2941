"""A key of a matrix that nothing in the job uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.expressions.syntax import Access, Literal, Name, Node, children
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.actions import action_use, is_well_known
from skep.pipeline.workflow.lint.facts.matrices import Matrix, matrix_of
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import SequenceNode
from skep.pipeline.workflow.tree import Job

_REPEATS = re.compile(
    r"run|runs|attempt|iteration|repeat|retry|index|idx|n|i|count|seed|shard|group|worker|instance|copy|batch|_.*|dummy|trial|round|times?",
    re.IGNORECASE,
)

_NAMES = re.compile(r".*name|label|title|desc(?:ription)?|comment|note|reason|id|key", re.IGNORECASE)
_JAVASCRIPT = frozenset({"actions/github-script"})


def check(context: LintContext) -> Iterator[Finding]:
    """Vectors and keys of `include` that no expression of the job reads."""
    for job in context.workflow.jobs:
        matrix = matrix_of(job)
        if matrix is None or matrix.open:
            continue
        used = _used_names(context, job)
        if used is None:
            continue
        for name, key in matrix.keys.items():
            vector = matrix.vectors.get(name)
            if name in used or _is_for_people(name, matrix):
                continue
            count = len(vector.items) if isinstance(vector, SequenceNode) else 0
            if vector is None:
                message = f"`{key.text}` of `include` is used nowhere in job `{job.id}`"
            elif count == 1:
                message = f"matrix key `{key.text}` is used nowhere in job `{job.id}`"
            else:
                times = f"{count} times" if count else "once for each value"
                message = f"matrix key `{key.text}` is used nowhere in job `{job.id}`, which runs {times} without a difference"
            yield RULE.finding(message, key.span, hint=f"use `${{{{ matrix.{key.text} }}}}`, or take it out")


def _is_for_people(name: str, matrix: Matrix) -> bool:
    """Whether a key does its work without being read: it names or repeats the legs, or `include` and `exclude` go by it."""
    if name not in matrix.vectors:
        return bool(_NAMES.fullmatch(name))
    entries = (*matrix.includes, *matrix.excludes)
    return bool(_REPEATS.fullmatch(name)) or any(key.lower() == name for entry in entries for key, _ in entry)


def _used_names(context: LintContext, job: Job) -> set[str] | None:
    """The keys that the job reads; None when it may read any: the whole matrix, a computed key, an action nobody here knows."""
    names: set[str] = set()
    for step in context.steps_of(job):
        use = action_use(step)
        if use is not None and not is_well_known(use) and use.name not in _JAVASCRIPT:
            return None  # the steps of a composite action see the matrix, too
    for site in context.expressions:
        if site.job is job and not _collect(site.tree, names):
            return None
    return names


def _collect(tree: Node, names: set[str]) -> bool:
    """Adds the keys read in an expression; whether they are all that it reads."""
    if isinstance(tree, Access) and isinstance(tree.target, Name) and tree.target.name.lower() == "matrix":
        if not (isinstance(tree.key, Literal) and isinstance(tree.key.value, str)):
            return False
        names.add(tree.key.value.lower())
        return True
    if isinstance(tree, Name):
        return tree.name.lower() != "matrix"
    found = [_collect(child, names) for child in children(tree)]  # all of them, also behind one that says no
    return all(found)


RULE = RuleInfo(
    id="matrix-unused",
    severity=Severity.WARNING,
    summary="a matrix key that nothing uses",
    explanation=(
        "A vector of a matrix multiplies the job. When no expression of the job reads its key, all those legs do the same: "
        "usually a step was meant to take the value, such as `python-version: ${{ matrix.python }}`, and has a fixed one or a "
        "misspelt key. Keys whose names say that the job is repeated on purpose (`run`, `attempt`, `shard`) are not looked at."
    ),
    check=check,
)
"""The rule."""
