"""Every key of a workflow file, and what it holds. Source: GitHub's workflow syntax reference, as of 2026."""

from __future__ import annotations

from .availability import AVAILABLE
from .event_keys import ON
from .shapes import (
    BOOLEAN,
    FREE,
    NAME,
    NUMBER,
    TEXT,
    Form,
    Key,
    Shape,
    form,
    list_of,
    mapping,
    names,
    one_of,
    with_contexts,
)
from .step_keys import STEPS

_ANY_LEVEL = one_of("read", "write", "none")
_SCOPES: dict[str, Shape] = {
    **dict.fromkeys(
        (
            *("actions", "artifact-metadata", "attestations", "checks", "code-quality", "contents"),
            *("deployments", "discussions", "drives", "issues", "packages", "pages", "pull-requests"),
            *("repository-projects", "security-events", "statuses"),
        ),
        _ANY_LEVEL,
    ),
    **dict.fromkeys(("copilot-requests", "id-token"), one_of("write", "none")),
    **dict.fromkeys(("models", "vulnerability-alerts"), one_of("read", "none")),
}
PERMISSIONS = Shape(
    text=True,
    values=("read-all", "write-all"),
    forms=(Form(keys={scope: Key(shape=level) for scope, level in _SCOPES.items()}),),
)
"""The value of `permissions:`."""


def _at(key: str, shape: Shape) -> Shape:
    return with_contexts(shape, AVAILABLE[key])


def _text_at(key: str) -> Shape:
    return _at(key, TEXT)


_RUN_DEFAULTS = mapping(shell=NAME, working_directory=NAME)
_GROUP = form({"group": NAME}, cancel_in_progress=BOOLEAN, queue=one_of("single", "max"))
_WORKFLOW_CONCURRENCY = Shape(text=True, forms=(_GROUP,), available=AVAILABLE["concurrency"])
_JOB_CONCURRENCY = Shape(
    text=True, non_empty=True, forms=(_GROUP,), available=AVAILABLE["jobs.<job>.concurrency"]
)

_MATRIX_ROWS = list_of(mapping(other=FREE))
_MATRIX = mapping(include=_MATRIX_ROWS, exclude=_MATRIX_ROWS, other=list_of(FREE))
_STRATEGY = _at("jobs.<job>.strategy", mapping(fail_fast=BOOLEAN, max_parallel=NUMBER, matrix=_MATRIX))
_RUNS_ON = Shape(
    text=True,
    non_empty=True,
    items=NAME,
    forms=(form(group=NAME, labels=names()),),
    available=AVAILABLE["jobs.<job>.runs-on"],
)
_ENVIRONMENT = Shape(
    text=True,
    forms=(form({"name": TEXT}, url=_text_at("jobs.<job>.environment.url"), deployment=BOOLEAN),),
    available=AVAILABLE["jobs.<job>.environment"],
)


def _container(where: str, **more: Shape) -> Form:
    return form(
        image=NAME,
        options=TEXT,
        env=mapping(other=_text_at(f"{where}.env.<name>")),
        ports=list_of(NAME),
        volumes=list_of(NAME),
        credentials=_at(f"{where}.credentials", mapping(username=NAME, password=NAME)),
        **more,
    )


_CONTAINER = Shape(
    text=True, forms=(_container("jobs.<job>.container"),), available=AVAILABLE["jobs.<job>.container"]
)
_SERVICE = Shape(
    text=True,
    non_empty=True,
    forms=(_container("jobs.<job>.services.<service>", entrypoint=TEXT, command=TEXT),),
)
_SNAPSHOT = Shape(
    text=True,
    non_empty=True,
    forms=(form({"image-name": NAME}, if_=_text_at("jobs.<job>.snapshot.if"), version=NAME),),
)

_SHARED_JOB_KEYS: dict[str, Shape] = {
    "name": _text_at("jobs.<job>.name"),
    "needs": names(),
    "if_": _text_at("jobs.<job>.if"),
    "strategy": _STRATEGY,
    "permissions": PERMISSIONS,
    "concurrency": _JOB_CONCURRENCY,
}
STEPS_JOB = form(
    {"runs-on": _RUNS_ON},
    **_SHARED_JOB_KEYS,
    timeout_minutes=_at("jobs.<job>.timeout-minutes", NUMBER),
    cancel_timeout_minutes=_at("jobs.<job>.cancel-timeout-minutes", NUMBER),
    continue_on_error=_at("jobs.<job>.continue-on-error", BOOLEAN),
    container=_CONTAINER,
    services=_at("jobs.<job>.services", mapping(other=_SERVICE)),
    env=_at("jobs.<job>.env", mapping(other=TEXT)),
    environment=_ENVIRONMENT,
    outputs=mapping(other=_text_at("jobs.<job>.outputs.<output>")),
    defaults=mapping(run=_at("jobs.<job>.defaults.run", _RUN_DEFAULTS)),
    steps=STEPS,
    snapshot=_SNAPSHOT,
)
"""A job with steps."""
_VALUE = Shape(text=True, boolean=True, number=True)
CALL_JOB = form(
    {"uses": NAME},
    **_SHARED_JOB_KEYS,
    with_=mapping(other=_at("jobs.<job>.with.<input>", _VALUE)),
    secrets=Shape(
        text=True,
        values=("inherit",),
        forms=(form(other=_at("jobs.<job>.secrets.<secret>", _VALUE)),),
    ),
)
"""A job that calls a reusable workflow."""

WORKFLOW = mapping(
    {"on": ON, "jobs": mapping(other=Shape(forms=(STEPS_JOB, CALL_JOB)))},
    name=TEXT,
    description=TEXT,
    run_name=_text_at("run-name"),
    defaults=mapping(run=_RUN_DEFAULTS),
    env=_at("env", mapping(other=TEXT)),
    permissions=PERMISSIONS,
    concurrency=_WORKFLOW_CONCURRENCY,
)
"""A whole workflow file."""
