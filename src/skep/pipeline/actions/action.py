"""What an action is made of: inputs, outputs, and how it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skep.model.finding import Location
from skep.pipeline.workflow.nodes import Node
from skep.pipeline.workflow.tree import Condition, Step

Using = Literal["composite", "node20", "node24", "docker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionInput:
    """One declared input. `default` may use contexts: github, strategy, matrix, job, runner."""

    name: str
    description: str = ""
    required: bool = False
    default: Node | None = None
    deprecation_message: str = ""
    span: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOutput:
    """One declared output. `value` is for composite actions and may use the `steps` context."""

    name: str
    description: str = ""
    value: Node | None = None
    span: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action.yml. Which fields of the lower half are set depends on `using`."""

    path: str
    span: Location
    name: str = ""
    description: str = ""
    author: str = ""
    inputs: tuple[ActionInput, ...] = ()
    outputs: tuple[ActionOutput, ...] = ()
    using: Using
    using_written: str  # as in the file: node12, node16 run as node20
    # composite
    steps: tuple[Step, ...] = ()
    # node*
    main: str = ""
    pre: str = ""
    post: str = ""
    # node* and docker
    pre_if: Condition | None = None  # None: nothing runs before; `always()` when it was not written
    post_if: Condition | None = None
    # docker
    image: str = ""  # `docker://name`, or the path of a Dockerfile
    entrypoint: str = ""
    pre_entrypoint: str = ""
    post_entrypoint: str = ""
    args: tuple[Node, ...] = ()
    env: Node | None = None
