"""Gets what a run needs of other repositories before it starts, and says what must not be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from skep.cli.loading import LoadedPlan
from skep.cli.remote_uses import DEPTH, RemoteUse, collect, lock_findings, policy_findings, uses_of
from skep.pipeline.actions.remote import parse_reference


def with_policy(loaded: LoadedPlan) -> LoadedPlan:
    """The plan with a finding for everything that the project's policy refuses."""
    if loaded.remote is None:
        return loaded
    found = policy_findings(used_by(loaded), loaded.remote)
    return replace(loaded, findings=(*loaded.findings, *found)) if found else loaded


def load_for_run(load: Callable[[], LoadedPlan]) -> LoadedPlan:
    """A plan with everything it uses of other repositories fetched, or known not to be had: reusable workflows first, for
    they say what else is used. What policy or lock refuse are findings."""
    loaded = with_policy(load())
    shelf = loaded.remote
    if shelf is None or loaded.has_errors:
        return loaded
    for _ in range(DEPTH):
        missing = [use.uses for use in used_by(loaded) if _is_call(use) and shelf.problem(use.uses) is None]
        fresh = [uses for uses in missing if not shelf.knows(uses)]
        if not fresh:
            break
        failed = shelf.obtain_all(fresh)
        if len(failed) == len(set(fresh)):
            break
        loaded = with_policy(load())
        if loaded.has_errors:
            return loaded
    used = used_by(loaded)
    found = lock_findings(used, collect(shelf, (use.uses for use in used)).failed)
    return replace(loaded, findings=(*loaded.findings, *found)) if found else loaded


def used_by(loaded: LoadedPlan) -> list[RemoteUse]:
    """Everything that the plan's workflows use of other repositories."""
    return [use for item in loaded.plan.workflows for use in uses_of(item.workflow, loaded.root)]


def _is_call(use: RemoteUse) -> bool:
    reference = parse_reference(use.uses)
    return reference is not None and reference.is_workflow
