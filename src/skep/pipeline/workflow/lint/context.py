"""What a rule sees of the workflow it checks, and of the project around it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from skep.model.finding import Location
from skep.pipeline.expressions.syntax import Node as Tree
from skep.pipeline.workflow.source import Source
from skep.pipeline.workflow.tree import Job, Step, Workflow

from .inference import TypeProblem, find_problems
from .manifests import Manifest, read_manifest
from .options import LintOptions
from .scope_types import Scopes
from .sites import (
    ExpressionSite,
    ScriptSite,
    StepSite,
    expression_sites,
    find_part,
    script_sites,
    steps_of,
)

ReadFile = Callable[[str], str | None]
"""The text of a file of the project by its path (`scripts/x.sh`), None when there is none."""


@dataclass(slots=True, kw_only=True)
class LintContext:
    """One workflow and what belongs to it. Made by `lint_context`; rules only read."""

    workflow: Workflow
    text: str  # of its file, without a byte order mark
    options: LintOptions
    workflows: Mapping[str, Workflow]  # path -> every readable workflow of the project, this one too
    read_file: ReadFile
    source: Source
    expressions: tuple[ExpressionSite, ...]
    steps: tuple[StepSite, ...]
    scripts: tuple[ScriptSite, ...]
    _manifests: dict[str, Manifest | None] = field(default_factory=dict)
    _problems: tuple[tuple[ExpressionSite, TypeProblem], ...] | None = None

    def place(self, site: ExpressionSite, node: Tree | None = None) -> Location:
        """Where a part of an expression stands in the file, or all of it; the whole scalar when it cannot be found."""
        start, end = (node.start, node.end) if node is not None else (0, len(site.text))
        found = find_part(self.written(site.span), site, start, end)
        return site.span if found is None else self.inside(site.span, *found)

    def inside(self, span: Location, start: int, end: int) -> Location:
        """The place of `written(span)[start:end]`."""
        first = self.source.offset(span.line, span.column)
        return self.source.place(span.path, first + start, first + end)

    def written(self, span: Location) -> str:
        """What stands at a place of the file, with quotes and indentation."""
        return self.source.written(span)

    def manifest(self, uses: str) -> Manifest | None:
        """The face of a local action (`./actions/build`); None when it is not local or not there."""
        if not uses.startswith("./"):
            return None
        folder = posixpath.normpath(uses)
        if folder not in self._manifests:
            self._manifests[folder] = self._read_manifest(folder)
        return self._manifests[folder]

    def _read_manifest(self, folder: str) -> Manifest | None:
        for name in ("action.yml", "action.yaml"):
            path = posixpath.normpath(posixpath.join(folder, name))
            text = None if path.startswith("../") else self.read_file(path)
            if text is not None:
                return read_manifest(text, path)
        return None

    def type_problems(self) -> tuple[tuple[ExpressionSite, TypeProblem], ...]:
        """Every misuse in the expressions of the workflow; looked for once, for all rules on types."""
        if self._problems is None:
            scopes = Scopes(workflow=self.workflow, manifest=self.manifest)
            self._problems = tuple(
                (site, problem)
                for site in self.expressions
                for problem in find_problems(site, partial(scopes.type_of_name, site))
            )
        return self._problems

    def steps_of(self, job: Job) -> tuple[Step, ...]:
        """All steps of a job in the order they begin, those in `parallel:` included."""
        return steps_of(job)


def lint_context(
    workflow: Workflow,
    text: str,
    *,
    options: LintOptions | None = None,
    workflows: Mapping[str, Workflow] | None = None,
    read_file: ReadFile = lambda _path: None,
) -> LintContext:
    """What rules see of a workflow. `workflows`: the others of the project; this one is added."""
    plain = text.removeprefix("\ufeff")
    return LintContext(
        workflow=workflow,
        text=plain,
        options=options or LintOptions(),
        workflows={**(workflows or {}), workflow.path: workflow},
        read_file=read_file,
        source=Source(plain),
        expressions=tuple(expression_sites(workflow)),
        steps=tuple(
            StepSite(job=job, step=step, index=index)
            for job in workflow.jobs
            for index, step in enumerate(steps_of(job))
        ),
        scripts=tuple(script_sites(workflow)),
    )
