"""Why one thing of a run ended as it did: the value that explanations are told in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skep.events.fold import JobView, StepView

Kind = Literal["run", "workflow", "job", "step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One part of a chain, as a program wants it."""

    kind: Kind
    key: str  # a leg, a step's id, or a path
    name: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one thing ended as it did."""

    kind: Kind
    key: str
    name: str
    status: str
    sentence: str  # the whole chain in words, without a full stop
    because: tuple[str, ...] = ()  # what decided the `if` at the end of the chain
    chain: tuple[Cause, ...] = ()  # what it is due to, nearest first; the last is the root cause
    annotations: tuple[str, ...] = ()  # errors that the root cause reported
    job: JobView | None = None  # where the last lines of the root cause are: this leg,
    step: StepView | None = None  # and this step
