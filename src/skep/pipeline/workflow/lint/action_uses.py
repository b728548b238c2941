"""Every `uses:` of a workflow with what is known of the action behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar
from skep.pipeline.workflow.tree import Step

from .context import LintContext
from .known_actions import known_action


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFace:
    """One input of an action."""

    name: str
    needed: bool  # required and without a default
    deprecated: str = ""  # what to do instead


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionUse:
    """A step whose action is known: in the project (`is_local`), or a well-known one."""

    step: Step
    uses: Scalar
    inputs: tuple[InputFace, ...]
    is_local: bool

    def input(self, name: str) -> InputFace | None:
        """The input of that name, compared without case."""
        return next((one for one in self.inputs if one.name.lower() == name.lower()), None)

    @property
    def given(self) -> tuple[tuple[Scalar, Node], ...]:
        """The entries of `with:` whose names are literal."""
        node = self.step.with_
        if not isinstance(node, MappingNode):
            return ()
        return tuple((key, value) for key, value in node.entries if isinstance(key, Scalar))

    @property
    def gives_computed_names(self) -> bool:
        """Whether `with:` holds an expression in place of names."""
        node = self.step.with_
        return node is not None and (not isinstance(node, MappingNode) or len(node.entries) > len(self.given))


def action_uses(context: LintContext) -> Iterator[ActionUse]:
    """The steps with a known action, in order."""
    for site in context.steps:
        uses = site.step.uses
        if uses is None:
            continue
        manifest = context.manifest(uses.text)
        if manifest is not None:
            inputs = tuple(
                InputFace(
                    name=one.name,
                    needed=one.required and not one.has_default,
                    deprecated=one.deprecation_message,
                )
                for one in manifest.inputs
            )
            extra = tuple(
                InputFace(name=name, needed=False)
                for name in (("entrypoint", "args") if manifest.using.lower() == "docker" else ())
            )
            yield ActionUse(step=site.step, uses=uses, inputs=inputs + extra, is_local=True)
        elif (known := known_action(uses.text)) is not None:
            faces = tuple(
                InputFace(name=name, needed=name in known.required, deprecated=known.deprecated.get(name, ""))
                for name in sorted(known.inputs)
            )
            yield ActionUse(step=site.step, uses=uses, inputs=faces, is_local=False)
