"""Workflows of well-known projects: all are read, and planned, without a crash and without a wrong rejection.

The source distributions come from the package registry through pip, into build/corpus; what is there is not fetched again.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from skep.cli.findings import render_finding
from skep.pipeline.plan.build import build_plan
from skep.pipeline.plan.values import RepositoryFacts, TriggerFacts
from skep.pipeline.workflow.reader import read_workflow
from skep.pipeline.workflow.tree import Workflow

CORPUS = Path(__file__).resolve().parents[1] / "build" / "corpus"
PROJECTS = (
    *(
        "attrs",
        "pluggy==1.6.0",
        "pytest",
        "black",
        "structlog",
        "nox",
        "anyio",
        "cattrs",
        "coverage",
        "starlette",
    ),
    *(
        "twine",
        "pytest-xdist",
        "pytest-asyncio",
        "pytest-mock",
        "iniconfig",
        "zipp",
        "importlib-metadata",
        "keyring",
    ),
    *(
        "setuptools-scm",
        "towncrier",
        "h11",
        "markdown-it-py",
        "msgpack",
        "tomlkit",
        "hatch-vcs",
        "cibuildwheel",
    ),
)
"""What pip is asked for; those whose source distribution holds no workflow are passed over."""
EVENTS = ("push", "pull_request", "schedule", "workflow_dispatch", "release")
_TIMEOUT_S = 120


@dataclass(slots=True)
class Reading:
    """What came of one project."""

    project: str
    files: int = 0
    size_bytes: int = 0
    cpu_s: float = 0.0
    rejected: dict[str, str] = field(default_factory=dict)  # path -> its findings as text
    started: dict[str, int] = field(default_factory=dict)  # event -> workflows it starts


def fetch(project: str) -> Path | None:
    """The source distribution of a project; None when it cannot be had."""
    name = project.partition("==")[0]
    folder = CORPUS / project
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", name, "--dest", str(folder), project]
        try:
            subprocess.run(command, check=False, capture_output=True, timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return None
    return next((path for path in sorted(folder.iterdir()) if path.is_file()), None)


def workflows_of(archive: Path) -> Iterator[tuple[str, str]]:
    """(path below the project's root, text) of each workflow in a source distribution."""
    for name, data in _members(archive):
        path = name.partition("/")[2]
        if path.startswith(".github/workflows/") and path.endswith((".yml", ".yaml")):
            yield path, data.decode("utf-8", "surrogateescape")


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as pack:
            for name in pack.namelist():
                yield name, pack.read(name)
        return
    with tarfile.open(archive) as pack:
        for member in pack:
            content = pack.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, content.read()


def read_project(project: str, files: dict[str, str]) -> Reading:
    """Reads every workflow of one project."""
    reading = Reading(project)
    texts = {f"./{path}": text for path, text in files.items()}
    workflows = []
    for path, text in sorted(files.items()):
        started = time.process_time()
        workflow, findings = read_workflow(text, path, called=texts.get)
        reading.cpu_s += time.process_time() - started
        reading.files += 1
        reading.size_bytes += len(text.encode("utf-8", "surrogateescape"))
        if workflow is not None:
            workflows.append(workflow)
        else:
            shown = [
                render_finding(found, files.get(found.where.path), colour=False)
                for found in findings
                if found.is_error
            ]
            reading.rejected[path] = "\n".join(shown)
    for event in EVENTS:
        reading.started[event] = plan_event(event, workflows)
    return reading


def plan_event(event: str, workflows: list[Workflow]) -> int:
    """How many workflows an event on the default branch starts."""
    on_pull_request = event == "pull_request"
    trigger = TriggerFacts(
        event=event,
        ref="refs/pull/1/merge" if on_pull_request else "refs/heads/main",
        sha="0" * 40,
        payload={},
        base_ref="main" if on_pull_request else "",
        head_ref="topic" if on_pull_request else "",
        action={"pull_request": "opened", "release": "published"}.get(event, ""),
        changed_paths=("README.md", "src/a.py"),
    )
    repository = RepositoryFacts(
        repository="local/corpus", owner="local", actor="somebody", default_branch="main", root="/"
    )
    return len(build_plan(workflows, trigger, repository, run_id="1", run_number=1).workflows)


def main() -> None:
    """Prints one line per project, then each rejection."""
    readings = []
    for project in PROJECTS:
        archive = fetch(project)
        files = dict(workflows_of(archive)) if archive is not None else {}
        if files:
            readings.append(read_project(project, files))
            last = readings[-1]
            print(
                f"corpus.{project} {last.files} workflows, {len(last.rejected)} rejected, "
                f"{last.cpu_s / last.files * 1000:.1f} ms CPU each, started by "
                + " ".join(f"{event} {count}" for event, count in last.started.items())
            )
    for reading in readings:
        for path, shown in reading.rejected.items():
            print(f"\n{reading.project} {path} is rejected:\n{shown}")
    print(f"corpus.projects {len(readings)} count")
    print(f"corpus.files {sum(reading.files for reading in readings)} count")
    print(f"corpus.rejected {sum(len(reading.rejected) for reading in readings)} count")
