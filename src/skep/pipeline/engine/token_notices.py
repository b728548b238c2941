"""What to say of an action that wants `github.token` where there is none. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from skep.pipeline.actions.action import Action
from skep.pipeline.plan.differences import is_token
from skep.pipeline.workflow.nodes import MappingNode, Node, Template
from skep.pipeline.workflow.tree import Step

_NAMES = frozenset(
    ("token", "github-token", "github_token", "repo-token", "repo_token", "gh-token", "gh_token")
)
_HINT = "`skep run --token NAME` takes it from the variable NAME of your environment"


def token_notices(action: Action, step: Step, inputs: Mapping[str, str]) -> list[str]:
    """A notice for the inputs and variables of a step that stand for the token and are empty. () when there is one."""
    given = {name.lower(): node for name, node in step.with_} if isinstance(step.with_, MappingNode) else {}
    empty = {name.lower() for name, value in inputs.items() if not value}
    names = [
        spec.name
        for spec in action.inputs
        if spec.name.lower() in empty
        and (_reads_token(given.get(spec.name.lower(), spec.default)) or _is_needed(spec.name, spec.required))
    ]
    if not names:
        return []
    listed = ", ".join(f"`{name}`" for name in names)
    return [
        f"`github.token` is empty here, so the action gets no {listed}; what it asks of GitHub may fail. {_HINT}"
    ]


def _reads_token(node: Node | None) -> bool:
    return isinstance(node, Template) and any(map(is_token, node.expression.paths))


def _is_needed(name: str, required: bool) -> bool:
    return required and name.lower() in _NAMES
