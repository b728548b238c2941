"""Our tables of keys, values, contexts and functions say the same as the schemas that GitHub publishes."""

from __future__ import annotations

import pytest

from skep.pipeline.actions.keys import RUNS, action_shape
from skep.pipeline.workflow.workflow_keys import WORKFLOW
from tools import NPM_PACKAGES, needs_tool

from .github_schema import differences

_SCHEMAS = NPM_PACKAGES / "@actions" / "workflow-parser" / "dist"

# where we differ on purpose
_WORKFLOW = {
    # theirs misspells this event's constant
    ".on: scalars: ours ['=repository_dispatch'], theirs []",
    ".on[]: scalars: ours ['=repository_dispatch'], theirs []",
    # GitHub itself accepts empty ones
    ".on.workflow_dispatch.inputs: scalars: ours ['null'], theirs []",
    ".on.workflow_dispatch.inputs.*: scalars: ours ['null'], theirs []",
    # their code, not their schema, forbids these inside `parallel:`
    ".jobs.*.steps[].parallel[].background: theirs only",
    ".jobs.*.steps[].parallel[]: form with ['cancel', 'continue-on-error', 'id', 'name'] is theirs only",
    ".jobs.*.steps[].parallel[]: form with ['continue-on-error', 'id', 'name', 'wait'] is theirs only",
    ".jobs.*.steps[].parallel[]: form with ['continue-on-error', 'id', 'name', 'wait-all'] is theirs only",
    ".jobs.*.steps[].parallel[]: form with ['parallel'] is theirs only",
}
_ACTION = {
    # theirs is what the marketplace wants; the runner, and we, run actions without these
    ": required on one side only: ['description', 'name']",
    ".name: scalars: ours ['text'], theirs ['name']",
    ": other keys: ours True, theirs False",
    ".branding: anything is allowed on one side only",
    ".inputs.*.required: scalars: ours ['text'], theirs []",
    # we choose the form by `using`, so that an unknown one is a finding of its own
    ".runs.using: scalars: ours ['name'], theirs ['=composite', '=docker', '=node12', '=node16', '=node20', '=node24']",
}


@needs_tool("npm:@actions/workflow-parser")
def test_the_tables_of_workflow_keys_are_those_of_github() -> None:
    assert differences(_SCHEMAS / "workflow-v1.0.min.json", "workflow-root-strict", WORKFLOW) == _WORKFLOW


@needs_tool("npm:@actions/workflow-parser")
@pytest.mark.parametrize("kind", RUNS)
def test_the_tables_of_action_keys_are_those_of_github(kind: str) -> None:
    found = differences(_SCHEMAS / "action-v1.0.min.json", "action-root-strict", action_shape(RUNS[kind]))
    other_kinds = {line for line in found if line.startswith(".runs: form with") and "theirs" in line}
    assert len(other_kinds) == len(RUNS) - 1
    assert found - other_kinds == _ACTION
