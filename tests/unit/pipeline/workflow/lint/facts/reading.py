"""Workflows for these tests: from a few lines of text."""

from __future__ import annotations

from textwrap import dedent

from skep.pipeline.workflow.lint.context import LintContext, lint_context
from skep.pipeline.workflow.reader import read_workflow
from skep.pipeline.workflow.tree import Workflow

PATH = ".github/workflows/ci.yml"


def workflow_of(text: str) -> Workflow:
    """The tree of a workflow that is right."""
    workflow, findings = read_workflow(dedent(text), PATH)
    assert workflow is not None, findings
    return workflow


def context_of(text: str) -> LintContext:
    """What rules see of it."""
    return lint_context(workflow_of(text), dedent(text))
