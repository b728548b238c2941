"""The text of an action.yml in, what a caller of the action must know out: its inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass

from skep.pipeline.workflow.compose import compose
from skep.pipeline.workflow.limits import Limits
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar
from skep.pipeline.workflow.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestInput:
    """One input that an action declares."""

    name: str
    required: bool = False
    has_default: bool = False
    deprecation_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The face of an action."""

    path: str
    using: str  # as written: `composite`, `node20`, `docker`
    inputs: tuple[ManifestInput, ...] = ()
    outputs: tuple[str, ...] = ()

    def input(self, name: str) -> ManifestInput | None:
        """The input of that name, compared without case as GitHub does."""
        return next((one for one in self.inputs if one.name.lower() == name.lower()), None)


def read_manifest(text: str, path: str) -> Manifest | None:
    """The face of an action; None when the text is no action.yml. What is wrong in it is said where it is read to run."""
    root = compose(text, Report(path), Limits())
    runs = root.get("runs") if isinstance(root, MappingNode) else None
    if not isinstance(root, MappingNode) or not isinstance(runs, MappingNode):
        return None
    return Manifest(
        path=path,
        using=_text(runs.get("using")),
        inputs=tuple(_input(name, node) for name, node in _entries(root.get("inputs"))),
        outputs=tuple(name for name, _ in _entries(root.get("outputs"))),
    )


def _input(name: str, node: Node) -> ManifestInput:
    spec = node if isinstance(node, MappingNode) else MappingNode((), node.span)
    return ManifestInput(
        name=name,
        required=_text(spec.get("required")).lower() == "true",
        has_default=spec.get("default") is not None,
        deprecation_message=_text(spec.get("deprecationMessage")),
    )


def _entries(node: Node | None) -> list[tuple[str, Node]]:
    return list(node) if isinstance(node, MappingNode) else []


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""
