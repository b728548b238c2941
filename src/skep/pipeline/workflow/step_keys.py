"""Every key of a step, and what it holds."""

from __future__ import annotations

from .availability import AVAILABLE
from .shapes import BOOLEAN, NAME, NUMBER, TEXT, Shape, form, mapping, names, with_contexts

PARALLEL_KEYS = ("background", "wait", "wait-all", "cancel", "parallel")
"""Keys of parallel steps; inside `parallel:` none of them is allowed."""


def _at(key: str, shape: Shape) -> Shape:
    return with_contexts(shape, AVAILABLE[f"jobs.<job>.steps.{key}"])


_ANY_STEP: dict[str, Shape] = {
    "name": _at("name", TEXT),
    "id": NAME,
    "continue_on_error": _at("continue-on-error", BOOLEAN),
}
_WORK_STEP: dict[str, Shape] = {
    **_ANY_STEP,
    "if_": _at("if", TEXT),
    "timeout_minutes": _at("timeout-minutes", NUMBER),
    "env": _at("env", mapping(other=TEXT)),
}
_RUN: dict[str, Shape] = {
    **_WORK_STEP,
    "working_directory": _at("working-directory", TEXT),
    "shell": NAME,
}
_USES: dict[str, Shape] = {**_WORK_STEP, "with_": _at("with", mapping(other=TEXT))}

RUN_STEP = form({"run": _at("run", TEXT)}, **_RUN, background=BOOLEAN)
USES_STEP = form({"uses": NAME}, **_USES, background=BOOLEAN)
WAIT_STEP = form({"wait": names()}, **_ANY_STEP)
WAIT_ALL_STEP = form({"wait-all": Shape(null=True, boolean=True)}, **_ANY_STEP)
CANCEL_STEP = form({"cancel": NAME}, **_ANY_STEP)
_INNER_STEPS = Shape(
    items=Shape(forms=(form({"run": _at("run", TEXT)}, **_RUN), form({"uses": NAME}, **_USES)))
)
PARALLEL_STEP = form({"parallel": _INNER_STEPS})

STEPS = Shape(items=Shape(forms=(RUN_STEP, USES_STEP, WAIT_STEP, WAIT_ALL_STEP, CANCEL_STEP, PARALLEL_STEP)))
"""The value of `steps:`."""
