"""An evaluated `concurrency:` -> the group to hold.

Source: "Control the concurrency of workflows and jobs"; the limits from `ConvertToConcurrency` of actions/runner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from skep.model.errors import UserError
from skep.model.finding import Location
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, to_text
from skep.pipeline.workflow.evaluate import evaluate_node
from skep.pipeline.workflow.nodes import Node

MAX_GROUP_LENGTH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """A concurrency group to hold while a workflow or job runs."""

    group: str  # lower-cased: groups are compared without case
    cancel_in_progress: bool = False
    queue: Literal["single", "max"] = "single"


def read_concurrency(node: Node | None, scope: Scope) -> Concurrency | None:
    """The group that a `concurrency:` asks for; None without the key.

    Raises ExpressionError; UserError when the group is empty or too long, or a value has the wrong kind.
    """
    if node is None:
        return None
    value = evaluate_node(node, scope)
    if not isinstance(value, Mapping):
        return Concurrency(group=_group(value, node.span))
    cancel = value.get("cancel-in-progress", False)
    if not isinstance(cancel, bool):
        raise UserError(
            f"`cancel-in-progress` must be true or false, not `{to_text(cancel)}`",
            where=node.span,
        )
    queue = to_text(value.get("queue", "single"))
    if queue not in ("single", "max"):
        raise UserError(f"`queue` must be `single` or `max`, not `{queue}`", where=node.span)
    if queue == "max" and cancel:
        raise UserError(
            "`queue: max` and `cancel-in-progress: true` cannot go together",
            where=node.span,
            hint="keep one of them",
        )
    group = _group(value.get("group"), node.span)
    return Concurrency(group=group, cancel_in_progress=cancel, queue="max" if queue == "max" else "single")


def _group(value: Value, where: Location) -> str:
    if isinstance(value, list | tuple):
        raise UserError("a concurrency group must be a text, not a list", where=where)
    group = to_text(value)
    if not group:
        raise UserError(
            "the concurrency group is empty",
            where=where,
            hint="give it a name, such as `ci-${{ github.ref }}`",
        )
    if len(group) > MAX_GROUP_LENGTH:
        raise UserError(f"the concurrency group is longer than {MAX_GROUP_LENGTH} characters", where=where)
    return group.lower()
