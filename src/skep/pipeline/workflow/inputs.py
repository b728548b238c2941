"""Declared inputs of `workflow_dispatch` and `workflow_call`."""

from __future__ import annotations

from .nodes import MappingNode, Node, Scalar, SequenceNode
from .report import Report, did_you_mean, quoted
from .scalars import resolve_plain
from .tree import InputSpec, InputType

_TEXTS = frozenset({InputType.STRING, InputType.ENVIRONMENT})
_TYPES = {kind.value: kind for kind in InputType}


def read_inputs(node: Node | None, report: Report, *, called: bool) -> tuple[InputSpec, ...]:
    """The inputs in file order; defaults and options that do not fit the type are reported."""
    if not isinstance(node, MappingNode):
        return ()
    return tuple(_input(key.text, key, value, report, called=called) for key, value in node.entries)


def _input(name: str, key: Node, node: Node, report: Report, *, called: bool) -> InputSpec:
    spec = node if isinstance(node, MappingNode) else MappingNode((), key.span)
    kind = _TYPES.get(_text(spec.get("type")), InputType.STRING)
    required = spec.get("required")
    options = spec.get("options")
    default = spec.get("default")
    found = InputSpec(
        name=name,
        type=kind,
        description=_text(spec.get("description")),
        required=isinstance(required, Scalar) and required.value is True,
        default=default,
        options=tuple(item.text for item in options.items if isinstance(item, Scalar))
        if isinstance(options, SequenceNode)
        else (),
        deprecation_message="",
        span=key.span,
    )
    if not called:
        _check_options(found, spec, options, report)
    if isinstance(default, Scalar):
        written = spec.get("type") is not None  # before types there were, any default was a string
        _check_default(found, default, report, strict=written and not called)
    return found


def _check_options(spec: InputSpec, node: MappingNode, options: Node | None, report: Report) -> None:
    if spec.type is InputType.CHOICE and not spec.options:
        report.error("missing-key", f"choice input {quoted(spec.name)} has no `options`", node.span)
    elif spec.type is not InputType.CHOICE and options is not None:
        report.error(
            "unexpected-value",
            f"`options` belong to `type: choice`; input {quoted(spec.name)} is a {spec.type.value}",
            node.span,
        )


def _check_default(spec: InputSpec, default: Scalar, report: Report, *, strict: bool) -> None:
    """A default of another kind than the type. `strict`: a string must be one, not merely become one."""
    value = default.value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    quotes = "remove the quotes" if isinstance(value, str) else ""
    if spec.type is InputType.BOOLEAN and not isinstance(value, bool):
        _wrong_default(
            spec, default, report, "not `true` or `false`", quotes if _is_word(default.text) else ""
        )
    elif spec.type is InputType.NUMBER and not number:
        _wrong_default(spec, default, report, "no number", quotes if _is_number(default.text) else "")
    elif spec.type in _TEXTS and strict and not isinstance(value, str):
        _wrong_default(spec, default, report, "no string", "put it in quotes")
    elif spec.type is InputType.CHOICE and spec.options and default.text not in spec.options and default.text:
        report.warn(
            "unexpected-value",
            f"the default {quoted(default.text)} is not among the options of {quoted(spec.name)}",
            default.span,
            hint=did_you_mean(default.text, spec.options),
        )


def _wrong_default(spec: InputSpec, default: Scalar, report: Report, what: str, hint: str) -> None:
    message = f"the default of {spec.type.value} input {quoted(spec.name)} is {what}"
    report.error("wrong-type", message, default.span, hint=hint)


def _is_word(text: str) -> bool:
    return text in {"true", "false"}


def _is_number(text: str) -> bool:
    return resolve_plain(text).__class__ in {int, float}


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""
