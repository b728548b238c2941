"""The value of `steps:` in, steps out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from skep.model.ids import StepId

from .availability import Availability
from .conditions import STEP_IF, always_condition, read_condition
from .embed import Embedder
from .identifiers import Identifiers, action_reference, made_step_id
from .nodes import MappingNode, Node, Scalar, SequenceNode
from .report import Report, did_you_mean, quoted
from .tree import Condition, Step, StepKind

_KINDS = {kind.value: kind for kind in StepKind}


def read_steps(
    node: Node | None,
    embedder: Embedder,
    *,
    condition_at: Availability = STEP_IF,
    ids_may_repeat: bool = False,
) -> tuple[Step, ...]:
    """The steps of a job or a composite action, with the ids GitHub would make; what is wrong is reported."""
    reader = _StepsReader(embedder, condition_at, ids_may_repeat=ids_may_repeat)
    steps = reader.read(node)
    return reader.with_ids(steps)


class _StepsReader:
    def __init__(self, embedder: Embedder, condition_at: Availability, *, ids_may_repeat: bool) -> None:
        self._embedder = embedder
        self._report: Report = embedder.report
        self._condition_at = condition_at
        self._ids_may_repeat = ids_may_repeat
        self._ids = Identifiers()
        self._known: set[str] = set()

    def read(self, node: Node | None) -> list[Step]:
        if not isinstance(node, SequenceNode):
            return []
        steps = [self._step(item) for item in node.items if isinstance(item, MappingNode)]
        return [step for step in steps if step is not None]

    def with_ids(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        made = []
        for step in steps:
            inner = self.with_ids(step.steps) if step.steps else ()
            identifier = step.id or StepId(self._ids.make(f"__{self._base(step)}"))
            made.append(replace(step, id=identifier, steps=inner))
        return tuple(made)

    @staticmethod
    def _base(step: Step) -> str:
        if step.kind is StepKind.USES:
            return made_step_id(step.uses.text if step.uses else "")
        return step.kind.value

    def _step(self, node: MappingNode) -> Step | None:
        kind = next((_KINDS[key] for key, _ in node if key in _KINDS), None)
        if kind is None:
            return None
        identifier = self._identifier(node.get("id"))
        uses = _scalar(node.get("uses"))
        if kind is StepKind.USES and uses is not None:
            self._check_uses(uses)
        step = Step(
            id=identifier,
            id_written=bool(identifier),
            kind=kind,
            span=node.span,
            condition=self._condition(node, kind),
            name=node.get("name"),
            run=node.get("run"),
            uses=uses,
            with_=node.get("with"),
            env=node.get("env"),
            shell=node.get("shell"),
            working_directory=node.get("working-directory"),
            timeout_minutes=node.get("timeout-minutes"),
            continue_on_error=node.get("continue-on-error"),
            background=node.get("background"),
            targets=self._targets(node, kind, identifier),
            steps=tuple(self.read(node.get("parallel"))),
        )
        if identifier:
            self._known.add(identifier)
        return step

    def _condition(self, node: MappingNode, kind: StepKind) -> Condition:
        if kind in {StepKind.RUN, StepKind.USES}:
            return read_condition(node.get("if"), node.span, self._condition_at, self._embedder)
        return always_condition(node.span)

    def _identifier(self, node: Node | None) -> StepId:
        name = _scalar(node)
        if name is None or not name.text:
            return StepId("")
        if problem := self._ids.problem_with(name.text):
            repeated = name.text.lower() in {known.lower() for known in self._known}
            rule = "duplicate-id" if repeated else "bad-id"
            report = self._report.warn if repeated and self._ids_may_repeat else self._report.error
            report(rule, f"step id {quoted(name.text)}: an id {problem}", name.span)
        return StepId(name.text)

    def _check_uses(self, uses: Scalar) -> None:
        if not uses.text or uses.text.startswith(("docker://", "./", ".\\", "$/")):
            return
        if action_reference(uses.text) is None:
            self._report.error(
                "bad-uses",
                f"{quoted(uses.text)} is not an action",
                uses.span,
                hint="write `owner/repository@ref`, `owner/repository/path@ref`, `./path` or `docker://image`",
            )

    def _targets(self, node: MappingNode, kind: StepKind, own: str) -> tuple[StepId, ...]:
        value = node.get(kind.value)
        if kind is StepKind.WAIT_ALL:
            if isinstance(value, Scalar) and value.value is False:
                self._report.error("unexpected-value", "`wait-all` is true, or nothing", value.span)
            return ()
        if kind not in {StepKind.WAIT, StepKind.CANCEL}:
            return ()
        named = value.items if isinstance(value, SequenceNode) else (value,)
        targets = [item for item in named if isinstance(item, Scalar)]
        for target in targets:
            self._check_target(target, own)
        return tuple(StepId(target.text) for target in targets)

    def _check_target(self, target: Scalar, own: str) -> None:
        name = target.text
        if name.startswith("__"):
            self._report.error("bad-id", f"{quoted(name)}: ids beginning with `__` are reserved", target.span)
        elif own and name.lower() == own.lower():
            self._report.error("unknown-step", f"step {quoted(own)} cannot wait for itself", target.span)
        elif name not in self._known:
            self._report.error(
                "unknown-step",
                f"no step {quoted(name)} above",
                target.span,
                hint=did_you_mean(name, self._known),
            )


def _scalar(node: Node | None) -> Scalar | None:
    """A literal; a template counts as absent (its place allows none, which is reported)."""
    return node if isinstance(node, Scalar) else None
