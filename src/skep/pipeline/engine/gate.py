"""Whether a step runs: its environment first, then its `if` in that environment, then whether time is left.

Source of the order: actions/runner `StepsRunner.cs`, `CompositeActionHandler.cs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from skep.model.errors import SkepError, UserError
from skep.model.outcome import Outcome
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, is_truthy, to_text
from skep.pipeline.workflow.evaluate import evaluate_node
from skep.pipeline.workflow.nodes import Node
from skep.pipeline.workflow.tree import Condition, Step

from .explain import explain, explain_true, needs_success
from .frame import StepsFrame
from .invocation import Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A step that runs, with what was evaluated on the way."""

    env: dict[str, str]  # the step's own `env`
    scope: Scope
    because: tuple[str, ...]  # what decided its `if`; masked
    survives_cancel: Callable[[], bool]  # its `if` again, as it is once the job is cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A step that wants to run."""

    step: Step
    frame: StepsFrame
    github: Mapping[str, Value]
    condition: Condition | None  # None: always()
    is_post: bool
    mask: Callable[[str], str]

    def open(self) -> Admitted | Ending:
        """Lets the step in, or says how it ends without running."""
        frame, condition = self.frame, self.condition
        # A post step looks at the job, even when its action stands in a composite.
        status = frame.job_status() if self.is_post else frame.list_status()
        try:
            env = {} if self.step.env is None else evaluate_env(self.step.env, frame.scope(self.github))
        except SkepError as exc:
            return Ending(outcome=Outcome.FAILURE, reason=located(exc))
        scope = frame.scope(self.github, env, status)
        if condition is None:
            return Admitted(env=env, scope=scope, because=(), survives_cancel=lambda: True)
        try:
            if not is_truthy(condition.expression.evaluate(scope)):
                return self._skipped(condition, scope)
        except SkepError as exc:
            return Ending(outcome=Outcome.FAILURE, reason=located(exc), undecided=True)
        return Admitted(
            env=env,
            scope=scope,
            because=explain_true(condition, scope, mask=self.mask),
            survives_cancel=lambda: self._holds(condition, frame.scope(self.github, env, Outcome.CANCELLED)),
        )

    def _skipped(self, condition: Condition, scope: Scope) -> Ending:
        cancelled = self.frame.list_status() is Outcome.CANCELLED or self.frame.job.cancelled()
        status = "the job was cancelled" if cancelled else "an earlier step failed"
        stopped = cancelled or self.frame.list_status() is not Outcome.SUCCESS
        by_status = not condition.written or (stopped and needs_success(condition))
        reason = status if by_status else f"`if: {condition.written}` is false"
        because = self.frame.job.hashes.only_known(
            lambda: explain(condition, scope, mask=self.mask, status=status)
        )
        return Ending(outcome=Outcome.SKIPPED, reason=reason, because=because)

    @staticmethod
    def _holds(condition: Condition, scope: Scope) -> bool:
        try:
            return is_truthy(condition.expression.evaluate(scope))
        except SkepError:
            return False


def evaluate_env(node: Node, scope: Scope) -> dict[str, str]:
    """An `env:` mapping as variables. Raises UserError when it is no mapping."""
    value = evaluate_node(node, scope)
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise UserError("`env` must be a mapping of names to values", where=node.span)
    return {str(name): to_text(item) for name, item in value.items()}


def located(error: SkepError) -> str:
    """The error's text with its place in front."""
    return f"{error.where}: {error}" if error.where else str(error)
