"""What may stand under `on:`: 37 events, their activity types and filters.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

from .availability import AVAILABLE
from .shapes import (
    BOOLEAN,
    NAME,
    TEXT,
    Form,
    Key,
    Shape,
    list_of,
    mapping,
    names,
    one_of,
    or_null,
    with_contexts,
)

_EDITS = "created edited deleted"
_PULL_REQUEST = (
    "assigned unassigned labeled unlabeled opened edited closed reopened synchronize converted_to_draft locked "
    "unlocked enqueued dequeued milestoned demilestoned ready_for_review review_requested review_request_removed "
    "auto_merge_enabled auto_merge_disabled stacked"
)

ACTIVITY_TYPES: dict[str, tuple[str, ...]] = {
    event: tuple(types.split())
    for event, types in {
        "branch_protection_rule": _EDITS,
        "check_run": "completed created rerequested requested_action",
        "check_suite": "completed",
        "discussion": (
            f"{_EDITS} transferred pinned unpinned labeled unlabeled locked unlocked category_changed answered "
            "unanswered"
        ),
        "discussion_comment": _EDITS,
        "image_version": "created ready deleted",
        "issue_comment": _EDITS,
        "issues": (
            "opened edited deleted transferred pinned unpinned closed reopened assigned unassigned labeled "
            "unlabeled locked unlocked milestoned demilestoned field_added field_removed typed untyped"
        ),
        "label": _EDITS,
        "merge_group": "checks_requested",
        "milestone": "created closed opened edited deleted",
        "project": "created closed reopened edited deleted",
        "project_card": "created moved converted edited deleted",
        "project_column": "created updated moved deleted",
        "pull_request": _PULL_REQUEST,
        "pull_request_comment": _EDITS,
        "pull_request_review": "submitted edited dismissed",
        "pull_request_review_comment": _EDITS,
        "pull_request_target": _PULL_REQUEST,
        "registry_package": "published updated",
        "release": "published unpublished created edited deleted prereleased released",
        "watch": "started",
        "workflow_run": "requested completed in_progress",
    }.items()
}
"""Event -> the activity types its `types` may name. `repository_dispatch` takes any names."""

PLAIN_EVENTS = (
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "fork",
    "gollum",
    "page_build",
    "public",
    "status",
)
"""Events without any filter."""

_BRANCHES = ("branches", "branches-ignore")
_PATHS = ("paths", "paths-ignore")
FILTERS: dict[str, tuple[str, ...]] = {
    "image_version": ("names", "versions"),
    "merge_group": _BRANCHES,
    "pull_request": (*_BRANCHES, *_PATHS),
    "pull_request_target": (*_BRANCHES, *_PATHS),
    "push": (*_BRANCHES, "tags", "tags-ignore", *_PATHS),
    "workflow_run": ("workflows", *_BRANCHES),
}
"""Event -> its filters besides `types`: each a pattern or a list of patterns."""


def _filtered(event: str) -> Shape:
    keys = {name: Key(shape=names()) for name in FILTERS.get(event, ())}
    if event in ACTIVITY_TYPES:
        kind = one_of(*ACTIVITY_TYPES[event])
        keys["types"] = Key(
            shape=Shape(text=True, values=ACTIVITY_TYPES[event], items=kind),
        )
    return Shape(null=True, forms=(Form(keys=keys),))


def _scalar_default() -> Shape:
    return Shape(text=True, boolean=True, number=True)


_DISPATCH_INPUT = mapping(
    description=TEXT,
    type=one_of("string", "boolean", "number", "environment", "choice"),
    required=BOOLEAN,
    default=_scalar_default(),
    options=list_of(TEXT),
)
_CALL_INPUT = mapping(
    {"type": one_of("string", "boolean", "number")},
    description=TEXT,
    required=BOOLEAN,
    default=with_contexts(_scalar_default(), AVAILABLE["on.workflow_call.inputs.<input>.default"]),
)
_CALL_OUTPUT = mapping(
    {"value": with_contexts(TEXT, AVAILABLE["on.workflow_call.outputs.<output>.value"])}, description=TEXT
)
_CALL_SECRET = or_null(mapping(description=TEXT, required=BOOLEAN))

EVENT_SHAPES: dict[str, Shape] = {
    **{event: Shape(null=True) for event in PLAIN_EVENTS},
    **{event: _filtered(event) for event in sorted({*ACTIVITY_TYPES, *FILTERS})},
    "repository_dispatch": or_null(mapping(types=list_of(NAME))),
    "schedule": list_of(mapping({"cron": NAME}, timezone=NAME)),
    "workflow_call": or_null(
        mapping(
            inputs=mapping(other=_CALL_INPUT),
            secrets=mapping(other=_CALL_SECRET),
            outputs=mapping(other=_CALL_OUTPUT),
        )
    ),
    "workflow_dispatch": or_null(mapping(inputs=or_null(mapping(other=or_null(_DISPATCH_INPUT))))),
}
"""Event -> what may stand below its name."""

EVENTS = tuple(sorted(EVENT_SHAPES))
"""The names of all events."""

ON = Shape(
    text=True,
    values=EVENTS,
    items=one_of(*EVENTS),
    forms=(Form(keys={event: Key(shape=shape) for event, shape in EVENT_SHAPES.items()}),),
)
"""The value of `on:`."""
