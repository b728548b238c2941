"""Workflow text in, syntax tree and findings out: the door of this room.

Order: compose YAML, fit it to the shape of a workflow (templates are compiled on the way), convert to the tree, read the
reusable workflows it calls. Each part goes on where the one before found something wrong, so one reading reports all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from skep.model.finding import Finding, Location

from .calls import check_call, check_permissions
from .compose import compose
from .embed import Embedder
from .job_parts import check_concurrency
from .jobs import read_jobs, read_run_defaults
from .limits import Limits
from .nodes import MappingNode, Node, Scalar
from .permissions import Permissions, PermissionsPolicy, default_permissions, requested_permissions
from .report import Report, did_you_mean, quoted
from .source import Source
from .tree import Job, Workflow
from .triggers import read_triggers
from .validate import Budget, ResultTooLargeError, Validator
from .workflow_keys import WORKFLOW

Called = Callable[[str], str | None]
"""The text of a reusable workflow by its `uses`; None when it is not at hand."""


def read_workflow(
    text: str,
    path: str,
    *,
    called: Called | None = None,
    limits: Limits | None = None,
    permissions_policy: PermissionsPolicy = PermissionsPolicy.WRITE,
) -> tuple[Workflow | None, tuple[Finding, ...]]:
    """A workflow file as a tree, and everything that is wrong with it. Never raises on user input.

    `path` names the file in findings. `called` gives the texts of reusable workflows: `./.github/workflows/x.yml` or
    `owner/repository/path@ref`; without it none is looked at, and a local one that it does not know is an error. The tree
    is None exactly when a finding is an error; bytes that were not UTF-8 may stand in the text as surrogates.
    """
    reading = _Reading(called, limits or Limits(), permissions_policy)
    workflow = reading.read(text, path)
    if workflow is not None:
        allowed = requested_permissions(workflow.permissions)
        workflow = reading.with_calls(workflow, path, (path,), allowed)
    findings = tuple(reading.findings)
    if any(finding.is_error for finding in findings):
        return None, findings
    return workflow, findings


def read_parts(text: str, path: str, *, limits: Limits | None = None) -> Workflow | None:
    """A file that `read_workflow` refuses, as far as it can be read; None when nothing can.

    For those who look at single steps and scripts. Wrong values are left out or stand as written; nothing may run by it.
    """
    return _Reading(None, limits or Limits(), PermissionsPolicy.WRITE).read(text, path)


@dataclass(slots=True)
class _Reading:
    """One call of `read_workflow`: the file and all that it calls."""

    called: Called | None
    limits: Limits
    policy: PermissionsPolicy
    budget: Budget = field(init=False)
    findings: list[Finding] = field(default_factory=list)
    files: dict[str, tuple[Workflow | None, bool]] = field(default_factory=dict)  # (tree, has errors)
    jobs: int = 0

    def __post_init__(self) -> None:
        self.budget = Budget(self.limits)

    def read(self, text: str, path: str) -> Workflow | None:
        """The tree of one file, calls not followed; None when there is nothing to convert."""
        report = Report(path)
        self.budget.add_text(path)
        root = compose(text, report, self.limits)
        workflow = None
        if root is not None:
            embedder = Embedder(report, Source(text.removeprefix("\ufeff")))
            workflow = self._convert(root, path, embedder)
        self.findings += report.findings
        self.files[path] = (workflow, report.has_errors)
        return workflow

    def _convert(self, root: Node, path: str, embedder: Embedder) -> Workflow | None:
        report = embedder.report
        try:
            tree = Validator(report, embedder, self.budget).read(root, WORKFLOW)
        except ResultTooLargeError:
            return None
        if not isinstance(tree, MappingNode):
            return None
        jobs = read_jobs(tree.get("jobs"), embedder)
        if not self.files:
            self._count_jobs(jobs, report)
        check_concurrency(tree.get("concurrency"), report)
        name, description = tree.get("name"), tree.get("description")
        return Workflow(
            path=path,
            span=tree.span,
            name=name.text if isinstance(name, Scalar) and name.text else None,
            description=description.text if isinstance(description, Scalar) else "",
            run_name=tree.get("run-name"),
            triggers=read_triggers(tree.get("on"), report),
            env=tree.get("env"),
            defaults=read_run_defaults(tree.get("defaults")),
            permissions=tree.get("permissions"),
            concurrency=tree.get("concurrency"),
            jobs=jobs,
        )

    def _count_jobs(self, jobs: tuple[Job, ...], report: Report) -> None:
        most = self.limits.max_jobs
        before, self.jobs = self.jobs, self.jobs + len(jobs)
        if most and before <= most < self.jobs:
            report.error("too-many-jobs", f"more than {most} jobs in all files", jobs[most - before].span)

    # --- reusable workflows -------------------------------------------------------------------------------------------
    def with_calls(
        self, workflow: Workflow, at: str, chain: tuple[str, ...], allowed: Permissions | None
    ) -> Workflow:
        """The workflow with the ones it calls attached. `allowed`: what was written above it, None = nothing."""
        if self.called is None or not any(job.uses for job in workflow.jobs):
            return workflow
        report = Report(at)
        jobs = tuple(self._with_call(job, at, chain, allowed, report) for job in workflow.jobs)
        self.findings += report.findings
        return replace(workflow, jobs=jobs)

    def _with_call(
        self, job: Job, at: str, chain: tuple[str, ...], above: Permissions | None, report: Report
    ) -> Job:
        if job.uses is None or not job.uses.text:
            return job
        target = _target(job.uses.text, at)
        if target in chain:
            report.error("call-cycle", f"{quoted(job.uses.text)} calls itself in the end", job.uses.span)
            return job
        if len(chain) > self.limits.max_call_depth:
            report.error(
                "calls-too-deep",
                f"reusable workflows are nested deeper than {self.limits.max_call_depth} levels",
                job.uses.span,
            )
            return job
        inner = self._called_tree(job.uses, target, report)
        if inner is None:
            return job
        self._count_jobs(inner.jobs, report)
        check_call(job, inner, report)
        own = requested_permissions(job.permissions)
        explicit = own if own is not None else above
        allowed = explicit if explicit is not None else default_permissions(self.policy)
        check_permissions(job, inner, allowed, report)
        asked = requested_permissions(inner.permissions)
        return replace(
            job,
            called=self.with_calls(inner, target, (*chain, target), asked if asked is not None else explicit),
        )

    def _called_tree(self, uses: Scalar, target: str, report: Report) -> Workflow | None:
        is_local = target.startswith(".github/")
        if target not in self.files:
            text = self._text(f"./{target}" if is_local else target, uses.span, report)
            if text is None:
                if is_local:
                    hint = did_you_mean(target, self.files, list_all=False)
                    hint = (
                        hint
                        or "write the path from the top of the repository: `./.github/workflows/NAME.yml`"
                    )
                    report.error("unknown-workflow", f"there is no {quoted(uses.text)}", uses.span, hint=hint)
                return None
            self.read(text, target)
        tree, wrong = self.files[target]
        if wrong:
            report.error("called-workflow-wrong", f"{quoted(uses.text)} has errors of its own", uses.span)
            return None
        return tree

    def _text(self, reference: str, where: Location, report: Report) -> str | None:
        if self.called is None or len(self.files) >= self.limits.max_files:
            report.error("too-many-files", f"more than {self.limits.max_files} files", where)
            return None
        return self.called(reference)


def _target(uses: str, at: str) -> str:
    """The path of a workflow of this repository, or `owner/repository/path@ref`, as seen from the calling file."""
    if not uses.startswith(("./", "$/")):
        return uses
    if "@" not in at:
        return uses[2:]
    repository, _, rest = at.partition("/.github/")
    return f"{repository}/{uses[2:]}@{rest.rpartition('@')[2]}"
