"""GitHub's parser cases: how a case file is cut up, and our tree in the JSON they expect."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from skep.model.finding import Finding
from skep.pipeline.expressions.values import to_text
from skep.pipeline.workflow.limits import Limits
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode, Template
from skep.pipeline.workflow.permissions import Permissions, PermissionsPolicy, requested_permissions
from skep.pipeline.workflow.reader import read_workflow
from skep.pipeline.workflow.tree import Job, Step, StepKind, Trigger, Workflow
from tools import CONFORMANCE

ROOT = Path(os.environ.get("SKEP_CONFORMANCE", CONFORMANCE))
"""Where the cases are; they are not part of the project."""

_PLACE = re.compile(r"\(Line: (\d+), Col: (\d+)\)")
_SEPARATOR = re.compile(r"^---[ \t]*\r?$\n?", re.MULTILINE)
# what `read-all` and `write-all` meant when the cases were written
_OLD_SCOPES = (
    *("actions", "checks", "contents", "deployments", "discussions", "id-token", "issues", "packages"),
    *("pages", "pull-requests", "repository-projects", "security-events", "statuses"),
)
# the names that GitHub gives to steps that do no work of their own
_WAITING = {
    StepKind.WAIT: ("Wait", "wait"),
    StepKind.WAIT_ALL: ("Wait for all", "wait-all"),
    StepKind.CANCEL: ("Cancel", "cancel"),
    StepKind.PARALLEL: ("Parallel group", "parallel"),
}
# what GitHub's TypeScript parser reads, and leaves out of its model
_TYPESCRIPT_OMITS = {"timeout-minutes", "cancel-timeout-minutes", "defaults", "permissions"}
_TYPESCRIPT_OMITS_IN_STEPS = {"with", "shell", "working-directory", "timeout-minutes"}


@dataclass(frozen=True, slots=True)
class Case:
    """One case file."""

    name: str
    options: dict[str, Any]
    text: str
    called: dict[str, str]
    expected: dict[str, Any]

    @property
    def path(self) -> str:
        return f".github/workflows/{self.name}"

    @property
    def limits(self) -> Limits:
        names = {
            "max-depth": "max_depth",
            "max-file-size": "max_file_size",
            "max-result-size": "max_result_size_bytes",
            "max-job-limit": "max_jobs",
            "max-nested-reusable-workflows-depth": "max_call_depth",
            "max-files": "max_files",
        }
        return Limits(
            **{ours: self.options[theirs] for theirs, ours in names.items() if theirs in self.options}
        )

    @property
    def with_source(self) -> bool:
        """Whether places are expected; the TypeScript parser writes none."""
        return bool(self.options.get("include-source", not self.of_typescript))

    @property
    def of_typescript(self) -> bool:
        """Whether only GitHub's TypeScript parser takes the case."""
        return "C#" in self.options.get("skip", ())

    @property
    def expected_places(self) -> set[tuple[int, int]]:
        """(line, column) of the expected messages that carry one."""
        found = (_PLACE.search(error["Message"]) for error in self.expected.get("errors", ()))
        return {(int(match[1]), int(match[2])) for match in found if match}

    def read(self) -> tuple[Workflow | None, tuple[Finding, ...]]:
        policy = PermissionsPolicy(self.options.get("permissions-policy", "Write"))
        return read_workflow(
            self.text, self.path, called=self.called.get, limits=self.limits, permissions_policy=policy
        )


def load_case(path: Path) -> Case:
    """A case file: options, workflow, (name, text) of further files, expected JSON, divided by `---`."""
    parts = _SEPARATOR.split(path.read_text(encoding="utf-8"))
    options, text, *further, expected = parts
    called = {name.strip(): content for name, content in zip(further[::2], further[1::2], strict=True)}
    return Case(path.name, yaml.safe_load(options) or {}, text, called, json.loads(expected))


@dataclass(slots=True)
class Dumper:
    """Our tree as GitHub's JSON."""

    with_source: bool
    files: list[str] = field(default_factory=list)

    def workflow(self, workflow: Workflow, *, with_events: bool, sort_files: bool = False) -> dict[str, Any]:
        self.files.append(workflow.path)
        result = _without_none(
            {
                "input-types": self._input_types(workflow),
                "env": self._node(workflow.env),
                "permissions": _permissions(requested_permissions(workflow.permissions)),
                "defaults": self._node(workflow.defaults.written),
                "concurrency": self._node(workflow.concurrency),
                "jobs": self._jobs(workflow, requested_permissions(workflow.permissions)),
                "events": {t.event: _event(t) for t in workflow.triggers} if with_events else None,
            }
        )
        if self.with_source:
            result["file-table"] = sorted(self.files) if sort_files else self.files
        return result

    @staticmethod
    def _input_types(workflow: Workflow) -> dict[str, str] | None:
        trigger = workflow.trigger("workflow_dispatch")
        return {spec.name: str(spec.type) for spec in trigger.inputs} or None if trigger else None

    def _jobs(self, workflow: Workflow, inherited: Permissions | None) -> list[dict[str, Any]]:
        return [self._job(job, inherited) for job in workflow.jobs]

    def _job(self, job: Job, inherited: Permissions | None) -> dict[str, Any]:
        own = requested_permissions(job.permissions)
        permissions = own if own is not None else inherited
        identifier = self._node(Scalar(job.id, job.span, job.id))
        named = job.name is not None and not (isinstance(job.name, Scalar) and not job.name.text)
        shared = {
            "id": identifier,
            "name": self._node(job.name) if named else identifier,
            "if": {"type": 3, "expr": job.condition.expression.text},
            "permissions": _permissions(permissions),
            "strategy": self._node(job.strategy),
            "concurrency": self._node(job.concurrency),
        }
        needs = [self._node(Scalar(need.job_id, need.span, need.job_id)) for need in job.needs]
        if job.uses is not None:
            return _without_none(
                {**shared, "type": "reusableWorkflowJob", "needs": needs, **self._call(job, permissions)}
            )
        return _without_none(
            {
                **shared,
                "type": "job",
                "needs": needs or None,
                "continue-on-error": self._node(job.continue_on_error),
                "timeout-minutes": self._node(job.timeout_minutes),
                "cancel-timeout-minutes": self._node(job.cancel_timeout_minutes),
                "env": self._node(job.env),
                "environment": self._node(job.environment),
                "defaults": self._node(job.defaults.written),
                "runs-on": self._node(job.runs_on),
                "container": self._node(job.container),
                "services": self._node(job.services),
                "outputs": self._node(job.outputs),
                "steps": [self._step(step) for step in job.steps] or None,
                "snapshot": self._node(job.snapshot),
            }
        )

    def _call(self, job: Job, permissions: Permissions | None) -> dict[str, Any]:
        called = job.called
        result: dict[str, Any] = {
            "ref": self._node(job.uses),
            "input-values": self._node(job.with_),
            "secret-values": self._node(job.secrets),
            "inherit-secrets": True if job.secrets_inherit else None,
        }
        if called is None:
            return result
        if called.path not in self.files:
            self.files.append(called.path)
        asked = requested_permissions(called.permissions)
        trigger = called.trigger("workflow_call")
        written = trigger.written if trigger is not None else None
        parts = written if isinstance(written, MappingNode) else MappingNode((), called.span)
        return {
            **result,
            "permissions": _permissions(asked if asked is not None else permissions),
            "input-definitions": self._node(parts.get("inputs"), called),
            "secret-definitions": self._node(parts.get("secrets"), called),
            "outputs": self._node(parts.get("outputs"), called),
            "defaults": self._node(called.defaults.written),
            "env": self._node(called.env),
            "embedded-concurrency": self._node(called.concurrency),
            "jobs": self._jobs(called, asked if asked is not None else permissions),
        }

    def _step(self, step: Step) -> dict[str, Any]:
        if step.kind in _WAITING:
            return self._waiting_step(step)
        background = step.background.value if isinstance(step.background, Scalar) else None
        return _without_none(
            {
                "background": background,
                "id": step.id,
                "name": self._node(step.name),
                "if": {"type": 3, "expr": step.condition.expression.text},
                "continue-on-error": self._node(step.continue_on_error),
                "timeout-minutes": self._node(step.timeout_minutes),
                "env": self._node(step.env),
                "working-directory": self._node(step.working_directory),
                "shell": self._node(step.shell),
                "run": self._node(step.run),
                "uses": self._node(step.uses),
                "with": self._node(step.with_),
            }
        )

    def _waiting_step(self, step: Step) -> dict[str, Any]:
        name, key = _WAITING[step.kind]
        targets = [str(target) for target in step.targets]
        values: dict[str, Any] = {
            "wait": targets,
            "wait-all": True,
            "cancel": targets[0] if targets else "",
            "parallel": [self._step(inner) for inner in step.steps],
        }
        return _without_none(
            {
                "id": step.id,
                "name": self._node(step.name) if step.name is not None else name,
                "continue-on-error": self._node(step.continue_on_error),
                key: values[key],
            }
        )

    def _node(self, node: Node | None, _of: Workflow | None = None) -> Any:
        if node is None:
            return None
        if isinstance(node, Scalar):
            return self._scalar(node)
        if isinstance(node, Template) and node.insert:
            return {"type": 4, **self._place(node), "directive": "insert"}
        if isinstance(node, Template):
            return {"type": 3, **self._place(node), "expr": node.expression.text}
        if isinstance(node, SequenceNode):
            items = [self._node(item) for item in node.items]
            return {"type": 1, **self._place(node), **({"seq": items} if items else {})}
        entries = [{"Key": self._node(key), "Value": self._node(value)} for key, value in node.entries]
        return {"type": 2, **self._place(node), **({"map": entries} if entries else {})}

    def _scalar(self, node: Scalar) -> Any:
        value = node.value
        if isinstance(value, float) and not math.isfinite(value):
            value = to_text(value)
        if not self.with_source:
            return value
        kind, key = (
            (7, None)
            if value is None
            else (5, "bool")
            if isinstance(value, bool)
            else (0, "lit")
            if isinstance(value, str) and isinstance(node.value, str)
            else (6, "num")
        )
        return {"type": kind, **self._place(node), **({key: value} if key else {})}

    def _place(self, node: Node) -> dict[str, int]:
        if not self.with_source:
            return {}
        file = self.files.index(node.span.path) + 1
        return {"file": file, "line": node.span.line, "col": node.span.column}


def as_typescript(model: Any) -> Any:
    """Our JSON without what the TypeScript parser leaves out of jobs and steps; step-level keys are found by `run`, `uses`."""
    if isinstance(model, list):
        return [as_typescript(item) for item in model]
    if not isinstance(model, dict):
        return model
    omitted: set[str] = set()
    if "type" in model and "id" in model:
        omitted = _TYPESCRIPT_OMITS | ({"continue-on-error"} if "steps" in model else set())
    elif "jobs" in model:
        omitted = {"defaults", "permissions"}
    elif "if" in model and "id" in model:
        omitted = _TYPESCRIPT_OMITS_IN_STEPS
    return {key: as_typescript(value) for key, value in model.items() if key not in omitted}


def _event(trigger: Trigger) -> Any:
    if trigger.schedules:
        return [
            {"cron": entry.cron, **({"timezone": entry.timezone} if entry.timezone != "UTC" else {})}
            for entry in trigger.schedules
        ]
    if not isinstance(trigger.written, MappingNode):
        return {}
    parsers = {"inputs": _input, "secrets": _literals}
    result: dict[str, Any] = {}
    for key, value in trigger.written:
        if key in parsers and isinstance(value, MappingNode):
            result[key] = {name: parsers[key](spec) for name, spec in value}
        elif isinstance(value, SequenceNode):
            result[key] = [item.text for item in value.items if isinstance(item, Scalar)]
        elif isinstance(value, Scalar) and value.value is not None:
            result[key] = [value.text]
    return result


def _input(spec: Node) -> dict[str, Any]:
    result = {"type": "string", **_literals(spec)}
    if result["type"] == "number":  # GitHub's TypeScript parser leaves these out
        result.pop("default", None)
    return result


def _literals(spec: Node) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in spec if isinstance(spec, MappingNode) else ():
        if isinstance(value, Scalar):
            result[key] = value.value
        elif isinstance(value, SequenceNode):
            result[key] = [item.text for item in value.items if isinstance(item, Scalar)]
    return result


def _permissions(permissions: Permissions | None) -> dict[str, str] | None:
    if permissions is None:
        return None
    everything = len(permissions) > len(_OLD_SCOPES)
    names = [name for name in permissions if not everything or name in _OLD_SCOPES]
    return {name: permissions[name].name.lower() for name in names if permissions[name]}


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
