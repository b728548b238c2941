"""Which jobs are certainly skipped, and through which."""

from __future__ import annotations

import pytest

from skep.pipeline.workflow.lint.facts.occasions import occasions
from skep.pipeline.workflow.lint.facts.running import job_outlooks, waits_for_success

from .reading import workflow_of


def _outlooks(jobs: dict[str, tuple[list[str], str]]) -> dict[str, tuple[bool | None, tuple[str, ...]]]:
    lines = ["on: {push: {branches: [main]}}", "jobs:"]
    for name, (needs, condition) in jobs.items():
        lines += [f"  {name}:", f"    needs: [{', '.join(needs)}]", "    runs-on: x", "    steps: [{run: y}]"]
        if condition:
            lines += [f"    if: {condition}"]
    workflow = workflow_of("\n".join(lines))
    (way,) = occasions(workflow)
    return {name: (found.runs, found.skipped_by) for name, found in job_outlooks(workflow, way).items()}


PULL = "github.event_name == 'pull_request'"


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("", False),
        ("github.ref == 'refs/heads/main'", False),
        ("success() || vars.X", None),
        ("always()", True),
        ("${{ !cancelled() }}", None),
        ("failure()", None),
        ("always() && needs.a.result == 'success'", False),
        ("always() && needs.a.result == 'skipped'", True),
        (f"always() && {PULL}", False),
    ],
)
def test_a_skipped_job_skips_those_that_wait_for_success(condition: str, runs: bool | None) -> None:
    found = _outlooks({"a": ([], PULL), "b": (["a"], condition)})
    assert found == {"a": (False, ()), "b": (runs, ("a",))}


def test_a_skip_goes_on_through_a_job_that_always_runs() -> None:
    found = _outlooks({"a": ([], PULL), "b": (["a"], "always()"), "c": (["b"], "")})
    assert found["b"] == (True, ("a",))
    assert found["c"] == (False, ("a",))


def test_a_job_that_may_fail_is_open() -> None:
    found = _outlooks({"a": ([], ""), "b": (["a"], "needs.a.outputs.x == 'y'")})
    assert found == {"a": (None, ()), "b": (None, ())}


@pytest.mark.parametrize(
    ("condition", "waits"),
    [
        ("", True),
        ("vars.X", True),
        ("success()", False),
        ("always()", False),
        ("${{ vars.X && failure() }}", False),
    ],
)
def test_a_status_function_ends_the_waiting_for_success(condition: str, waits: bool) -> None:
    workflow = workflow_of(f"on: push\njobs: {{a: {{if: '{condition}', runs-on: x, steps: [{{run: y}}]}}}}")
    assert waits_for_success(workflow.jobs[0]) is waits
