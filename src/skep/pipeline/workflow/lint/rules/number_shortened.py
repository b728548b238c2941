"""A version written as a number, which YAML shortens: 3.10 is 3.1."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Edit, Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.matrices import matrix_of
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode, Template

_SHORTENED = re.compile(r"\d+\.\d*0\Z")
_WHOLE = re.compile(r"\d+\.0+\Z")
_VERSION = re.compile(
    r"versions?\Z|python|\bpy\b|node|ruby|golang|\bgo\b|php|dotnet|elixir|\botp\b|toolchain", re.IGNORECASE
)


def check(context: LintContext) -> Iterator[Finding]:
    """Numbers that end in 0 behind the point, where a version is meant."""
    workflow = context.workflow
    for trigger in workflow.triggers:
        for spec in trigger.inputs:
            if _VERSION.search(spec.name) and spec.type.value != "number":
                yield from _in_values(context, spec.default, spec.name)
    for env in (
        workflow.env,
        *(job.env for job in workflow.jobs),
        *(site.step.env for site in context.steps),
    ):
        yield from _in_keys(context, env)
    for job in workflow.jobs:
        matrix = matrix_of(job)
        for entry in () if matrix is None else (matrix.node, *matrix.includes, *matrix.excludes):
            yield from _in_keys(context, entry)
        yield from _in_keys(context, job.with_)
    for site in context.steps:
        yield from _in_keys(context, site.step.with_)


def _in_keys(context: LintContext, node: Node | None) -> Iterator[Finding]:
    for key, value in node.entries if isinstance(node, MappingNode) else ():
        name = key.text
        if not isinstance(key, Template) and _VERSION.search(name.replace("_", "-")):
            yield from _in_values(context, value, name)


def _in_values(context: LintContext, node: Node | None, name: str) -> Iterator[Finding]:
    if isinstance(node, SequenceNode):
        for item in node.items:
            yield from _in_values(context, item, name)
        return
    written = context.written(node.span) if isinstance(node, Scalar) else ""
    if isinstance(node, Scalar) and _is_shortened(written) and node.text != written:
        start = context.source.offset(node.span.line, node.span.column)
        yield RULE.finding(
            f"`{name}` is `{node.text}` here: YAML reads {written} as a number, and a number has no last 0",
            node.span,
            hint=f'write it in quotes: "{written}"',
            severity=Severity.WARNING if _WHOLE.match(written) else Severity.ERROR,
            edits=(Edit(start=start, end=start + len(written), replacement=f'"{written}"'),),
        )


def _is_shortened(written: str) -> bool:
    """`3.10`, also `3.0`, which becomes `3`: the newest 3 instead of 3.0."""
    return bool(_SHORTENED.match(written) or _WHOLE.match(written))


RULE = RuleInfo(
    id="number-shortened",
    severity=Severity.ERROR,
    summary="a version that YAML shortens",
    explanation=(
        "YAML reads 3.10 as the number 3.1, and that is what the action gets: another version, installed without a word. "
        "The same happens to 1.20 and 20.0. Versions are text: write them in quotes."
    ),
    check=check,
    fixable=True,
)
"""The rule."""
