"""Where a part of a scalar's text stands in the file."""

from __future__ import annotations

from skep.model.finding import Location
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.nodes import Scalar, Template


def place_within(context: LintContext, node: Scalar | Template, start: int, end: int) -> Location | None:
    """The place of `node.text[start:end]`, up to the end of its first line; None when it cannot be told (folded, escaped)."""
    words = node.text[start:end].partition("\n")[0].rstrip()
    written, at = context.written(node.span), -1
    for _ in range(node.text.count(words, 0, start) + 1):
        at = written.find(words, at + 1)
        if at < 0:
            return None
    return context.inside(node.span, at, at + len(words))


def place_of_line(context: LintContext, node: Scalar | Template, line: str) -> Location | None:
    """The place of a line of the text, blanks around it left aside."""
    at = -1
    for piece in node.text.splitlines(keepends=True):
        at = max(at, 0)
        if piece.strip() == line:
            start = at + piece.index(line)
            return place_within(context, node, start, start + len(line))
        at += len(piece)
    return None
