"""What the tree of a right file holds."""

from __future__ import annotations

import pytest

from skep.pipeline.workflow.nodes import MappingNode, Scalar, SequenceNode, Template
from skep.pipeline.workflow.reader import read_workflow
from skep.pipeline.workflow.tree import InputType, Step, StepKind, Workflow


def read(text: str) -> Workflow:
    """The tree of a file without errors."""
    workflow, findings = read_workflow(text, ".github/workflows/ci.yml")
    assert workflow is not None, findings
    return workflow


def steps(*lines: str, env: str = "") -> tuple[Step, ...]:
    """The steps of one job."""
    body = "".join(f"      - {line}\n" for line in lines)
    return read(f"on: push\njobs:\n  a:\n    runs-on: x\n{env}    steps:\n{body}").jobs[0].steps


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        (["run: a", "run: b", "run: c"], ["__run", "__run_2", "__run_3"]),
        (["uses: actions/checkout@v4"] * 2, ["__actions_checkout", "__actions_checkout_2"]),
        (["uses: docker://alpine:3.8"], ["__alpine_3_8"]),
        (["uses: ./here", "uses: $/there", "uses: ./here"], ["__self", "__self_2", "__self_3"]),
        (["uses: owner/repo/deep/path@ref"], ["__owner_repo"]),
        (["{id: _a, run: x}", "run: y"], ["_a", "__run"]),
        (
            ["{id: s, run: x, background: true}", "wait: s", "wait-all:", "cancel: s"],
            ["s", "__wait", "__wait-all", "__cancel"],
        ),
    ],
)
def test_steps_without_an_id_get_the_one_github_makes(lines: list[str], ids: list[str]) -> None:
    assert [step.id for step in steps(*lines)] == ids


def test_a_made_id_is_at_most_100_characters_long() -> None:
    made = [step.id for step in steps(*[f"uses: docker://{'x' * 200}"] * 12)]
    assert {len(name) for name in made} == {100}
    assert len(set(made)) == 12


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("", "success()"),
        ("if: ''", "success()"),
        ("if: github.ref", "success() && (github.ref)"),
        ("if: ${{ github.ref }}", "success() && (github.ref)"),
        ("if: true", "success() && (true)"),
        ("if: ALWAYS()", "ALWAYS()"),
        ("if: '!cancelled()'", "!cancelled()"),
        ("if: contains('always()', github.ref)", "success() && (contains('always()', github.ref))"),
        ("if: ${{ github.ref }} x", "success() && (format('{0} x', github.ref))"),
        ("if: case(failure(), 1, 2)", "case(failure(), 1, 2)"),
    ],
)
def test_success_is_added_to_conditions_without_a_status_function(written: str, text: str) -> None:
    (step,) = steps("run: x" + (f"\n        {written}" if written else ""))
    assert step.condition.expression.text == text


def test_text_around_an_expression_in_a_condition_is_warned_of() -> None:
    text = 'on: push\njobs: {a: {runs-on: x, if: "${{ false }} || ${{ true }}", steps: [{run: y}]}}'
    workflow, findings = read_workflow(text, "x.yml")
    assert workflow is not None
    assert [finding.rule for finding in findings] == ["condition-always-true"]
    assert workflow.jobs[0].condition.expression.text == "success() && (format('{0} || {1}', false, true))"


def test_triggers_keep_their_filters_in_order() -> None:
    workflow = read(
        "on:\n  push:\n    branches: [main, '!dev/**']\n    paths: src/**\n  pull_request:\n  release: {types: published}\n"
        "  repository_dispatch: {types: [mine]}\n"
        "  schedule:\n    - {cron: '5 4 * * *', timezone: Europe/Berlin}\n    - cron: '*/5 * * * *'\n"
        "jobs: {a: {runs-on: x}}\n"
    )
    push = workflow.trigger("push")
    assert push is not None
    assert [pattern.text for pattern in push.branches or ()] == ["main", "!dev/**"]
    assert [pattern.text for pattern in push.paths or ()] == ["src/**"]
    assert push.tags is None
    pull_request = workflow.trigger("pull_request")
    assert pull_request is not None
    assert pull_request.types is None
    release = workflow.trigger("release")
    assert release is not None
    assert [kind.text for kind in release.types or ()] == ["published"]
    schedule = workflow.trigger("schedule")
    assert schedule is not None
    assert [(entry.cron, entry.timezone) for entry in schedule.schedules] == [
        ("5 4 * * *", "Europe/Berlin"),
        ("*/5 * * * *", "UTC"),
    ]
    assert workflow.trigger("fork") is None


@pytest.mark.parametrize("written", ["push", "[push, fork]", "{push: , fork: }"])
def test_on_may_be_a_word_a_list_or_a_mapping(written: str) -> None:
    workflow = read(f"on: {written}\njobs: {{a: {{runs-on: x}}}}\n")
    assert workflow.triggers[0].event == "push"
    assert workflow.triggers[0].span.line == 1


def test_inputs_have_their_types() -> None:
    workflow = read(
        "on:\n  workflow_dispatch:\n    inputs:\n      plain:\n      old: {default: 1.5}\n      level:\n        type: choice\n"
        "        options: [a, 1]\n        default: a\n        required: true\n        description: how much\n"
        "      count: {type: number, default: 3}\n      dry: {type: boolean, default: false}\n"
        "jobs: {a: {runs-on: x}}\n"
    )
    trigger = workflow.trigger("workflow_dispatch")
    assert trigger is not None
    plain, old, level, count, dry = trigger.inputs
    assert old.type is InputType.STRING
    assert (plain.type, plain.required, plain.default) == (InputType.STRING, False, None)
    assert (level.type, level.options, level.required) == (InputType.CHOICE, ("a", "1"), True)
    assert level.description == "how much"
    assert (count.type, dry.type) == (InputType.NUMBER, InputType.BOOLEAN)
    assert isinstance(dry.default, Scalar)
    assert dry.default.value is False


def test_a_job_holds_its_keys_as_nodes() -> None:
    workflow = read(
        "on: push\nenv: {TOP: 1}\ndefaults: {run: {shell: bash}}\njobs:\n  Build-It:\n    name: b ${{ matrix.os }}\n"
        "    runs-on: [self-hosted, linux]\n    timeout-minutes: ${{ matrix.t }}\n    outputs: {v: '${{ steps.a.outputs.v }}'}\n"
        "    defaults: {run: {working-directory: src}}\n    strategy: {matrix: {os: [a, 2, true, null, {b: c}]}}\n"
        "    steps:\n      - uses: actions/cache@v4\n        with: {path: x, n: 5}\n"
    )
    job = workflow.job("build-it")
    assert job is not None
    assert job.id == "Build-It"
    assert isinstance(job.name, Template)
    assert job.name.expression.text == "format('b {0}', matrix.os)"
    assert isinstance(job.runs_on, SequenceNode)
    assert isinstance(job.outputs, MappingNode)
    assert isinstance(job.defaults.working_directory, Scalar)
    assert isinstance(workflow.defaults.shell, Scalar)
    with_ = job.steps[0].with_
    assert isinstance(with_, MappingNode)
    number = with_.get("n")
    assert isinstance(number, Scalar)
    assert number.value == "5"


def test_matrix_values_keep_their_kinds() -> None:
    workflow = read(
        "on: push\njobs: {a: {runs-on: x, strategy: {matrix: {v: [a, 2, true, null, 1.5, {b: 3}]}}}}"
    )
    strategy = workflow.jobs[0].strategy
    assert isinstance(strategy, MappingNode)
    matrix = strategy.get("matrix")
    assert isinstance(matrix, MappingNode)
    vector = matrix.get("v")
    assert isinstance(vector, SequenceNode)
    assert [item.value for item in vector.items if isinstance(item, Scalar)] == ["a", 2, True, None, 1.5]


def test_a_quoted_string_in_an_expression_is_a_literal() -> None:
    (step,) = steps("run: ${{ 'echo ${{ it''s }}' }}")
    assert isinstance(step.run, Scalar)
    assert step.run.value == "echo ${{ it's }}"


def test_parallel_steps_are_read() -> None:
    first, group, rest = steps(
        "{id: server, run: serve, background: true}",
        "parallel:\n          - run: a\n          - {id: b, uses: actions/cache@v4}",
        "wait: [server, b]",
    )
    assert isinstance(first.background, Scalar)
    assert group.kind is StepKind.PARALLEL
    assert [step.id for step in group.steps] == ["__run", "b"]
    assert rest.targets == ("server", "b")
    assert rest.condition.expression.text == "always()"


def test_every_key_of_2026_is_known() -> None:
    read(
        "on:\n  image_version: {types: [ready], names: [a], versions: ['1.*']}\n"
        "  schedule: [{cron: '0 0 1 jan sun', timezone: UTC}]\n"
        "run-name: r ${{ github.actor }}\ndescription: d\npermissions: {models: read, id-token: write, attestations: write}\n"
        "concurrency: {group: g, cancel-in-progress: '${{ true }}', queue: max}\n"
        "jobs:\n  a:\n    runs-on: {group: org/g, labels: [l]}\n    cancel-timeout-minutes: 5\n"
        "    environment: {name: n, url: '${{ steps.x.outputs.u }}', deployment: false}\n"
        "    snapshot: {image-name: i, version: 2.*, if: github.ref}\n"
        "    container: {image: i, credentials: {username: u, password: '${{ secrets.P }}'}, options: --x}\n"
        "    services: {db: {image: p, entrypoint: e, command: c, ports: [80, '81:81']}}\n"
        "    continue-on-error: ${{ case(github.ref == 'x', true, false) }}\n"
        "    steps: [{uses: $/actions/x}, {run: x, working-directory: y, shell: bash, timeout-minutes: 1}]\n"
        "  b:\n    needs: [a]\n    uses: o/r/.github/workflows/w.yml@v1\n    with: {x: true}\n    secrets: inherit\n"
    )
