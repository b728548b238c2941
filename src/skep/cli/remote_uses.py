"""What workflows use of other repositories: all of it, at its places, through local actions and into what was fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from skep.cli.local_actions import local_action
from skep.model.errors import SkepError
from skep.model.finding import Finding, Location
from skep.pipeline.actions.remote import parse_reference, refusal
from skep.pipeline.engine.remote_use import repository_of_workflow
from skep.pipeline.natives.known import is_native
from skep.pipeline.natives.remote_shelf import NotAsLocked, RemoteShelf, workflow_text
from skep.pipeline.plan.script_differences import all_steps
from skep.pipeline.ports import FetchedAction
from skep.pipeline.workflow.reader import read_workflow
from skep.pipeline.workflow.tree import Step, Workflow

DEPTH = 10
"""How deep actions and workflows of other repositories may use each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteUse:
    """One `uses` of another repository."""

    uses: str
    where: Location
    has_condition: bool = False  # it may never be needed


def uses_of(workflow: Workflow, root: str) -> Iterator[RemoteUse]:
    """Everything a workflow, what it calls and the project's own actions name of other repositories. What Skep does itself is
    left out."""
    own = repository_of_workflow(workflow.path)
    for job in workflow.jobs:
        guarded = bool(job.condition.written)
        if job.uses is not None and job.uses.text and (text := _named(job.uses.text, own, is_call=True)):
            yield RemoteUse(uses=text, where=job.uses.span, has_condition=guarded)
        if job.called is not None:
            yield from uses_of(job.called, root)
        yield from _of_steps(job.steps, root, own, guarded=guarded, seen=set())


def _of_steps(
    steps: tuple[Step, ...], root: str, own: str, *, guarded: bool, seen: set[str]
) -> Iterator[RemoteUse]:
    for step in all_steps(steps):
        if step.uses is None:
            continue
        text, conditional = step.uses.text.strip(), guarded or bool(step.condition.written)
        if not own and text.startswith((".", "$/")):
            action = None if text in seen else local_action(root, text)
            seen.add(text)
            if action is not None:
                yield from _of_steps(action.steps, root, own, guarded=conditional, seen=seen)
        elif named := _named(text, own):
            yield RemoteUse(uses=named, where=step.uses.span, has_condition=conditional)


def _named(text: str, own: str, *, is_call: bool = False) -> str:
    """`owner/name[/path]@ref` of what a `uses` names; '' for what is of this repository, native, or names nothing."""
    text = text.strip()
    if own and (text.startswith("$/") or (is_call and text.startswith("./"))):
        repository, _, ref = own.partition("@")
        text = f"{repository}/{text[2:]}@{ref}"
    name, _, ref = text.partition("@")
    return "" if parse_reference(text) is None or is_native(name.lower(), ref) else text


def uses_inside(fetched: FetchedAction) -> list[str]:
    """What a fetched action or workflow itself names of other repositories, its own included. Raises nothing: what cannot be
    read is told when it is used."""
    own = f"{fetched.repository}@{fetched.ref}"
    reference = parse_reference(fetched.uses)
    if reference is not None and reference.is_workflow:
        text = workflow_text(fetched)
        workflow = read_workflow(text, fetched.uses)[0] if text is not None else None
        return [] if workflow is None else [use.uses for use in uses_of(workflow, fetched.root)]
    action = local_action(fetched.root, f"./{reference.path}" if reference is not None else ".")
    if action is None:
        return []
    return [use.uses for use in _of_steps(action.steps, fetched.root, own, guarded=False, seen=set())]


@dataclass(slots=True)
class Collected:
    """What `collect` found."""

    fetched: dict[str, FetchedAction] = field(default_factory=dict)
    failed: dict[str, SkepError] = field(default_factory=dict)


def collect(shelf: RemoteShelf, wanted: Iterable[str]) -> Collected:
    """Fetches all that is wanted, what that uses, and so on, level by level, each level at once."""
    found = Collected()
    level = list(dict.fromkeys(wanted))
    for _ in range(DEPTH):
        if not level:
            break
        found.failed.update(shelf.obtain_all(level))
        for uses in level:
            if uses not in found.failed:
                found.fetched[uses] = shelf.obtain(uses)
        inside = [one for uses in level if uses in found.fetched for one in uses_inside(found.fetched[uses])]
        known = found.fetched.keys() | found.failed.keys()
        level = [uses for uses in dict.fromkeys(inside) if uses not in known]
    return found


def policy_findings(used: Iterable[RemoteUse], shelf: RemoteShelf) -> tuple[Finding, ...]:
    """What the project's policy refuses, each at its place."""
    findings = []
    for use in used:
        reference = parse_reference(use.uses)
        if reference is None:
            continue
        refused = refusal(reference, shelf.policy, locked=shelf.locked(reference) is not None)
        if refused is not None:
            findings.append(
                Finding(rule=refused.rule, message=refused.reason, where=use.where, hint=refused.hint)
            )
    return tuple(dict.fromkeys(findings))


def lock_findings(used: Iterable[RemoteUse], failed: Mapping[str, SkepError]) -> tuple[Finding, ...]:
    """What is not as skep.lock says: nothing may start with it. An action inside another is told at every place."""
    findings = []
    places = list(used)
    for uses, error in failed.items():
        if isinstance(error, NotAsLocked):
            where = next((use.where for use in places if use.uses == uses), Location(path="skep.lock"))
            findings.append(
                Finding(rule="action-not-as-locked", message=str(error), where=where, hint=error.hint)
            )
    return tuple(findings)
