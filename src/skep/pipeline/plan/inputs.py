"""Declared inputs and given values -> typed values and findings, for `workflow_dispatch` and `workflow_call`.

What is not given takes its default, else false, 0 or '' (a choice: '') as GitHub does for a call through its interface.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skep.model.errors import SkepError
from skep.model.finding import Finding, Location
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, to_number, to_text
from skep.pipeline.workflow.evaluate import evaluate_node
from skep.pipeline.workflow.tree import InputSpec, InputType

from .names import did_you_mean


def resolve_inputs(
    specs: Sequence[InputSpec],
    given: Mapping[str, Value],
    scope: Scope,
    *,
    where: Location | None = None,
    unknown_allowed: bool = False,
) -> tuple[dict[str, Value], tuple[Finding, ...]]:
    """The `inputs` context in the order of declaration, and what is wrong. Names are compared without case.

    Text converts to the declared type where it is exactly one (`true`, `3`). `scope` evaluates defaults. `where` is the
    place of a name that is not declared: the caller's `with`, or the workflow.
    """
    findings: list[Finding] = []
    by_name = {name.lower(): (name, value) for name, value in given.items()}
    values: dict[str, Value] = {}
    for spec in specs:
        entry = by_name.pop(spec.name.lower(), None)
        value = entry[1] if entry is not None else _default(spec, scope, findings)
        values[spec.name] = _typed(spec, value, findings)
    if not unknown_allowed:
        names = [spec.name for spec in specs]
        findings.extend(_unknown(name, names, where or _place(specs)) for name, _ in by_name.values())
    return values, tuple(findings)


def input_texts(values: Mapping[str, Value]) -> dict[str, Value]:
    """The same values as texts: `github.event.inputs`."""
    return {name: to_text(value) for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class _Wrong:
    message: str
    hint: str = ""


def _default(spec: InputSpec, scope: Scope, findings: list[Finding]) -> Value:
    if spec.default is not None:
        try:
            return evaluate_node(spec.default, scope)
        except SkepError as error:
            where = error.where or spec.default.span
            findings.append(Finding(rule="input-default", message=str(error), where=where, hint=error.hint))
            return None
    if spec.required:
        findings.append(
            Finding(
                rule="input-required",
                message=f"input `{spec.name}` is required",
                where=spec.span,
                hint=f"give it with `--input {spec.name}=...`",
            )
        )
    return None


def _typed(spec: InputSpec, value: Value, findings: list[Finding]) -> Value:
    if value is None:
        return _EMPTY[spec.type]
    if isinstance(value, Mapping | Sequence) and not isinstance(value, str):
        result: Value | _Wrong = _Wrong(
            f"input `{spec.name}` must be a single value, not a list or a mapping"
        )
    else:
        result = _CONVERT[spec.type](spec, value)
    if isinstance(result, _Wrong):
        findings.append(Finding(rule="input-type", message=result.message, where=spec.span, hint=result.hint))
        return _EMPTY[spec.type]
    return result


def _boolean(spec: InputSpec, value: Value) -> Value | _Wrong:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return _Wrong(f"input `{spec.name}` is a boolean, `{to_text(value)}` is not", "write `true` or `false`")


def _number(spec: InputSpec, value: Value) -> Value | _Wrong:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip():
        number = to_number(value)
        if math.isfinite(number):
            return int(number) if number == int(number) else number
    return _Wrong(f"input `{spec.name}` is a number, `{to_text(value)}` is not")


def _choice(spec: InputSpec, value: Value) -> Value | _Wrong:
    text = to_text(value)
    if text in spec.options:
        return text
    if not text and not spec.required:
        return text
    return _Wrong(f"`{text}` is not an option of input `{spec.name}`", did_you_mean(text, spec.options))


def _string(spec: InputSpec, value: Value) -> Value | _Wrong:  # noqa: ARG001 (one shape for all types)
    return to_text(value)


def _environment(spec: InputSpec, value: Value) -> Value | _Wrong:
    text = to_text(value)
    if text.strip() or not spec.required:
        return text
    return _Wrong(f"input `{spec.name}` must name an environment")


_CONVERT = {
    InputType.STRING: _string,
    InputType.BOOLEAN: _boolean,
    InputType.NUMBER: _number,
    InputType.CHOICE: _choice,
    InputType.ENVIRONMENT: _environment,
}
_EMPTY: dict[InputType, Value] = {
    InputType.STRING: "",
    InputType.BOOLEAN: False,
    InputType.NUMBER: 0,
    InputType.CHOICE: "",
    InputType.ENVIRONMENT: "",
}


def _unknown(name: str, names: Sequence[str], where: Location) -> Finding:
    hint = did_you_mean(name, names) or "the workflow declares no inputs"
    return Finding(rule="input-unknown", message=f"there is no input `{name}`", where=where, hint=hint)


def _place(specs: Sequence[InputSpec]) -> Location:
    return specs[0].span if specs else Location(path="")
