"""One step on its way through the loop of `steps`, and what takes part in it: the step's work, post steps, hooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
from skep.pipeline.workflow.tree import Condition, Step

from .frame import StepsFrame
from .invocation import Ending, Stops


@dataclass(slots=True, kw_only=True)
class StepCall:
    """One step on its way through the loop, with everything evaluated so far."""

    step: Step
    frame: StepsFrame
    github: dict[str, Value]
    env: dict[str, str]  # the step's own `env`
    scope: Scope
    stops: Stops
    name: str = ""  # to show, not masked
    is_post: bool = False
    ending: Ending = field(default_factory=Ending)


class StepWork(Protocol):
    """What a step does once it is known that it runs (`scripts`, `uses`). Writes into `call.ending`; may raise SkepError."""

    async def __call__(self, call: StepCall, /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PostStep:
    """An action that wants to run again after the job's steps, or already before them (`phase`)."""

    step: Step
    name: str
    frame: StepsFrame
    condition: Condition | None  # None: always()
    work: StepWork
    phase: Literal["pre", "post"] = "post"


class PrepareSteps(Protocol):
    """What happens once before a job's steps (`remote_use`): fetches what they use; may add steps to `LegSteps.pres`."""

    async def __call__(self, steps: Sequence[Step], top: StepsFrame, /) -> None: ...


class AroundSteps(Protocol):
    """What runs around each step of a job (`hooks`)."""

    async def before(self, call: StepCall, name: str, /) -> None: ...

    async def after(self, call: StepCall, name: str, /) -> None: ...
