"""The text of an `if:` in, its compiled condition out, with `success() && (...)` where GitHub adds it."""

from __future__ import annotations

from skep.model.finding import Location
from skep.pipeline.expressions.compile import compile_expression

from .availability import AVAILABLE, Availability
from .embed import Embedder
from .nodes import Node, Scalar, Template
from .report import Report
from .tree import Condition

JOB_IF = AVAILABLE["jobs.<job>.if"]
STEP_IF = AVAILABLE["jobs.<job>.steps.if"]
_STATUS_FUNCTIONS = frozenset({"always", "cancelled", "failure", "success"})


def read_condition(
    node: Node | None, where: Location, available: Availability, embedder: Embedder
) -> Condition:
    """The condition of a job or step; `success()` when there is no `if:`, or it is wrong, which is reported.

    `where` is the place of the job or step, for conditions that were not written.
    """
    if not isinstance(node, Scalar | Template):
        return default_condition(where)
    _warn_of_text_around(node, embedder.report)
    text = (node.expression.text if isinstance(node, Template) else node.text).strip()
    if not text or (isinstance(node, Scalar) and "${{" in text):  # the latter is reported already
        return default_condition(node.span)
    if isinstance(node, Template):
        written = node.expression
    else:
        compiled = embedder.compile(text, node, available)
        if compiled is None:
            return default_condition(node.span)
        written = compiled
    if not written.functions & _STATUS_FUNCTIONS:
        wrapped = embedder.compile(f"success() && ({text})", _as_scalar(node), available)
        written = wrapped or written
    return Condition(expression=written, written=node.text, span=node.span)


def default_condition(where: Location) -> Condition:
    """The condition of what has no `if:`: run while nothing failed."""
    expression = compile_expression(
        "success()", contexts=STEP_IF.contexts, functions=STEP_IF.function_counts()
    )
    return Condition(expression=expression, written="", span=where)


def always_condition(where: Location) -> Condition:
    """The condition of steps that take no `if:` and always run."""
    expression = compile_expression(
        "always()", contexts=STEP_IF.contexts, functions=STEP_IF.function_counts()
    )
    return Condition(expression=expression, written="", span=where)


def _as_scalar(node: Scalar | Template) -> Scalar:
    return node if isinstance(node, Scalar) else Scalar(node.raw, node.span, node.raw)


def _warn_of_text_around(node: Scalar | Template, report: Report) -> None:
    """Text around `${{ }}` makes the whole a string, which is always true: GitHub runs it, nobody means it."""
    if isinstance(node, Template) and not (
        node.raw.strip().startswith("${{") and node.raw.strip().endswith("}}") and node.raw.count("${{") == 1
    ):
        report.warn(
            "condition-always-true",
            "text around `${{ }}` makes this condition a string, which is always true",
            node.span,
            hint="write the whole condition inside one `${{ }}`, or without it",
        )
