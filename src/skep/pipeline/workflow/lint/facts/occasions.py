"""The triggers of a workflow in, the occasions on which it runs out: what is certain of `github` and `inputs` on each.

An occasion is one event, and where filters name them one branch, activity type or cron line. Source: GitHub's "Events that
trigger workflows" (`GITHUB_REF` of each) and "Webhook events and payloads".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skep.pipeline.workflow.nodes import Scalar
from skep.pipeline.workflow.tree import Trigger, Workflow

from .possible import Knowledge, Possible, beginning_with, certainly, something

_MOST = 12  # occasions of one event; beyond it types or branches are not told apart
_LITERAL = re.compile(r"[\w./-]+\Z", re.ASCII)
_PULL = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
_BASE = frozenset({"pull_request", "pull_request_target"})
_ON_BRANCH = frozenset(
    (
        *("schedule", "issues", "issue_comment", "workflow_run", "merge_group"),
        *("discussion", "watch", "fork", "gollum"),
    )
)
_PLAIN = frozenset({"push", "schedule", "workflow_dispatch"})
_OBJECTS = {
    "pull_request": _PULL | {"pull_request_target"},
    "issue": {"issues", "issue_comment"},
    "comment": {"issue_comment", "pull_request_review_comment", "discussion_comment", "commit_comment"},
    "release": {"release"},
    "workflow_run": {"workflow_run"},
    "merge_group": {"merge_group"},
    "review": {"pull_request_review"},
}
_KNOWN_EVENTS = frozenset().union(_PLAIN, *_OBJECTS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One way in which a workflow starts."""

    event: str
    label: str  # for people: "`push` to `main`"
    knowledge: Knowledge


def occasions(workflow: Workflow) -> tuple[Occasion, ...]:
    """All occasions, in the order of `on:`. A `workflow_call` is one of which nothing is known."""
    return tuple(occasion for trigger in workflow.triggers for occasion in _occasions(workflow, trigger))


def _occasions(workflow: Workflow, trigger: Trigger) -> Iterator[Occasion]:
    event = trigger.event
    if event == "workflow_call":
        yield Occasion(event=event, label="`workflow_call`", knowledge=Knowledge())
        return
    types = _types(trigger)
    places = list(_places(trigger)) or [({}, "")]
    if len(types) * len(places) > _MOST:
        types = [None]
    if len(places) > _MOST:
        places = [_anywhere(trigger)]
    for action in types:
        for place, where in places:
            values = {**_general(workflow, trigger), **place}
            label = f"`{event}`{where}" + (f" of type `{action}`" if action and len(types) > 1 else "")
            if action:
                values["github.event.action"] = certainly(action)
            yield Occasion(event=event, label=label, knowledge=Knowledge(values=values))


def _general(workflow: Workflow, trigger: Trigger) -> dict[str, Possible]:
    event = trigger.event
    values = {"github.event_name": certainly(event), "github.event": something()}
    if event in _KNOWN_EVENTS:
        values |= {
            f"github.event.{name}": something() if event in events else certainly(None)
            for name, events in _OBJECTS.items()
        }
    if event in _PLAIN:
        values["github.event.action"] = certainly(None)
    if event not in _PULL | _BASE:
        values |= {"github.head_ref": certainly(""), "github.base_ref": certainly("")}
    elif event in _BASE:
        values["github.head_ref"] = something()
    if event != "schedule":
        values["github.event.schedule"] = certainly(None)
    values |= _inputs(workflow, trigger)
    return values


def _inputs(workflow: Workflow, trigger: Trigger) -> dict[str, Possible]:
    """Without a dispatch or call there are no inputs; with a dispatch, those with a fixed type have a kind of their own."""
    if trigger.event != "workflow_dispatch":
        return {"inputs": certainly({}), "github.event.inputs": certainly(None)}
    declared = {spec.name.lower() for spec in trigger.inputs}
    of_calls = workflow.trigger("workflow_call")
    missing = {spec.name.lower() for spec in of_calls.inputs} - declared if of_calls else set()
    return {f"inputs.{name}": certainly(None) for name in missing}


def _types(trigger: Trigger) -> list[str | None]:
    written = trigger.types
    if trigger.event in _BASE and written is None:
        return [None]  # three of them, which nobody tells apart
    return [scalar.text for scalar in written or ()] or [None]


def _places(trigger: Trigger) -> Iterator[tuple[dict[str, Possible], str]]:
    """What is known of the ref, for each branch or tag that a filter names."""
    event = trigger.event
    if event == "push":
        yield from _pushed(trigger)
    elif event in _BASE:
        for name in _literal_names(trigger.branches) or ("",):
            values = _base_ref(name)
            if event == "pull_request":
                values["github.ref"] = beginning_with("refs/pull/")
            else:
                values |= _branch(name)
            yield values, f" against `{name}`" if name else ""
    elif event in _PULL:
        yield {"github.ref": beginning_with("refs/pull/")}, ""
    elif event == "release":
        yield _tag(), ""
    elif event == "schedule":
        for cron in trigger.schedules:
            yield _branch("") | {"github.event.schedule": certainly(cron.cron)}, f" at `{cron.cron}`"
    elif event in _ON_BRANCH:
        yield _branch(""), ""


def _anywhere(trigger: Trigger) -> tuple[dict[str, Possible], str]:
    if trigger.event == "push":
        return ({}, "") if trigger.tags or trigger.tags_ignore else (_branch(""), "")
    return {}, ""


def _pushed(trigger: Trigger) -> Iterator[tuple[dict[str, Possible], str]]:
    of_branches = trigger.branches is not None or trigger.branches_ignore is not None
    of_tags = trigger.tags is not None or trigger.tags_ignore is not None
    if of_branches or not of_tags:
        for name in _literal_names(trigger.branches) or ("",):
            yield (
                _branch(name),
                f" to `{name}`" if name else " to a branch" if of_tags or not of_branches else "",
            )
    if of_tags or not of_branches:
        yield _tag(), " of a tag"


def _literal_names(patterns: Sequence[Scalar] | None) -> tuple[str, ...]:
    """The branches a filter names; () when it has patterns, so that others may come, too."""
    names = tuple(pattern.text for pattern in patterns or ())
    return names if all(_LITERAL.match(name) for name in names) else ()


def _branch(name: str) -> dict[str, Possible]:
    ref = certainly(f"refs/heads/{name}") if name else beginning_with("refs/heads/")
    return {
        "github.ref": ref,
        "github.ref_type": certainly("branch"),
        "github.ref_name": certainly(name) if name else something(),
    }


def _tag() -> dict[str, Possible]:
    return {"github.ref": beginning_with("refs/tags/"), "github.ref_type": certainly("tag")}


def _base_ref(name: str) -> dict[str, Possible]:
    return {"github.base_ref": certainly(name) if name else something()}
