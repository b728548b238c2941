"""Which workflows a trigger starts, and the sentence that says why."""

from dataclasses import replace

import pytest

from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.triggers import decide, matching_schedules, pattern_findings
from skep.pipeline.workflow.nodes import Scalar
from skep.pipeline.workflow.tree import Workflow

from .building import a_trigger, a_workflow, cases


@pytest.mark.parametrize("case", cases("triggers"), ids=lambda case: f"{case['event']} {case['reason']}"[:90])
def test_a_filter_decides_and_says_so(case: dict[str, Value]) -> None:
    facts = dict(case["facts"])  # type: ignore[arg-type]  # a mapping, by construction of the cases
    if isinstance(facts.get("changed_paths"), list):
        facts["changed_paths"] = tuple(facts["changed_paths"])  # type: ignore[arg-type]
    decision = decide(a_workflow(str(case["on"])), a_trigger(str(case["event"]), **facts))
    assert (decision.starts, decision.reason) == (case["starts"], case["reason"])


def test_the_decision_names_the_workflow_or_its_path() -> None:
    named = decide(a_workflow("name: Build\non: push\n"), a_trigger())
    unnamed = decide(a_workflow("on: push\n", ".github/workflows/x.yml"), a_trigger())
    assert (named.name, named.path) == ("Build", ".github/workflows/ci.yml")
    assert unnamed.name == ".github/workflows/x.yml"


def test_a_path_that_is_not_utf8_is_matched_and_shown() -> None:
    name = b"src/\xff.py".decode("utf-8", "surrogateescape")
    decision = decide(a_workflow("on: {push: {paths: ['src/*.py']}}"), a_trigger(changed_paths=(name,)))
    assert decision.starts
    decision.reason.encode("utf-8")


def test_a_pattern_that_is_none_stops_the_workflow_and_is_found() -> None:
    workflow = a_workflow("on: {push: {branches: [main, x]}}")
    on = workflow.triggers[0]
    assert on.branches is not None
    wrong = Scalar("a[", on.branches[1].span)
    broken = _with_branches(workflow, (on.branches[0], wrong))
    decision = decide(broken, a_trigger())
    assert not decision.starts
    assert decision.reason == "`a[` of `branches` is not a pattern: `[` is not closed by `]`"
    (finding,) = pattern_findings(broken, "push")
    assert (finding.rule, finding.where) == ("filter-pattern", wrong.span)
    assert pattern_findings(broken, "issues") == ()


def test_schedule_lines_are_chosen_by_their_five_fields() -> None:
    on = a_workflow("on: {schedule: [{cron: '0 5 * * 1'}, {cron: '0 5 * * 2'}]}").triggers[0]
    assert [cron.cron for cron in matching_schedules(on.schedules, " 0 5  * * 2 ")] == ["0 5 * * 2"]
    assert len(matching_schedules(on.schedules, "")) == 2
    assert matching_schedules(on.schedules, "0 5 * * 3") == ()


def test_a_schedule_below_github_s_five_minutes_is_warned_about() -> None:
    workflow = a_workflow("on: {schedule: [{cron: '*/3 * * * *'}, {cron: '*/5 * * * *'}]}")
    (finding,) = pattern_findings(workflow, "schedule")
    assert (finding.rule, finding.is_error) == ("cron-interval", False)


def _with_branches(workflow: Workflow, branches: tuple[Scalar, ...]) -> Workflow:
    return replace(workflow, triggers=(replace(workflow.triggers[0], branches=branches),))
