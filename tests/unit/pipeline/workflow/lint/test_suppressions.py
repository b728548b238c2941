"""Comments that silence a rule."""

from __future__ import annotations

import pytest

from skep.model.finding import Severity
from skep.pipeline.workflow.lint.check import LintResult, lint_text
from skep.pipeline.workflow.lint.options import LintOptions
from skep.pipeline.workflow.lint.suppressions import read_suppressions

WORKFLOW = """\
on: push
permissions: {{contents: read}}
jobs:
  build:
{before}    runs-on: big-machine{behind}
    steps:
      - run: make
"""
RULE = "unknown-label"


def lint(*, before: str = "", behind: str = "", options: LintOptions | None = None) -> LintResult:
    """What is found in a workflow whose only mistake is its label."""
    text = WORKFLOW.format(before=before, behind=f" {behind}" if behind else "")
    return lint_text(text, "ci.yml", options=options)


def rules_of(result: LintResult) -> list[str]:
    """The rules of the findings."""
    return [finding.rule for finding in result.findings]


def test_without_a_comment_the_finding_stays() -> None:
    assert rules_of(lint()) == [RULE]


@pytest.mark.parametrize(
    "comment",
    [
        "# skep: ignore[unknown-label] a runner of ours",
        "#skep:ignore[unknown-label] a runner of ours",
        "#  skep: ignore[ unknown-label ] - a runner of ours",
    ],
)
def test_a_comment_behind_the_value_silences_its_line(comment: str) -> None:
    result = lint(behind=comment)
    assert rules_of(result) == []
    assert [(finding.rule, reason) for finding, reason in result.silenced] == [(RULE, "a runner of ours")]


def test_a_comment_alone_on_a_line_silences_the_next_line_that_is_no_comment() -> None:
    before = "    # skep: ignore[unknown-label] a runner of ours\n    # and more words\n\n"
    assert rules_of(lint(before=before)) == []


def test_one_comment_may_name_several_rules() -> None:
    result = lint(behind="# skep: ignore[unknown-label, unpinned-action] ours")
    assert [(finding.rule, finding.message) for finding in result.findings] == [
        ("unused-suppression", "`unpinned-action` finds nothing here")
    ]


def test_a_comment_without_a_reason_silences_and_is_a_finding_itself() -> None:
    result = lint(behind="# skep: ignore[unknown-label]")
    assert [(finding.rule, finding.severity) for finding in result.findings] == [
        ("bad-suppression", Severity.WARNING)
    ]
    assert len(result.silenced) == 1


def test_a_comment_that_silences_nothing_is_a_finding_at_its_place() -> None:
    (finding,) = lint(
        before="    # skep: ignore[untrusted-text] was there once\n", behind="# skep: ignore[unknown-label] x"
    ).findings
    assert (finding.rule, finding.where.line, finding.where.column) == ("unused-suppression", 5, 5)


def test_a_comment_with_an_unknown_rule_says_which_is_meant() -> None:
    result = lint(behind="# skep: ignore[unknwon-label] x")
    assert {finding.rule: finding.hint for finding in result.findings}["bad-suppression"] == (
        "did you mean `unknown-label`?"
    )
    assert RULE in rules_of(result)


def test_a_comment_without_any_rule_silences_nothing() -> None:
    assert sorted(rules_of(lint(behind="# skep: ignore because I say so"))) == ["bad-suppression", RULE]


def test_a_comment_of_a_rule_that_was_not_looked_at_is_not_called_unused() -> None:
    only = LintOptions(only=frozenset({"untrusted-text"}))
    assert rules_of(lint(before="    # skep: ignore[unpinned-action] later\n", options=only)) == []


def test_a_comment_in_a_script_silences_a_finding_there() -> None:
    text = (
        "on: issues\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n"
        "          # skep: ignore[untrusted-text] only collaborators open issues here\n"
        "          echo '${{ github.event.issue.title }}'\n"
    )
    assert rules_of(lint_text(text, "ci.yml")) == []


def test_what_github_refuses_cannot_be_silenced() -> None:
    text = "on: push\njobs:\n  a:\n    # skep: ignore[unknown-key] please\n    runson: x\n    runs-on: ubuntu-latest\n"
    assert "unknown-key" in rules_of(lint_text(text, "ci.yml"))


def test_text_that_only_looks_like_a_comment_is_none() -> None:
    assert read_suppressions("run: echo x#skep: ignore[unknown-label] y", "ci.yml") == ()


def test_lines_are_counted_as_yaml_counts_them() -> None:
    (found,) = read_suppressions("a: 1\r\nb: 2\rc: 3 # skep: ignore[x] y\n", "ci.yml")
    assert (found.line, found.where.column, found.where.end_column) == (3, 6, 25)


def test_an_ignored_rule_finds_nothing() -> None:
    assert rules_of(lint(options=LintOptions(ignored=frozenset({RULE})))) == []


def test_only_the_rules_asked_for_are_looked_at() -> None:
    assert rules_of(lint(options=LintOptions(only=frozenset({"untrusted-text"})))) == []
    assert rules_of(lint(options=LintOptions(only=frozenset({RULE})))) == [RULE]


def test_a_severity_of_the_project_replaces_the_rules_own() -> None:
    (finding,) = lint(options=LintOptions(severities={RULE: Severity.ERROR})).findings
    assert finding.severity is Severity.ERROR


def test_a_label_of_the_project_is_known() -> None:
    assert rules_of(lint(options=LintOptions(labels=("Big-Machine",)))) == []


def test_a_file_with_errors_is_still_looked_at_by_rules_that_see_one_step_alone() -> None:
    text = (
        "on: issues\njobs:\n  a:\n    runson: x\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - run: echo '${{ github.event.issue.title }} ${{ github.nope }} ${{ wrong }}'\n"
        "      - run: echo '${{ github.event.issue.title }} ${{ github.nope }}'\n"
    )
    result = lint_text(text, "ci.yml")
    assert not result.readable
    assert [(finding.rule, finding.where.line) for finding in result.findings] == [
        ("unknown-key", 4),
        ("expression-context", 7),
        ("untrusted-text", 8),
    ]
