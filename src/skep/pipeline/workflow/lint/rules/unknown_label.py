"""A job asks for a runner that does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from skep.model.finding import Finding, Severity
from skep.pipeline.expressions.syntax import static_path
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.lint.sites import expressions_in
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode, Template
from skep.pipeline.workflow.report import quoted
from skep.pipeline.workflow.tree import Job

_UBUNTU = "ubuntu-latest ubuntu-22.04 ubuntu-22.04-arm ubuntu-24.04 ubuntu-24.04-arm ubuntu-26.04 ubuntu-26.04-arm ubuntu-slim"
_WINDOWS = "windows-latest windows-2022 windows-2025 windows-2025-vs2026 windows-11-arm"
_MACOS = (
    "macos-latest macos-latest-large macos-latest-xlarge macos-14 macos-14-large macos-14-xlarge macos-15 macos-15-large "
    "macos-15-xlarge macos-15-intel macos-26 macos-26-large macos-26-xlarge macos-26-intel"
)
HOSTED = frozenset(f"{_UBUNTU} {_WINDOWS} {_MACOS}".split())
"""Labels of GitHub's own runners, as of 2026."""
_SELF_HOSTED = frozenset(("self-hosted", "linux", "macos", "windows", "x64", "x86", "arm", "arm64"))
_RETIRED = {
    "ubuntu-16.04": "ubuntu-latest",
    "ubuntu-18.04": "ubuntu-latest",
    "ubuntu-20.04": "ubuntu-22.04",
    "windows-2016": "windows-2022",
    "windows-2019": "windows-2022",
    "macos-10.15": "macos-latest",
    "macos-11": "macos-latest",
    "macos-12": "macos-latest",
    "macos-13": "macos-15-intel",
}


def check(context: LintContext) -> Iterator[Finding]:
    """Literal labels, and those of the matrix that `runs-on` reads."""
    own = {label.lower() for label in context.options.labels}
    for job in context.workflow.jobs:
        for labels in _choices(job):
            if "self-hosted" in {label.text.lower() for label in labels}:
                continue
            yield from _conflicts(labels)
            for label in labels:
                finding = None if label.text.lower() in own else _finding(label)
                if finding is not None:
                    yield finding
        if isinstance(job.runs_on, SequenceNode) and not job.runs_on.items:
            yield RULE.finding(
                f"job `{job.id}` names no runner", job.runs_on.span, hint="write `ubuntu-latest`"
            )


def _conflicts(labels: tuple[Scalar, ...]) -> Iterator[Finding]:
    """Labels of GitHub's runners that no runner has together: a runner must have all that are listed."""
    hosted = [label for label in labels if label.text.lower() in HOSTED]
    for label in hosted[1:]:
        if label.text.lower() != hosted[0].text.lower():
            yield RULE.finding(
                f"no runner has both labels, {quoted(hosted[0].text)} and {quoted(label.text)}",
                label.span,
                hint="a runner must have all labels of the list; use a matrix to run on several",
            )


def _finding(label: Scalar) -> Finding | None:
    name = label.text.lower()
    if not name or name in HOSTED or name in _SELF_HOSTED:
        return None
    if name in _RETIRED:
        return RULE.finding(
            f"GitHub has no runners {quoted(label.text)} any more: the job would wait for nothing",
            label.span,
            hint=f"write `{_RETIRED[name]}`",
        )
    larger = any(name.startswith(f"{known}-") for known in HOSTED)  # larger runners are often named so
    near = [] if larger else get_close_matches(name, sorted(HOSTED | _SELF_HOSTED), n=1, cutoff=0.8)
    if near:
        return RULE.finding(
            f"no runner of GitHub has the label {quoted(label.text)}",
            label.span,
            hint=f"did you mean `{near[0]}`?",
        )
    return RULE.finding(
        f"{quoted(label.text)} is no label of GitHub's runners",
        label.span,
        hint="list the labels of your own runners as `labels` in `[lint]` of skep.toml",
        severity=Severity.NOTICE,
    )


def _choices(job: Job) -> Iterator[tuple[Scalar, ...]]:
    """The lists of labels that the job may ask for."""
    node = job.runs_on
    if isinstance(node, MappingNode):  # a group has labels of its own
        return
    if isinstance(node, SequenceNode):
        yield tuple(item for item in node.items if isinstance(item, Scalar))
    elif isinstance(node, Scalar):
        yield (node,)
    elif isinstance(node, Template):
        for value in _matrix_values(node, job):
            items = value.items if isinstance(value, SequenceNode) else (value,)
            yield tuple(item for item in items if isinstance(item, Scalar))


def _matrix_values(node: Template, job: Job) -> Iterator[Node]:
    """What `${{ matrix.os }}` may be."""
    paths = [static_path(tree) for tree in expressions_in(node.raw)]
    path = paths[0] if len(paths) == 1 and node.raw.startswith("${{") and node.raw.endswith("}}") else None
    matrix = job.strategy.get("matrix") if isinstance(job.strategy, MappingNode) else None
    if path is None or len(path) != 2 or path[0].lower() != "matrix" or not isinstance(matrix, MappingNode):
        return
    vector, included = matrix.get(path[1]), matrix.get("include")
    yield from vector.items if isinstance(vector, SequenceNode) else ()
    for row in included.items if isinstance(included, SequenceNode) else ():
        value = row.get(path[1]) if isinstance(row, MappingNode) else None
        if value is not None:
            yield value


RULE = RuleInfo(
    id="unknown-label",
    severity=Severity.WARNING,
    summary="a job asks for a runner that does not exist",
    explanation=(
        "A job whose `runs-on` matches no runner waits for a day and is then cancelled. This rule knows the labels of GitHub's "
        "own runners, also those that were retired, and looks at the values of the matrix that `runs-on` reads. Labels beside "
        "`self-hosted` are yours and never reported; list other labels of your runners as `labels` in `[lint]` of skep.toml."
    ),
    check=check,
    stands_alone=True,
)
