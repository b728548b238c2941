"""A workflow in, its uploads and downloads of artifacts out, with the names they may have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skep.model.finding import Location
from skep.pipeline.workflow.lint.sites import steps_of
from skep.pipeline.workflow.tree import Job, Step, Workflow

from .actions import ActionUse, action_use, is_well_known
from .name_shapes import NameShape, pattern_name, written_name

_FIXED = {  # actions that upload under a name of their own
    "actions/upload-pages-artifact": "github-pages",
    "hynek/build-and-inspect-python-package": "Packages",
}
_DEFAULT_NAME = "artifact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload."""

    job: Job  # of the outermost workflow
    index: int  # of its step among those of the job; -1: within a called workflow
    step: Step
    use: ActionUse
    name: NameShape
    written: str
    where: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One download of what this run uploaded."""

    job: Job
    index: int
    use: ActionUse
    name: NameShape | None  # None: all of them
    written: str
    where: Location


def uploads(workflow: Workflow, outer: Job | None = None) -> Iterator[Upload]:
    """All uploads, those of called workflows included (as of the job that calls)."""
    for job in workflow.jobs:
        if job.called is not None:
            yield from uploads(job.called, outer or job)
        for index, step in enumerate(steps_of(job)):
            use = action_use(step)
            if use is None or step.uses is None:
                continue
            written = _FIXED.get(use.name)
            node = use.input("name")
            if use.name == "actions/upload-artifact":
                written = node.text if node is not None and node.text else _DEFAULT_NAME
            if written is not None:
                yield Upload(
                    job=outer or job,
                    index=-1 if outer else index,
                    step=step,
                    use=use,
                    name=_wide(written_name(written)) if use.name in _FIXED else written_name(written),
                    written=written,
                    where=node.span if node is not None else step.uses.span,
                )


def _wide(name: NameShape) -> NameShape:
    """Such actions have inputs that change the name."""
    return NameShape(f"\0{name.pattern}\0")


def downloads(workflow: Workflow) -> Iterator[Download]:
    """All downloads from the run itself."""
    for job in workflow.jobs:
        for index, step in enumerate(steps_of(job)):
            use = action_use(step)
            if use is None or step.uses is None or use.name != "actions/download-artifact":
                continue
            if any(
                use.input(name) is not None
                for name in ("run-id", "repository", "github-token", "artifact-ids")
            ):
                continue
            name, pattern = use.input("name"), use.input("pattern")
            chosen = name if name is not None and name.text else pattern
            shape = None
            if chosen is not None and chosen.text:
                shape = written_name(chosen.text) if chosen is name else pattern_name(chosen.text)
            yield Download(
                job=job,
                index=index,
                use=use,
                name=shape,
                written=chosen.text if chosen is not None else "",
                where=chosen.span if chosen is not None else step.uses.span,
            )


def may_upload_unseen(workflow: Workflow) -> bool:
    """Whether something else may upload: an action nobody here knows, a called workflow that is not at hand, the caller."""
    if workflow.trigger("workflow_call") is not None:
        return True
    return any(_hides_uploads(job) for job in workflow.jobs)


def _hides_uploads(job: Job) -> bool:
    if job.uses is not None:
        return job.called is None or any(_hides_uploads(inner) for inner in job.called.jobs)
    for step in steps_of(job):
        use = action_use(step)
        if use is not None and use.name not in _FIXED and not is_well_known(use):
            return True
    return False
