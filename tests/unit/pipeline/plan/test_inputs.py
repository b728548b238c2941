"""Typed inputs: conversion, defaults, and what is wrong."""

import pytest

from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.inputs import input_texts, resolve_inputs
from skep.pipeline.workflow.tree import InputSpec

from .building import a_workflow

DISPATCH = """
on:
  workflow_dispatch:
    inputs:
      text: {type: string}
      plain:
      flag: {type: boolean}
      on: {type: boolean, default: true}
      count: {type: number, default: 3}
      level: {type: choice, options: [low, high], default: high}
      free: {type: choice, options: [a, b]}
      where: {type: environment}
"""
CALL = """
on:
  workflow_call:
    inputs:
      ref: {type: string, default: "${{ github.ref_name }}"}
      name: {type: string, required: true}
"""


def specs(text: str = DISPATCH) -> tuple[InputSpec, ...]:
    return a_workflow(text).triggers[0].inputs


def resolved(given: dict[str, Value], text: str = DISPATCH) -> tuple[dict[str, Value], list[str]]:
    scope = Scope(contexts={"github": {"ref_name": "main"}})
    values, findings = resolve_inputs(specs(text), given, scope)
    return values, [f"{finding.rule}: {finding.message}" for finding in findings]


def test_what_is_not_given_takes_its_default_or_is_empty() -> None:
    values, findings = resolved({})
    assert findings == []
    assert values == {
        "text": "",
        "plain": "",
        "flag": False,
        "on": True,
        "count": 3,
        "level": "high",
        "free": "",
        "where": "",
    }


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("text", "true", "true"),
        ("text", 1.5, "1.5"),
        ("text", True, "true"),
        ("flag", "true", True),
        ("flag", "FALSE", False),
        ("flag", True, True),
        ("count", "12", 12),
        ("count", " 0x10 ", 16),
        ("count", "2.5", 2.5),
        ("count", 7, 7),
        ("level", "low", "low"),
        ("where", "production", "production"),
        ("FLAG", "true", True),
    ],
)
def test_a_given_value_gets_the_declared_type(name: str, given: Value, expected: Value) -> None:
    values, findings = resolved({name: given})
    value = values[name.lower()]
    assert findings == []
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("name", "given", "finding"),
    [
        ("flag", "yes", "input-type: input `flag` is a boolean, `yes` is not"),
        ("flag", "", "input-type: input `flag` is a boolean, `` is not"),
        ("flag", 1, "input-type: input `flag` is a boolean, `1` is not"),
        ("count", "many", "input-type: input `count` is a number, `many` is not"),
        ("count", "", "input-type: input `count` is a number, `` is not"),
        ("count", "Infinity", "input-type: input `count` is a number, `Infinity` is not"),
        ("count", True, "input-type: input `count` is a number, `true` is not"),
        ("level", "Low", "input-type: `Low` is not an option of input `level`"),
        ("text", ["a"], "input-type: input `text` must be a single value, not a list or a mapping"),
        ("levle", "low", "input-unknown: there is no input `levle`"),
    ],
)
def test_a_wrong_value_is_found(name: str, given: Value, finding: str) -> None:
    _, findings = resolved({name: given})
    assert findings == [finding]


def test_hints_name_the_nearest() -> None:
    _, findings = resolve_inputs(specs(), {"levle": "x", "level": "hihg"}, Scope())
    assert [finding.hint for finding in findings] == ["did you mean `high`?", "did you mean `level`?"]


def test_a_required_input_without_value_or_default_is_found_at_its_declaration() -> None:
    values, findings = resolve_inputs(specs(CALL), {}, Scope(contexts={"github": {"ref_name": "dev"}}))
    assert values == {"ref": "dev", "name": ""}
    (finding,) = findings
    assert (finding.rule, finding.where.line) == ("input-required", 6)
    assert "--input name=" in finding.hint


def test_a_default_that_cannot_be_evaluated_is_a_finding() -> None:
    text = 'on: {workflow_call: {inputs: {x: {type: string, default: "${{ fromJSON(github.nothing) }}"}}}}'
    values, findings = resolved({}, text)
    assert values == {"x": ""}
    assert [finding.split(":")[0] for finding in findings] == ["input-default"]


def test_an_unknown_name_can_be_let_through() -> None:
    _, findings = resolve_inputs(specs(), {"other": "x"}, Scope(), unknown_allowed=True)
    assert findings == ()


def test_event_inputs_are_texts() -> None:
    assert input_texts({"a": True, "b": 3, "c": "x", "d": 2.5}) == {
        "a": "true",
        "b": "3",
        "c": "x",
        "d": "2.5",
    }
