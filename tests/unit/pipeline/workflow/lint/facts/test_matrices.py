"""Literal matrices give as many legs as the plan makes of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.errors import UserError
from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.matrix import expand_strategy
from skep.pipeline.workflow.lint.facts.matrices import Matrix, matrix_of
from skep.pipeline.workflow.lint.facts.shells import Shell, runner_labels, shell_of

from .reading import workflow_of

VALUES = st.sampled_from(
    [
        "a",
        "A",
        "b",
        "",
        1,
        "1",
        True,
        None,
        {"k": 1},
        {"K": "1", "l": "x"},
        {"k": {"m": "a"}},
        [1, 2],
        [1],
        [],
    ]
)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES, min_size=1, max_size=3), min_size=1, max_size=3
)
VECTORS = st.fixed_dictionaries(
    {"x": st.lists(VALUES, min_size=1, max_size=3)}, optional={"y": st.lists(VALUES, min_size=1, max_size=2)}
)


def _matrix(value: object) -> Matrix | None:
    text = json.dumps({"matrix": value})
    return matrix_of(
        workflow_of(f"on: push\njobs: {{a: {{runs-on: x, strategy: {text}, steps: [{{run: y}}]}}}}").jobs[0]
    )


@given(VECTORS, st.none() | ROWS, st.none() | ROWS)
def test_legs_are_counted_as_the_plan_expands_them(
    vectors: dict[str, list[Value]],
    include: list[dict[str, Value]] | None,
    exclude: list[dict[str, Value]] | None,
) -> None:
    value: dict[str, Value] = dict(vectors)
    if include is not None:
        value["include"] = include
    if exclude is not None:
        rows = [{key: item for key, item in row.items() if key in vectors} for row in exclude]
        value["exclude"] = [row for row in rows if row]
    try:
        strategy = expand_strategy({"matrix": value})
    except UserError:
        return
    found = _matrix(value)
    assert found is not None
    assert found.leg_count == (len(strategy.legs) if strategy.is_matrix else 0)


@pytest.mark.parametrize(
    "matrix",
    [
        {"x": "${{ fromJSON('[1]') }}"},
        {"x": [1], "include": "${{ fromJSON('[1]') }}"},
        {"x": ["${{ github.ref }}"]},
    ],
)
def test_a_matrix_with_expressions_has_no_certain_count(matrix: object) -> None:
    found = _matrix(matrix)
    assert found is not None
    assert found.leg_count is None


@pytest.mark.parametrize(
    ("job", "labels", "shell"),
    [
        ("runs-on: ubuntu-latest", ("ubuntu-latest",), Shell.DEFAULT),
        ("runs-on: [self-hosted, linux]", ("self-hosted", "linux"), Shell.DEFAULT),
        ("runs-on: windows-2025", ("windows-2025",), Shell.OTHER),
        ("runs-on: {group: big, labels: [x64]}", ("x64",), Shell.DEFAULT),
        ("runs-on: {group: big}", (), Shell.UNKNOWN),
        ("runs-on: '${{ vars.X }}'", (), Shell.UNKNOWN),
        ("strategy: {matrix: {os: [ubuntu-latest, macos-15]}}, runs-on: '${{ matrix.os }}'",
         ("ubuntu-latest", "macos-15"), Shell.DEFAULT),
        ("strategy: {matrix: {os: [ubuntu-latest], include: [{os: windows-latest}]}}, runs-on: '${{ matrix.OS }}'",
         ("ubuntu-latest", "windows-latest"), Shell.UNKNOWN),
        ("strategy: {matrix: {os: ['${{ vars.X }}']}}, runs-on: '${{ matrix.os }}'", (), Shell.UNKNOWN),
        ("defaults: {run: {shell: bash}}, runs-on: windows-latest", ("windows-latest",), Shell.BASH),
        ("defaults: {run: {shell: 'bash -l {0}'}}, runs-on: x", ("x",), Shell.DEFAULT),
        ("defaults: {run: {shell: 'bash -eo pipefail {0}'}}, runs-on: x", ("x",), Shell.BASH),
        ("defaults: {run: {shell: sh}}, runs-on: x", ("x",), Shell.SH),
        ("defaults: {run: {shell: pwsh}}, runs-on: x", ("x",), Shell.OTHER),
        ("defaults: {run: {shell: '${{ matrix.x }}'}}, runs-on: x", ("x",), Shell.UNKNOWN),
    ],
)  # fmt: skip
def test_the_shell_of_a_step_is_told_where_it_is_certain(
    job: str, labels: tuple[str, ...], shell: Shell
) -> None:
    workflow = workflow_of(f"on: push\njobs: {{a: {{{job}, steps: [{{run: y}}]}}}}")
    (found,) = workflow.jobs
    assert runner_labels(found) == labels
    assert shell_of(workflow, found, found.steps[0]) is shell
