"""The value of `on:` in, triggers out."""

from __future__ import annotations

from skep.model.finding import Location

from .cron import cron_problem, timezone_problem
from .inputs import read_inputs
from .nodes import MappingNode, Node, Scalar, SequenceNode
from .patterns import pattern_problem
from .report import Report, quoted
from .tree import Cron, OutputSpec, SecretSpec, Trigger

_PATTERNS = ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore")


def read_triggers(node: Node | None, report: Report) -> tuple[Trigger, ...]:
    """The triggers of a workflow in file order; what is wrong with them is reported."""
    if isinstance(node, Scalar):
        return (Trigger(event=node.text, span=node.span),)
    if isinstance(node, SequenceNode):
        return tuple(
            Trigger(event=item.text, span=item.span) for item in node.items if isinstance(item, Scalar)
        )
    if not isinstance(node, MappingNode):
        return ()
    return tuple(_trigger(key, value, report) for key, value in node.entries if isinstance(key, Scalar))


def _trigger(key: Scalar, node: Node, report: Report) -> Trigger:
    if key.text == "schedule":
        return Trigger(event="schedule", span=key.span, schedules=_schedules(node, report), written=node)
    if not isinstance(node, MappingNode):
        return Trigger(event=key.text, span=key.span)
    if key.text in {"workflow_call", "workflow_dispatch"}:
        return Trigger(
            event=key.text,
            span=key.span,
            inputs=read_inputs(node.get("inputs"), report, called=key.text == "workflow_call"),
            secrets=_secrets(node.get("secrets")),
            outputs=_outputs(node.get("outputs")),
            written=node,
        )
    _check_conflicts(node, report)
    _check_patterns(node, report)
    return Trigger(
        event=key.text,
        span=key.span,
        types=_texts(node.get("types")),
        branches=_texts(node.get("branches")),
        branches_ignore=_texts(node.get("branches-ignore")),
        tags=_texts(node.get("tags")),
        tags_ignore=_texts(node.get("tags-ignore")),
        paths=_texts(node.get("paths")),
        paths_ignore=_texts(node.get("paths-ignore")),
        workflows=_texts(node.get("workflows")),
        names=_texts(node.get("names")),
        versions=_texts(node.get("versions")),
        written=node,
    )


def _check_patterns(node: MappingNode, report: Report) -> None:
    for name in _PATTERNS:
        for pattern in _texts(node.get(name)) or ():
            if pattern.text and (problem := pattern_problem(pattern.text)):
                report.error("bad-pattern", f"pattern {quoted(pattern.text)}: {problem}", pattern.span)


def _texts(node: Node | None) -> tuple[Scalar, ...] | None:
    if node is None:
        return None
    items = node.items if isinstance(node, SequenceNode) else (node,)
    return tuple(item for item in items if isinstance(item, Scalar))


def _check_conflicts(node: MappingNode, report: Report) -> None:
    keys = {key.text: key.span for key, _ in node.entries}
    for name in ("branches", "tags", "paths"):
        other = f"{name}-ignore"
        if name in keys and other in keys:
            later = max((keys[name], keys[other]), key=_order)
            report.error(
                "filter-conflict",
                f"`{name}` and `{other}` cannot stand together",
                later,
                hint=f"use `{name}` alone, with `!pattern` for what to leave out",
            )


def _order(place: Location) -> tuple[int, int]:
    return place.line, place.column


def _schedules(node: Node, report: Report) -> tuple[Cron, ...]:
    found: list[Cron] = []
    for item in node.items if isinstance(node, SequenceNode) else ():
        cron = item.get("cron") if isinstance(item, MappingNode) else None
        zone = item.get("timezone") if isinstance(item, MappingNode) else None
        if isinstance(cron, Scalar) and cron.text:
            if problem := cron_problem(cron.text):
                report.error(
                    "bad-cron",
                    f"{quoted(cron.text)}: {problem}",
                    cron.span,
                    hint="five fields: minute hour day month weekday, such as `30 4 * * 1-5`",
                )
            timezone = zone.text if isinstance(zone, Scalar) else "UTC"
            if isinstance(zone, Scalar) and (problem := timezone_problem(timezone)):
                report.error("bad-timezone", f"{quoted(timezone)}: {problem}", zone.span)
            found.append(Cron(cron=cron.text, timezone=timezone, span=cron.span))
    return tuple(found)


def _secrets(node: Node | None) -> tuple[SecretSpec, ...]:
    if not isinstance(node, MappingNode):
        return ()
    return tuple(
        SecretSpec(name=key.text, required=_is_true(value, "required"), span=key.span)
        for key, value in node.entries
    )


def _is_true(node: Node, key: str) -> bool:
    value = node.get(key) if isinstance(node, MappingNode) else None
    return isinstance(value, Scalar) and value.value is True


def _outputs(node: Node | None) -> tuple[OutputSpec, ...]:
    if not isinstance(node, MappingNode):
        return ()
    found = []
    for key, value in node.entries:
        spec = value if isinstance(value, MappingNode) else MappingNode((), value.span)
        description = spec.get("description")
        found.append(
            OutputSpec(
                name=key.text,
                description=description.text if isinstance(description, Scalar) else "",
                value=spec.get("value"),
                span=key.span,
            )
        )
    return tuple(found)
