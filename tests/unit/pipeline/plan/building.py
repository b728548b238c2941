"""Short ways to what this room's tests need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.values import RepositoryFacts, TriggerFacts
from skep.pipeline.workflow.reader import read_workflow
from skep.pipeline.workflow.tree import Workflow
from tools import PROJECT

CASES = PROJECT / "tests" / "cases" / "plan"
JOBS = "jobs: {job: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"


def cases(name: str) -> list[dict[str, Value]]:
    """The cases of one file of tests/cases/plan."""
    return cast(
        "list[dict[str, Value]]", json.loads(Path(CASES / f"{name}.json").read_text(encoding="utf-8"))
    )


def a_workflow(text: str, path: str = ".github/workflows/ci.yml") -> Workflow:
    """A workflow without findings; `jobs` may be left out."""
    if "jobs:" not in text:
        text = f"{text.rstrip()}\n{JOBS}"
    workflow, findings = read_workflow(text, path)
    assert workflow is not None, findings
    return workflow


def a_trigger(event: str = "push", **changes: object) -> TriggerFacts:
    """A trigger of an event on main, with these fields."""
    fields: dict[str, object] = {"event": event, "ref": "refs/heads/main", "sha": "a" * 40, "payload": {}}
    return TriggerFacts(**(fields | changes))  # type: ignore[arg-type]  # fields by name, for brevity


def a_repository() -> RepositoryFacts:
    """A repository with a remote."""
    return RepositoryFacts(
        repository="mona/hello", owner="mona", actor="ada", default_branch="main", root="/project"
    )
