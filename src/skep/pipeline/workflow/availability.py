"""Which contexts and functions an expression may use at each key.

The one table of that kind. Source: https://docs.github.com/en/actions/reference/workflows-and-actions/contexts
("Context availability"), checked against GitHub's parser by a test. A key below another may use what that one may use too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

MANY = 255  # arguments of hashFiles
ANY_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Availability:
    """Names of contexts, and functions beside the general ones, lower-cased, with their argument counts."""

    contexts: frozenset[str] = frozenset()
    functions: tuple[tuple[str, int, int], ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether expressions are allowed at all."""
        return bool(self.contexts or self.functions)

    def function_counts(self) -> dict[str, tuple[int, int]]:
        """The functions as the expression compiler takes them."""
        return {name: (least, most) for name, least, most in self.functions}


@cache
def joined(outer: Availability, inner: Availability) -> Availability:
    """What is available at a key that lies below another."""
    if not inner.allowed:
        return outer
    functions = {name: (name, *counts) for name, *counts in (*outer.functions, *inner.functions)}
    return Availability(outer.contexts | inner.contexts, tuple(sorted(functions.values())))  # type: ignore[arg-type]


def _of(contexts: str, *functions: tuple[str, int, int]) -> Availability:
    return Availability(frozenset(contexts.split()), tuple(sorted(functions)))


_HASH = ("hashfiles", 1, MANY)
_STEP_STATUS = (("always", 0, 0), ("cancelled", 0, 0), ("failure", 0, 0), ("success", 0, 0))
_JOB_STATUS = (
    ("always", 0, 0),
    ("cancelled", 0, 0),
    ("failure", 0, ANY_NUMBER),
    ("success", 0, ANY_NUMBER),
)
_RUN = "github inputs vars"
_JOB = f"{_RUN} needs strategy matrix"
_STEP = f"{_JOB} steps job runner env"

NOWHERE = Availability()
AVAILABLE: dict[str, Availability] = {
    "run-name": _of(_RUN),
    "on.workflow_call.inputs.<input>.default": _of(_RUN),
    "on.workflow_call.outputs.<output>.value": _of(f"{_RUN} jobs"),
    "concurrency": _of(_RUN),
    "env": _of(f"{_RUN} secrets"),
    "jobs.<job>.name": _of(_JOB),
    "jobs.<job>.if": _of(f"{_RUN} needs", *_JOB_STATUS),
    "jobs.<job>.strategy": _of(f"{_RUN} needs"),
    "jobs.<job>.runs-on": _of(_JOB),
    "jobs.<job>.concurrency": _of(_JOB),
    "jobs.<job>.environment": _of(_JOB),
    "jobs.<job>.environment.url": _of(_STEP),
    "jobs.<job>.env": _of(f"{_JOB} secrets"),
    "jobs.<job>.outputs.<output>": _of(f"{_STEP} secrets"),
    "jobs.<job>.defaults.run": _of(f"{_JOB} env"),
    "jobs.<job>.timeout-minutes": _of(_JOB),
    "jobs.<job>.cancel-timeout-minutes": _of(_JOB),
    "jobs.<job>.continue-on-error": _of(_JOB),
    "jobs.<job>.snapshot.if": _of(_JOB),
    "jobs.<job>.container": _of(_JOB),
    "jobs.<job>.container.credentials": _of(f"{_RUN} secrets env"),
    "jobs.<job>.container.env.<name>": _of(f"{_STEP} secrets"),
    "jobs.<job>.services": _of(_JOB),
    "jobs.<job>.services.<service>.credentials": _of(f"{_RUN} secrets env"),
    "jobs.<job>.services.<service>.env.<name>": _of(f"{_STEP} secrets"),
    "jobs.<job>.with.<input>": _of(_JOB),
    "jobs.<job>.secrets.<secret>": _of(f"{_JOB} secrets"),
    "jobs.<job>.steps.if": _of(_STEP, *_STEP_STATUS, _HASH),
    "jobs.<job>.steps.name": _of(f"{_STEP} secrets", _HASH),
    "jobs.<job>.steps.run": _of(f"{_STEP} secrets", _HASH),
    "jobs.<job>.steps.env": _of(f"{_STEP} secrets", _HASH),
    "jobs.<job>.steps.with": _of(f"{_STEP} secrets", _HASH),
    "jobs.<job>.steps.working-directory": _of(f"{_STEP} secrets", _HASH),
    "jobs.<job>.steps.timeout-minutes": _of(f"{_STEP} secrets", _HASH),
    "jobs.<job>.steps.continue-on-error": _of(f"{_STEP} secrets", _HASH),
}
"""Key -> what is available there, for workflow files."""

_ACTION = "github strategy matrix job runner"
_COMPOSITE = f"{_ACTION} inputs steps env"
ACTION_AVAILABLE: dict[str, Availability] = {
    "inputs.<input>.default": _of(_ACTION, _HASH),
    "outputs.<output>.value": _of(_COMPOSITE),
    "runs.args": _of("inputs"),
    "runs.env": _of("inputs"),
    "runs.if": _of(f"{_ACTION} inputs env", *_STEP_STATUS, _HASH),
    "runs.steps.if": _of(_COMPOSITE, *_STEP_STATUS, _HASH),
    "runs.steps": _of(_COMPOSITE, _HASH),
}
"""Key -> what is available there, for action.yml."""
