"""Reusable workflows: what a call must give, may give, and how deep it may go."""

from __future__ import annotations

import pytest

from skep.pipeline.workflow.limits import Limits
from skep.pipeline.workflow.permissions import PermissionsPolicy
from skep.pipeline.workflow.reader import read_workflow

_STEPS = "runs-on: x\n    steps: [{run: y}]\n"
_CALLED = f"""on:
  workflow_call:
    inputs:
      text: {{type: string, required: true}}
      count: {{type: number}}
      dry: {{type: boolean, default: false}}
    secrets:
      token: {{required: true}}
      other:
jobs:
  inner:
    {_STEPS}"""


def read(job: str, files: dict[str, str], **options: object) -> list[tuple[str, str]]:
    """(rule, place) of each finding of a workflow with one calling job `a`."""
    text = f"on: push\njobs:\n  a:\n{job}"
    _, findings = read_workflow(text, "ci.yml", called=files.get, **options)  # type: ignore[arg-type]
    return [(finding.rule, str(finding.where)) for finding in findings]


def call(*lines: str, uses: str = "./.github/workflows/called.yml") -> str:
    """The body of a calling job."""
    return f"    uses: {uses}\n" + "".join(f"    {line}\n" for line in lines)


_FILES = {"./.github/workflows/called.yml": _CALLED}
_GOOD = ["with: {text: hello, count: 3, dry: true}", "secrets: {token: x}"]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (_GOOD, []),
        (["with: {TEXT: '${{ github.ref }}'}", "secrets: inherit"], []),
        (["secrets: inherit"], [("missing-input", "ci.yml:4:11")]),
        (["with: {text: a}"], [("missing-secret", "ci.yml:4:11")]),
        (["with: {text: a, txt: b}", "secrets: inherit"], [("unknown-input", "ci.yml:5:26")]),
        (["with: {text: a}", "secrets: {token: a, tokn: b}"], [("unknown-secret", "ci.yml:6:31")]),
        (["with: {text: a, count: many}", "secrets: inherit"], [("wrong-type", "ci.yml:5:28")]),
        (["with: {text: a, dry: 'true'}", "secrets: inherit"], [("wrong-type", "ci.yml:5:26")]),
        (["with: {text: a, dry: '${{ github.x }}'}", "secrets: inherit"], []),
    ],
)
def test_a_call_gives_what_is_declared(lines: list[str], found: list[tuple[str, str]]) -> None:
    assert read(call(*lines), _FILES) == found


def test_the_called_tree_is_attached() -> None:
    text = "on: push\njobs:\n  a:\n" + call(*_GOOD)
    workflow, _ = read_workflow(text, "ci.yml", called=_FILES.get)
    assert workflow is not None
    called = workflow.jobs[0].called
    assert called is not None
    assert called.path == ".github/workflows/called.yml"
    assert [job.id for job in called.jobs] == ["inner"]


def test_calls_are_not_followed_without_files() -> None:
    workflow, findings = read_workflow("on: push\njobs:\n  a:\n" + call(), "ci.yml")
    assert findings == ()
    assert workflow is not None
    assert workflow.jobs[0].called is None


def test_a_missing_local_workflow_is_an_error_and_a_missing_remote_one_is_not() -> None:
    assert read(call(), {}) == [("unknown-workflow", "ci.yml:4:11")]
    assert read(call(uses="o/r/.github/workflows/x.yml@v1"), {}) == []


def test_a_workflow_without_workflow_call_cannot_be_called() -> None:
    files = {"./.github/workflows/called.yml": f"on: push\njobs:\n  b:\n    {_STEPS}"}
    assert read(call(), files) == [("not-callable", "ci.yml:4:11")]


def test_errors_of_the_called_file_are_reported_there_and_at_the_call() -> None:
    files = {"./.github/workflows/called.yml": "on: workflow_call\njobs: {b: {runson: x}}\n"}
    found = read(call(), files)
    assert ("unknown-key", ".github/workflows/called.yml:2:12") in found
    assert ("called-workflow-wrong", "ci.yml:4:11") in found


def test_a_workflow_that_calls_itself_is_an_error() -> None:
    again = "on: workflow_call\njobs:\n  b:\n" + call()
    assert read(call(), {"./.github/workflows/called.yml": again}) == [
        ("call-cycle", ".github/workflows/called.yml:4:11")
    ]


def _chain(length: int) -> dict[str, str]:
    uses = "o/r/.github/workflows/{}.yml@v1"
    files = {
        uses.format(n): "on: workflow_call\njobs:\n  b:\n" + call(uses=uses.format(n + 1))
        for n in range(1, length)
    }
    return {**files, uses.format(length): f"on: workflow_call\njobs:\n  b:\n    {_STEPS}"}


def test_nine_levels_of_calls_are_allowed_and_ten_are_not() -> None:
    first = call(uses="o/r/.github/workflows/1.yml@v1")
    assert read(first, _chain(9)) == []
    assert [rule for rule, _ in read(first, _chain(10))] == ["calls-too-deep"]
    assert [rule for rule, _ in read(first, _chain(3), limits=Limits(max_call_depth=2))] == ["calls-too-deep"]


def test_a_local_call_in_a_remote_workflow_means_its_own_repository() -> None:
    files = {
        "o/r/.github/workflows/1.yml@v1": "on: workflow_call\njobs:\n  b:\n"
        + call(uses="./.github/workflows/2.yml"),
        "o/r/.github/workflows/2.yml@v1": f"on: workflow_call\njobs:\n  c:\n    {_STEPS}",
    }
    text = "on: push\njobs:\n  a:\n" + call(uses="o/r/.github/workflows/1.yml@v1")
    workflow, findings = read_workflow(text, "ci.yml", called=files.get)
    assert findings == ()
    assert workflow is not None
    first = workflow.jobs[0].called
    assert first is not None
    second = first.jobs[0].called
    assert second is not None
    assert second.path == "o/r/.github/workflows/2.yml@v1"


def _asks(top: str, job: str) -> str:
    return f"on: workflow_call\n{top}jobs:\n  b:\n    {job}{_STEPS}"


@pytest.mark.parametrize(
    ("caller", "top", "job", "policy", "exceeds"),
    [
        ("permissions: {contents: read}", "permissions: {contents: write}\n", "", "Write", True),
        ("permissions: {contents: write}", "permissions: {contents: write}\n", "", "Write", False),
        ("permissions: {}", "", "permissions: read-all\n    ", "Write", True),
        ("permissions: write-all", "", "permissions: write-all\n    ", "LimitedRead", False),
        ("permissions: read-all", "", "permissions: {issues: read}\n    ", "LimitedRead", False),
        ("", "permissions: {contents: write}\n", "", "Write", False),
        ("", "permissions: {contents: write}\n", "", "LimitedRead", True),
        ("", "permissions: {contents: read, packages: read}\n", "", "LimitedRead", False),
        (
            "permissions: {issues: write}",
            "permissions: {issues: none}\n",
            "permissions: {issues: write}\n    ",
            "Write",
            False,
        ),
    ],
)
def test_a_called_workflow_may_not_ask_for_more_than_its_caller_has(
    caller: str, top: str, job: str, policy: str, exceeds: bool
) -> None:
    files = {"./.github/workflows/called.yml": _asks(top, job)}
    found = read(call(caller) if caller else call(), files, permissions_policy=PermissionsPolicy(policy))
    assert found == ([("permissions-exceeded", "ci.yml:3:3")] if exceeds else [])


def test_what_the_first_caller_forbids_no_later_call_can_ask_for() -> None:
    files = {
        "./.github/workflows/called.yml": "on: workflow_call\njobs:\n  b:\n"
        + call(uses="./.github/workflows/deep.yml"),
        "./.github/workflows/deep.yml": _asks("permissions: {contents: write}\n", ""),
    }
    found = read(call("permissions: {contents: read}"), files)
    assert found == [("permissions-exceeded", ".github/workflows/called.yml:3:3")]


def test_jobs_of_all_files_count_together() -> None:
    files = {
        "./.github/workflows/called.yml": f"on: workflow_call\njobs:\n  b:\n    {_STEPS}  c:\n    {_STEPS}"
    }
    assert read(call(), files, limits=Limits(max_jobs=3)) == []
    assert [rule for rule, _ in read(call(), files, limits=Limits(max_jobs=2))] == ["too-many-jobs"]


def test_the_number_of_files_is_limited() -> None:
    first = call(uses="o/r/.github/workflows/1.yml@v1")
    assert [rule for rule, _ in read(first, _chain(3), limits=Limits(max_files=3))] == ["too-many-files"]
