"""Every key of an action.yml, and what it holds. Source: GitHub's metadata syntax reference, as of 2026."""

from __future__ import annotations

from skep.pipeline.workflow.availability import ACTION_AVAILABLE
from skep.pipeline.workflow.shapes import (
    BOOLEAN,
    FREE,
    NAME,
    TEXT,
    Form,
    Shape,
    form,
    list_of,
    mapping,
    with_contexts,
)


def _at(key: str, shape: Shape) -> Shape:
    return with_contexts(shape, ACTION_AVAILABLE[key])


_IN_STEP = _at("runs.steps", TEXT)
_ENTRIES = _at("runs.steps", mapping(other=TEXT))
_STEP: dict[str, Shape] = {
    "name": _IN_STEP,
    "id": NAME,
    "if_": _at("runs.steps.if", TEXT),
    "env": _ENTRIES,
    "continue_on_error": _at("runs.steps", BOOLEAN),
}
RUN_STEP = form({"run": _IN_STEP, "shell": _IN_STEP}, **_STEP, working_directory=_IN_STEP)
USES_STEP = form({"uses": NAME}, **_STEP, with_=_ENTRIES)

_CONDITION = _at("runs.if", TEXT)
RUNS: dict[str, Form] = {
    "composite": form({"using": NAME, "steps": list_of(Shape(forms=(RUN_STEP, USES_STEP)))}),
    "node": form({"using": NAME, "main": NAME}, pre=NAME, pre_if=_CONDITION, post=NAME, post_if=_CONDITION),
    "docker": form(
        {"using": NAME, "image": NAME},
        entrypoint=NAME,
        args=list_of(_at("runs.args", TEXT)),
        env=_at("runs.env", mapping(other=TEXT)),
        pre_entrypoint=NAME,
        pre_if=_CONDITION,
        post_entrypoint=NAME,
        post_if=_CONDITION,
    ),
}
"""Kind of action -> what stands below `runs:`."""

USING: dict[str, str] = {
    "composite": "composite",
    "docker": "docker",
    **dict.fromkeys(("node12", "node16", "node20"), "node20"),
    "node24": "node24",
}
"""`using` as written, lower-cased -> as it runs: GitHub maps node12 and node16 up."""

_INPUT = mapping(
    description=TEXT,
    required=Shape(text=True, boolean=True),
    default=_at("inputs.<input>.default", Shape(text=True)),
    deprecationMessage=TEXT,
    other=FREE,
)
_OUTPUT = mapping(description=TEXT, value=_at("outputs.<output>.value", TEXT))

ROOT_KEYS = ("name", "description", "author", "inputs", "outputs", "runs", "branding")
"""The known keys of an action.yml; GitHub ignores others."""


def action_shape(runs: Form) -> Shape:
    """The shape of a whole action.yml with this form of `runs:`."""
    return mapping(
        {"runs": Shape(forms=(runs,))},
        name=TEXT,
        description=TEXT,
        author=TEXT,
        inputs=mapping(other=_INPUT),
        outputs=mapping(other=_OUTPUT),
        branding=FREE,
        other=FREE,
    )
